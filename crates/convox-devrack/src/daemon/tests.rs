//! These tests start their own test binary in the background, running [`a_rack_process`] only.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{SignalKind, signal};

use crate::runner::{Group, started_at};

use super::*;
use crate::tests::support::{Client, TEST_TIMEOUT, environment, script, web};

mod listen;

/// Exists in a data directory whose rack is being started.
const MARK: &str = "start.lock";

/// The rack process of the other tests. Does nothing unless one of them started it.
#[test]
#[ignore = "other tests start it as a process of its own"]
fn a_rack_process() {
    let data = std::env::current_dir().unwrap();
    if !data.join(MARK).exists() {
        return;
    }
    detach_self().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).unwrap();
        let stop = async move {
            terminate.recv().await;
        };
        let mut options = options(None);
        options.limits.processes.stop = Duration::from_millis(200);
        options.adoption = Some(Adoption::start());
        run(&data, options, |_| (), stop).await.unwrap();
    });
}

fn options(listen: Option<SocketAddr>) -> StartOptions {
    let (clock, limits) = (Clock::system(), Limits::default());
    StartOptions {
        environment: environment(),
        clock,
        limits,
        listen,
        log_tap: None,
        adoption: None,
    }
}

struct TestDir(tempfile::TempDir);

impl TestDir {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self(dir)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    async fn start(&self) {
        let address = self.start_with("daemon::tests::a_rack_process").await.unwrap();
        assert!(address.is_none(), "{address:?}");
    }

    /// Starts the rack.
    async fn client(&self) -> Client {
        self.start().await;
        Client::of(self.path())
    }

    async fn start_with(&self, test: &str) -> Result<Option<Address>, DaemonError> {
        let program = std::env::current_exe().unwrap();
        let arguments = ["--exact", test, "--ignored", "--nocapture"].map(OsString::from);
        let log = self.path().join("rack.log");
        start_detached(self.path(), &program, &arguments, &log).await
    }

    async fn pid(&self) -> i32 {
        match status(self.path()).await.unwrap() {
            Status::Running { pid, .. } => pid,
            other => panic!("{other:?}"),
        }
    }

    fn mode(&self, name: &str) -> u32 {
        std::fs::metadata(self.path().join(name)).unwrap().permissions().mode() & 0o777
    }
}

/// Stops the rack of a failed test.
impl Drop for TestDir {
    fn drop(&mut self) {
        if let Some(pid) = Record::read(self.path()).unwrap().and_then(|record| record.living_pid())
        {
            let _ = kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rack_is_started_found_and_stopped_and_keeps_its_data() {
    let dir = TestDir::new();
    assert!(matches!(status(dir.path()).await.unwrap(), Status::Stopped));
    assert_eq!(stop(dir.path()).await.unwrap(), Stopped::WasNotRunning);
    let client = dir.client().await;
    assert_eq!((dir.mode("rack.json"), dir.mode("rack.log")), (0o600, 0o600));
    client.create("web").await;
    assert_eq!(stop(dir.path()).await.unwrap(), Stopped::Ended);
    assert!(matches!(status(dir.path()).await.unwrap(), Status::Stopped));

    dir.start().await;
    assert_eq!(client.get("/apps/web").await["name"], "web");
    assert_eq!(stop(dir.path()).await.unwrap(), Stopped::Ended);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_starts_yield_one_rack() {
    let dir = TestDir::new();
    futures_util::future::join_all((0..8).map(|_| dir.start())).await;
    let pid = dir.pid().await;
    dir.start().await;
    assert_eq!(dir.pid().await, pid);
    let (data, stop_now) = (dir.path(), std::future::ready(()));
    let second = run(data, options(None), |_| (), stop_now);
    assert!(matches!(second.await, Err(DaemonError::AlreadyRunning(_))));
    assert_eq!(stop(dir.path()).await.unwrap(), Stopped::Ended);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_exits_is_reported_with_its_last_line() {
    let dir = TestDir::new();
    let error = dir.start_with("no such test").await.unwrap_err();
    assert!(matches!(&error, DaemonError::Failed { reason, .. } if !reason.is_empty()), "{error}");
    for damaged in ["", "{"] {
        std::fs::write(dir.path().join("rack.json"), damaged).unwrap();
        let error = stop(dir.path()).await.unwrap_err();
        assert!(matches!(error, DaemonError::Unreadable(..)), "{error}");
    }
    std::fs::remove_file(dir.path().join("rack.json")).unwrap();
    let program = Path::new("/nowhere/convox");
    let log = dir.path().join("rack.log");
    let error = start_detached(dir.path(), program, &[], &log).await.unwrap_err();
    assert!(matches!(error, DaemonError::Spawn(..)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_acknowledged_is_lost_when_the_rack_is_killed() {
    let dir = TestDir::new();
    let client = dir.client().await;
    client.create("web").await;
    let release = client.release("web", web("Hi")).await;
    client.promoted("web", &release).await;
    let address = client.address("web", "web").await;
    let (_, made) = client.post("/apps/web/releases", &[("env", "GREETING= again")]).await;
    let new = made["id"].as_str().unwrap();
    let slow = crate::tests::support::archive(&[(
        "convox.yml",
        "services:\n  job:\n    command: sleep 60\n    x-dev:\n      build: sleep 60\n",
    )]);
    let build = client.start_build("web", slow).await;
    client.promote("web", new).await;
    let orphan = client.get("/apps/web/processes").await[0]["id"].as_str().unwrap().to_owned();

    let pid = Pid::from_raw(dir.pid().await).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    dir.start().await;

    let build = client.get(&format!("/apps/web/builds/{}", build["id"].as_str().unwrap())).await;
    assert_eq!(build["status"], "failed");
    assert_eq!(client.running("web").await["release"], new, "an accepted promote is finished");
    assert_eq!(client.address("web", "web").await, address);
    assert_eq!(client.curl(address).await, "Hi again\n");
    let processes = client.get("/apps/web/processes").await;
    assert_eq!(processes.as_array().unwrap().len(), 1);
    assert_ne!(processes[0]["id"], orphan);
    assert_eq!(client.get("/apps/web/releases").await.as_array().unwrap().len(), 2);
    assert_eq!(stop(dir.path()).await.unwrap(), Stopped::Ended);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_the_rack_stops_its_apps() {
    let dir = TestDir::new();
    let client = dir.client().await;
    client.create("jobs").await;
    let path = dir.path().join("pid");
    let text = format!("echo $$ > {}; exec sleep 600", path.display());
    let release = client.release("jobs", script(&text)).await;
    client.promoted("jobs", &release).await;
    let pid: i32 = std::fs::read_to_string(&path).unwrap().trim().parse().unwrap();
    assert!(started_at(pid).is_some());
    assert_eq!(stop(dir.path()).await.unwrap(), Stopped::Ended);
    assert!(started_at(pid).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_rack_left_running_is_reported_and_stopped() {
    let dir = TestDir::new();
    let client = dir.client().await;
    client.create("jobs").await;
    let path = dir.path().join("pid");
    let text = format!("echo $$ > {}; exec sleep 600", path.display());
    let release = client.release("jobs", script(&text)).await;
    client.promoted("jobs", &release).await;
    let service: i32 = std::fs::read_to_string(&path).unwrap().trim().parse().unwrap();
    kill_process(Pid::from_raw(dir.pid().await).unwrap(), Signal::KILL).unwrap();
    let killed = async {
        while matches!(
            status(dir.path()).await.unwrap(),
            Status::Running { .. } | Status::NotAnswering { .. }
        ) {}
    };
    tokio::time::timeout(TEST_TIMEOUT, killed).await.unwrap();
    let found = status(dir.path()).await.unwrap();
    assert!(matches!(found, Status::Killed { processes: 1 }), "{found:?}");
    let service = Group::of_leader(service).unwrap();
    assert!(service.is_alive(), "asking changes nothing");
    assert_eq!(stop(dir.path()).await.unwrap(), Stopped::Orphans { processes: 1 });
    assert!(!service.is_alive());
    assert!(matches!(status(dir.path()).await.unwrap(), Status::Stopped));
    assert_eq!(stop(dir.path()).await.unwrap(), Stopped::WasNotRunning);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_needs_no_password_and_goes_with_the_rack() {
    let dir = TestDir::new();
    let client = dir.client().await;
    assert_eq!(dir.mode("rack.sock"), 0o600);
    let freed = check::post(dir.path(), "/system/prune").await.unwrap();
    assert!(freed.contains("\"freed\""), "{freed}");
    let request = client.with_password("").request(reqwest::Method::POST, "/system/prune");
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_eq!(stop(dir.path()).await.unwrap(), Stopped::Ended);
    assert!(!dir.path().join("rack.sock").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rack_that_hangs_is_not_reported_as_running() {
    let dir = TestDir::new();
    dir.start().await;
    let pid = dir.pid().await;
    kill_process(Pid::from_raw(pid).unwrap(), Signal::STOP).unwrap();
    // A stopped process may still answer briefly, until every thread has received the signal.
    let hanging = async {
        loop {
            match status(dir.path()).await.unwrap() {
                Status::NotAnswering { pid } => return pid,
                Status::Running { .. } => (),
                Status::Stopped | Status::Killed { .. } => panic!("it holds its lock"),
            }
        }
    };
    assert_eq!(tokio::time::timeout(TEST_TIMEOUT, hanging).await.unwrap(), Some(pid));
    kill_process(Pid::from_raw(pid).unwrap(), Signal::CONT).unwrap();
    assert_eq!(stop(dir.path()).await.unwrap(), Stopped::Ended);
}

/// Creates releases until the rack is gone; returns the ids that were answered.
async fn make_releases(client: Client) -> Vec<String> {
    let mut made = Vec::new();
    loop {
        let request = client.request(reqwest::Method::POST, "/apps/web/releases?env=A=1");
        let Ok(answer) = request.send().await else { return made };
        let Ok(text) = answer.text().await else { return made };
        let release: serde_json::Value = serde_json::from_str(&text).unwrap();
        made.push(release["id"].as_str().unwrap().to_owned());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn releases_acknowledged_before_a_kill_exist_after_it() {
    let dir = TestDir::new();
    let client = dir.client().await;
    client.create("web").await;
    let mut answered: Vec<String> = Vec::new();
    for _ in 0..3 {
        let makers: Vec<_> = (0..4).map(|_| tokio::spawn(make_releases(client.clone()))).collect();
        let before = answered.len() + 5;
        let many = |list: &serde_json::Value| list.as_array().unwrap().len() > before;
        client.until("/apps/web/releases?limit=1000", many).await;
        let pid = Pid::from_raw(dir.pid().await).unwrap();
        kill_process(pid, Signal::KILL).unwrap();
        for maker in makers {
            answered.extend(maker.await.unwrap());
        }
        dir.start().await;
        let list = client.get("/apps/web/releases?limit=1000").await;
        let list = list.as_array().unwrap();
        let ids: Vec<&str> = list.iter().map(|one| one["id"].as_str().unwrap()).collect();
        assert!(answered.iter().all(|id| ids.contains(&id.as_str())), "{answered:?} {ids:?}");
        assert!(list.iter().all(|one| one["env"] == "A=1"), "none is half-written");
    }
    assert_eq!(stop(dir.path()).await.unwrap(), Stopped::Ended);
}

/// Nothing tells whose it is: its environment is cleared, its parent has ended, and it works
/// elsewhere. It ignores TERM.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn the_rack_stops_all_that_its_apps_have_left_behind() {
    let dir = TestDir::new();
    let client = dir.client().await;
    client.create("jobs").await;
    let path = dir.path().join("pid");
    let text = format!(
        "(cd / && env -i PATH=$PATH setsid sh -c \"trap '' TERM; echo \\$\\$ > {}; \
         while :; do sleep 1; done\" &)\nsleep 600\n",
        path.display()
    );
    let release = client.release("jobs", script(&text)).await;
    client.promoted("jobs", &release).await;
    let escaped: i32 = std::fs::read_to_string(&path).unwrap().trim().parse().unwrap();
    assert!(started_at(escaped).is_some());
    let rack = dir.pid().await;
    assert_eq!(stop(dir.path()).await.unwrap(), Stopped::Ended);
    let is_running = crate::runner::tests::support::is_running;
    assert!(!is_running(escaped), "it runs on after the stop");
    crate::runner::tests::support::until("the end of the rack", async || !is_running(rack)).await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn inherited_descriptors_are_closed_in_a_rack_and_its_apps() {
    let dir = TestDir::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let lock = elsewhere.path().join("lock of a script");
    let flags = rustix::fs::OFlags::CREATE | rustix::fs::OFlags::WRONLY;
    let held = rustix::fs::open(&lock, flags, rustix::fs::Mode::RUSR).unwrap();
    let client = dir.client().await;
    let rack = dir.pid().await;
    client.create("jobs").await;
    let release = client.release("jobs", script("ls -l /proc/self/fd; sleep 600")).await;
    client.promoted("jobs", &release).await;
    let files = std::fs::read_dir(format!("/proc/{rack}/fd")).unwrap();
    let mut files = files.filter_map(|file| std::fs::read_link(file.unwrap().path()).ok());
    assert!(!files.any(|file| file == lock));
    let log = client.read_socket("/apps/jobs/logs", &[("follow", "false")]).await.text;
    assert!(log.contains(" 1 -> ") && !log.contains("lock of a script"), "{log}");
    drop(held);
    assert_eq!(stop(dir.path()).await.unwrap(), Stopped::Ended);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_was_killed_leaves_no_source() {
    let dir = TestDir::new();
    let client = dir.client().await;
    client.create("web").await;
    let manifest = "services:\n  job:\n    command: sleep 60\n    x-dev:\n      build: sleep 60\n";
    let archive = crate::tests::support::archive(&[("convox.yml", manifest)]);
    let build = client.start_build("web", archive).await;
    let source = dir.path().join("apps/web/sources").join(build["id"].as_str().unwrap());
    crate::runner::tests::support::until("the source", async || source.exists()).await;
    kill_process(Pid::from_raw(dir.pid().await).unwrap(), Signal::KILL).unwrap();
    dir.start().await;
    assert!(!source.exists());
    assert_eq!(stop(dir.path()).await.unwrap(), Stopped::Ended);
}
