use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::support::{TestRunner, app, is_running, until, web};
use crate::runner::{Mark, ProcessRecord, RunnerStore, started_at};

/// Starts a process group as a killed rack leaves it, in its copy of the source.
fn start_orphan(test: &TestRunner, id: &str, script: &str) -> (Child, PathBuf) {
    let directory = test.running().join(id);
    std::fs::create_dir_all(&directory).unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", script]).current_dir(&directory).process_group(0).stdin(Stdio::null());
    (command.spawn().unwrap(), directory)
}

fn record(test: &TestRunner, id: &str, child: &Child, started: Option<String>) {
    let pid = i32::try_from(child.id()).unwrap();
    let started_at = started.unwrap_or_else(|| started_at(pid).unwrap());
    let id = id.parse().unwrap();
    test.store.keep_process(ProcessRecord { pid, started_at, app: app(), service: web(), id });
}

async fn read_pid(file: PathBuf) -> i32 {
    let mut pid = None;
    until("the pid", async || {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        pid = text.strip_suffix('\n').map(|text| text.parse().unwrap());
        pid.is_some()
    })
    .await;
    pid.unwrap()
}

#[tokio::test]
async fn orphans_of_a_killed_rack_are_stopped_and_their_files_removed() {
    let test = TestRunner::new();
    let (mut child, directory) =
        start_orphan(&test, "web-aaaaaa", "sleep 600 & echo $! > pid; wait");
    record(&test, "web-aaaaaa", &child, None);
    let grandchild = read_pid(directory.join("pid")).await;
    test.runner.stop_orphans().await;
    child.wait().unwrap();
    assert!(!is_running(grandchild));
    assert!(test.copies().is_empty() && test.store.processes().is_empty());
    assert!(test.logged("web-aaaaaa: stopped; a rack that was killed had left it running"));
}

#[tokio::test]
async fn a_reused_pid_is_not_stopped() {
    let test = TestRunner::new();
    let mut child = Command::new("sleep").arg("600").process_group(0).spawn().unwrap();
    record(&test, "web-bbbbbb", &child, Some("another time".into()));
    test.runner.stop_orphans().await;
    assert!(child.try_wait().unwrap().is_none());
    assert!(test.store.processes().is_empty());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_group_without_its_leader_is_recognized_by_its_directory() {
    let test = TestRunner::new();
    let (mut child, directory) =
        start_orphan(&test, "web-cccccc", "sleep 600 & echo $! > pid; wait");
    let grandchild = read_pid(directory.join("pid")).await;
    record(&test, "web-cccccc", &child, None);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(is_running(grandchild));
    test.runner.stop_orphans().await;
    assert!(!is_running(grandchild));
    assert!(test.copies().is_empty());
}

#[tokio::test]
async fn a_record_of_a_process_that_has_ended_is_deleted() {
    let test = TestRunner::new();
    let (mut child, _) = start_orphan(&test, "web-dddddd", "exit 0");
    child.wait().unwrap();
    record(&test, "web-dddddd", &child, Some("then".into()));
    test.runner.stop_orphans().await;
    assert!(test.store.processes().is_empty() && test.copies().is_empty());
    // A second time there is nothing to do.
    test.runner.stop_orphans().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn orphans_without_a_record_are_recognized_by_their_mark() {
    let test = TestRunner::new();
    let spawn = |data: &std::path::Path| {
        std::fs::create_dir_all(data.join("running")).unwrap();
        let mark = Mark::of_process(data, &"web-eeeeee".parse().unwrap());
        let mut command = Command::new("sleep");
        command.arg("600").current_dir("/").envs([mark.variable()]).stdin(Stdio::null());
        command.spawn().unwrap()
    };
    let other = tempfile::tempdir().unwrap();
    let (mut ours, mut others) = (spawn(test.root.path()), spawn(other.path()));
    assert_eq!(Mark::running(test.root.path()), ["web-eeeeee".into()].into());
    test.runner.stop_orphans().await;
    ours.wait().unwrap();
    assert!(others.try_wait().unwrap().is_none(), "another rack's process");
    assert!(Mark::running(test.root.path()).is_empty());
    others.kill().unwrap();
    others.wait().unwrap();
}
