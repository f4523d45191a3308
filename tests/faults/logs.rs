//! Logs that are cut, again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::support::app;
use crate::support::cli::Cli;
use crate::support::fault::Fault;
use crate::support::proxy::{Proxy, Received, Setup};
use crate::support::{Output, Running};
use crate::support::{PASSWORD, TestRack};

/// Pseudorandom numbers that are the same in each run.
fn next(seed: &AtomicU64) -> u64 {
    let step = |value: u64| value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    step(
        seed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |value| Some(step(value))).unwrap(),
    ) >> 33
}

/// Follows a log of many lines over many cuts, and compares what is shown with the rack's log.
async fn cut_again_and_again(socket: &'static str, options: &[&str]) {
    let rack = TestRack::temporary();
    let api = &rack.api;
    api.post("/apps", &[("name", "web")]).await;
    let burst = "case $i in *00) sleep 0.05;; esac;";
    let (_, release) = api.build("web", &app::ticking(2000, burst)).await;
    api.promote("web", &release).await;
    let seed = AtomicU64::new(7);
    // After more bytes each time: in the middle of frames, of lines, and of what is repeated.
    let cut = move |request: &Received| match request.nth {
        nth @ ..=24 if request.key == socket => {
            let most = 8_000 * nth as u64;
            Fault::Cut(usize::try_from(next(&seed) % most).unwrap())
        }
        _ => Fault::Pass,
    };
    let proxy = Proxy::start(Setup::new(rack.address, cut));
    let home = tempfile::tempdir().unwrap();
    let args = [&["logs", "--since", "1h", "-a", "web"], options].concat();
    let running = Cli::new(&args, home.path()).at(proxy.address, PASSWORD).start();
    let shown = running.out.until(|text| text.contains("tick 2000 of 2000\n"));
    assert!(tokio::time::timeout(Duration::from_secs(60), shown).await.unwrap());
    let log = api.app_log("web").await;
    api.delete("/apps/web").await;
    let ran = running.ended().await;
    assert_eq!(ran.code, 0);
    assert!(ticks(&log).len() == 2000, "the rack has them all");
    let (shown, wanted) = (ticks(&ran.out), ticks(&log));
    assert!(shown == wanted, "{} lines instead of {}", shown.len(), wanted.len());
    assert!(proxy.count(socket) > 5, "it was cut indeed");
    assert!(ran.err.lines().all(|line| line.starts_with("NOTICE: ")), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_log_of_many_lines_is_shown_once_over_many_cuts() {
    cut_again_and_again("SOCKET /apps/APP/logs", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_log_of_many_lines_is_shown_once_over_many_cuts() {
    cut_again_and_again("SOCKET /apps/APP/services/web/logs", &["-s", "web"]).await;
}

/// Lasts longer than what racks are asked for beyond the last line.
const LONG_OUTAGE: usize = 90;
const TENTHS: usize = 300;

/// A rack with a release of the app `web` that logs a line every tenth of a second.
async fn ticking() -> (TestRack, String) {
    let rack = TestRack::temporary();
    rack.api.post("/apps", &[("name", "web")]).await;
    let (_, release) = rack.api.build("web", &app::ticking(TENTHS, "sleep 0.1;")).await;
    (rack, release)
}

/// The lines of the service, without times and processes.
fn ticks(log: &str) -> Vec<&str> {
    log.lines().filter_map(|line| line.split_once(" tick ")).map(|(_, tick)| tick).collect()
}

/// Waits until the rack has this many lines.
async fn wait_for_lines(rack: &TestRack, lines: usize) {
    let enough = async {
        while ticks(&rack.api.app_log("web").await).len() < lines {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), enough).await.unwrap();
}

/// Ends a run that follows `web` once it has shown all lines; returns its output and the rack's log.
async fn shown_and_stored(rack: &TestRack, running: Running) -> (Output, String) {
    let all = format!("tick {TENTHS} of {TENTHS}\n");
    let shown = running.out.until(|text| text.contains(&all));
    assert!(tokio::time::timeout(Duration::from_secs(60), shown).await.unwrap());
    let log = rack.api.app_log("web").await;
    rack.api.delete("/apps/web").await;
    (running.ended().await, log)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_log_loses_nothing_over_a_long_outage() {
    let (rack, release) = ticking().await;
    rack.api.promote("web", &release).await;
    let away = Arc::new(AtomicBool::new(true));
    let is_unavailable = away.clone();
    let fault = move |request: &Received| match (request.key.as_str(), request.nth) {
        ("SOCKET /apps/APP/logs", 1) => Fault::Cut(1_000),
        ("SOCKET /apps/APP/logs", _) if is_unavailable.load(Ordering::Relaxed) => Fault::Reset,
        _ => Fault::Pass,
    };
    let proxy = Proxy::start(Setup::new(rack.address, fault));
    let home = tempfile::tempdir().unwrap();
    let args = ["logs", "--since", "1h", "-a", "web"];
    let running = Cli::new(&args, home.path()).at(proxy.address, PASSWORD).start();
    proxy.until_count("SOCKET /apps/APP/logs", 2).await;
    let before = ticks(&rack.api.app_log("web").await).len();
    wait_for_lines(&rack, before + LONG_OUTAGE).await;
    away.store(false, Ordering::Relaxed);
    let (ran, log) = shown_and_stored(&rack, running).await;
    assert_eq!(ticks(&ran.out), ticks(&log), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_log_begins_where_it_was_first_asked_for() {
    let (rack, release) = ticking().await;
    let away = Arc::new(AtomicBool::new(true));
    let is_unavailable = away.clone();
    let fault = move |request: &Received| match (request.key.as_str(), request.nth) {
        ("SOCKET /apps/APP/logs", nth) if is_unavailable.load(Ordering::Relaxed) => match nth % 3 {
            0 => Fault::Cut(0),
            _ => Fault::Reset,
        },
        _ => Fault::Pass,
    };
    let proxy = Proxy::start(Setup::new(rack.address, fault));
    let home = tempfile::tempdir().unwrap();
    let args = ["logs", "--since", "1s", "-a", "web"];
    let running = Cli::new(&args, home.path()).at(proxy.address, PASSWORD).start();
    proxy.until_count("SOCKET /apps/APP/logs", 1).await;
    rack.api.promote("web", &release).await;
    wait_for_lines(&rack, LONG_OUTAGE).await;
    away.store(false, Ordering::Relaxed);
    let (ran, log) = shown_and_stored(&rack, running).await;
    assert_eq!(ticks(&ran.out), ticks(&log), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_log_that_is_cut_anywhere_is_shown_once() {
    let rack = TestRack::temporary();
    let source = tempfile::tempdir().unwrap();
    app::write_source(source.path());
    let directory = source.path().display().to_string();
    rack.api.post("/apps", &[("name", "web")]).await;
    let (build, _) = rack.api.build("web", &app::archive(&[("convox.yml", app::IDLE)])).await;
    let stored = rack.api.build_log("web", &build).await;
    let home = tempfile::tempdir().unwrap();
    // A cut at every third byte of a stored log, frame headers included, a few in each run.
    for first in (0..stored.len() + 8).step_by(9) {
        let cut = move |request: &Received| match (request.key.as_str(), request.nth) {
            ("SOCKET /apps/APP/builds/BUILD/logs", nth @ ..=3) => Fault::Cut(first + 3 * (nth - 1)),
            _ => Fault::Pass,
        };
        let proxy = Proxy::start(Setup::new(rack.address, cut));
        let args = ["builds", "logs", &build, "-a", "web"];
        let ran = Cli::new(&args, home.path()).at(proxy.address, PASSWORD).run().await;
        assert_eq!((ran.code, ran.out.as_str()), (0, stored.as_str()), "{first}: {ran:?}");
    }
    // A live log, cut 60 bytes later each time.
    rack.api.post("/apps", &[("name", "live")]).await;
    let cut = move |request: &Received| match (request.key.as_str(), request.nth) {
        ("SOCKET /apps/APP/builds/BUILD/logs", nth @ ..=12) => Fault::Cut(60 * nth),
        _ => Fault::Pass,
    };
    let proxy = Proxy::start(Setup::new(rack.address, cut));
    let args = ["build", &directory, "-a", "live"];
    let ran = Cli::new(&args, home.path()).at(proxy.address, PASSWORD).run().await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let builds = rack.api.get("/apps/live/builds").await;
    let log = rack.api.build_log("live", builds[0]["id"].as_str().unwrap()).await;
    let shown = ran.out.split_once("Starting build... OK\n").unwrap().1;
    let shown = shown.split_once("Build:   ").unwrap().0;
    assert_eq!(shown, log);
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_are_pinged_and_a_quiet_one_stays() {
    let rack = TestRack::temporary();
    let api = &rack.api;
    api.post("/apps", &[("name", "web")]).await;
    let proxy = Proxy::start(Setup::new(rack.address, |_| Fault::Pass));
    let home = tempfile::tempdir().unwrap();
    let cli = Cli::new(&["logs", "-a", "web"], home.path()).at(proxy.address, PASSWORD);
    let running = cli.start();
    let mut pings = proxy.state.pings.subscribe();
    let pinged = pings.wait_for(|pings| *pings >= 4);
    tokio::time::timeout(Duration::from_secs(30), pinged).await.unwrap().unwrap();
    assert_eq!(proxy.count("SOCKET /apps/APP/logs"), 1, "nothing was cut");
    api.delete("/apps/web").await;
    let ran = running.ended().await;
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_that_break_at_once_are_given_up_within_the_budget() {
    let rack = TestRack::temporary();
    rack.api.post("/apps", &[("name", "web")]).await;
    let cut = |request: &Received| match request.key.starts_with("SOCKET") {
        true => Fault::Cut(0),
        false => Fault::Pass,
    };
    let proxy = Proxy::start(Setup::new(rack.address, cut));
    let home = tempfile::tempdir().unwrap();
    let cli = Cli::new(&["logs", "-a", "web"], home.path()).at(proxy.address, PASSWORD);
    let ran = cli.env("CONVOX_RETRY", "2").run().await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("ERROR: "), "{ran:?}");
    assert!(ran.err.contains("websockets open and break at once"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_attached_at_all_holds_up_no_build() {
    let rack = TestRack::temporary();
    let source = tempfile::tempdir().unwrap();
    app::write_source(source.path());
    let directory = source.path().display().to_string();
    let home = tempfile::tempdir().unwrap();
    for (number, fault) in
        [Fault::Status(502), Fault::Status(500), Fault::Reset].into_iter().enumerate()
    {
        let name = format!("app-{number}");
        rack.api.post("/apps", &[("name", &name)]).await;
        let none = move |request: &Received| match request.key.starts_with("SOCKET") {
            true => fault,
            false => Fault::Pass,
        };
        let proxy = Proxy::start(Setup::new(rack.address, none));
        let args = ["build", &directory, "-a", &name];
        let ran = Cli::new(&args, home.path()).at(proxy.address, PASSWORD).run().await;
        assert_eq!(ran.code, 0, "{fault}: {ran:?}");
        let warnings = ran.err.lines().filter(|line| line.starts_with("WARNING: ")).count();
        assert!(warnings == 1 && ran.err.contains("convox builds logs B"), "{fault}: {ran:?}");
        assert!(ran.took < Duration::from_secs(15), "{fault}: {:?}", ran.took);
    }
}

const LOG: &str = "SOCKET /apps/APP/logs";

/// A wait whose polls find the rack unavailable until `is_over`.
struct Wait {
    _rack: TestRack,
    proxy: Proxy,
    home: tempfile::TempDir,
    release: String,
    is_over: Arc<AtomicBool>,
}

impl Wait {
    /// A promote through a proxy with faults for the handshakes of the log.
    async fn new(log: impl Fn(&AtomicBool) -> Fault + Send + Sync + 'static) -> Self {
        let rack = TestRack::temporary();
        rack.api.post("/apps", &[("name", "web")]).await;
        let (_, release) = rack.api.build("web", &app::archive(&[("convox.yml", app::IDLE)])).await;
        let is_over = Arc::new(AtomicBool::new(false));
        let over = is_over.clone();
        let proxy = Proxy::start(Setup::new(rack.address, move |request: &Received| {
            match (request.key.as_str(), request.nth) {
                (LOG, _) => log(&over),
                ("GET /apps/APP", 2..) if !over.load(Ordering::Relaxed) => Fault::Status(503),
                _ => Fault::Pass,
            }
        }));
        Self { _rack: rack, proxy, home: tempfile::tempdir().unwrap(), release, is_over }
    }

    fn start(&self) -> Running {
        let args = ["releases", "promote", &self.release, "-a", "web", "--style", "v3"];
        let cli = Cli::new(&args, self.home.path()).at(self.proxy.address, PASSWORD);
        cli.env("CONVOX_RETRY", "3").start()
    }

    /// The time between the first and the last handshake of the log.
    fn time_of_handshakes(&self) -> Duration {
        let records = self.proxy.records();
        let mut asked = records.iter().filter(|record| record.request.key == LOG);
        let first = asked.next().map(|record| record.at);
        let last = asked.next_back().map(|record| record.at);
        first.zip(last).map(|(first, last)| last - first).unwrap_or_default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_wait_comes_back_after_any_outage() {
    let away = Arc::new(AtomicBool::new(true));
    let is_unavailable = away.clone();
    let wait = Wait::new(move |is_over| match is_unavailable.load(Ordering::Relaxed) {
        true => Fault::Reset,
        false => {
            is_over.store(true, Ordering::Relaxed);
            Fault::Pass
        }
    })
    .await;
    let running = wait.start();
    let longer = async {
        // More than twice the budget.
        while wait.time_of_handshakes() < Duration::from_secs(8) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), longer).await.unwrap();
    away.store(false, Ordering::Relaxed);
    let ran = running.ended().await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("Z system/rack/web promoting release "), "{ran:?}");
    // One notice for the log and one for the polls.
    let count = |words: &str| ran.err.matches(words).count();
    assert!(count("trying again for") <= 1 && count("; waiting for it") == 1, "{ran:?}");
    assert_eq!(ran.err.lines().count(), count("NOTICE: "), "{ran:?}");
    assert!(ran.err.lines().count() <= 2, "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_the_rack_refuses_is_a_warning_of_the_wait() {
    let wait = Wait::new(|_| Fault::Status(500)).await;
    let running = wait.start();
    wait.proxy.until_count(LOG, 3).await;
    wait.is_over.store(true, Ordering::Relaxed);
    let ran = running.ended().await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let warnings: Vec<&str> = ran.err.lines().filter(|line| line.starts_with("WARN")).collect();
    assert_eq!(warnings.len(), 1, "{ran:?}");
    assert!(ran.err.contains("HINT: try again with: convox logs -a web\n"), "{ran:?}");
}
