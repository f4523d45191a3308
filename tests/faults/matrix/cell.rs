//! A cell of the matrix: a request of a command, and a fault that happens to it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::check::check;
use super::expect::expected;
use super::flow::{Flow, Scene};
use crate::support::PATIENCE;
use crate::support::TestRack;
use crate::support::api::Api;
use crate::support::cli::Cli;
use crate::support::fault::Fault;
use crate::support::killable::Killable;
use crate::support::proxy::{Proxy, Received, Record, Setup};
use crate::support::upstream::Upstream;
use crate::support::{Output, Running};

/// What the cells share.
pub(crate) struct World {
    pub(crate) rack: TestRack,
    pub(crate) home: PathBuf,
    pub(crate) source: PathBuf,
    apps: AtomicUsize,
    repeated: Mutex<Vec<String>>,
}

impl World {
    pub(crate) fn new(rack: TestRack, home: PathBuf, source: PathBuf) -> Self {
        Self { rack, home, source, apps: AtomicUsize::new(0), repeated: Mutex::default() }
    }

    fn name(&self) -> String {
        format!("app-{}", self.apps.fetch_add(1, Ordering::Relaxed))
    }

    /// The reasons why runs had to be repeated: a line each.
    pub(crate) fn repeated(&self) -> Vec<String> {
        self.repeated.lock().unwrap().clone()
    }

    fn note_repeated(&self, wrong: &str) {
        let line = wrong.lines().next().unwrap_or_default();
        self.repeated.lock().unwrap().push(line.to_owned());
    }
}

/// A request of a command: its key, and which of the requests with this key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    pub(crate) flow: Flow,
    pub(crate) key: String,
    pub(crate) nth: usize,
    /// The last request that was answered before this one was sent.
    pub(crate) before: Option<(String, usize)>,
}

#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) row: Row,
    pub(crate) fault: Fault,
    /// Run with `CONVOX_DEBUG`.
    pub(crate) debug: bool,
}

/// The state when the command has ended.
pub(crate) struct Ended<'a> {
    pub(crate) scene: &'a Scene,
    pub(crate) api: &'a Api,
    pub(crate) proxy: &'a Proxy,
    pub(crate) ran: &'a Output,
}

/// Records the requests of a command that nothing happens to.
pub(crate) async fn record(flow: Flow, world: &World) -> (Vec<Record>, Output) {
    let api = &world.rack.api;
    let scene = flow.prepare(api, &world.name(), world.source.clone()).await;
    let proxy = Proxy::start(Setup::new(world.rack.address, |_| Fault::Pass));
    let running = start(flow, world, api, &scene, &proxy, true);
    let ran = end(flow, &scene, api, running).await;
    let ended = Ended { scene: &scene, api, proxy: &proxy, ran: &ran };
    let expected = expected(flow, "", 1, Fault::Pass);
    check(flow, Fault::Pass, expected, &ended).await.unwrap();
    (proxy.records(), ran)
}

/// The error of a run in which the fault did not happen.
const NOT_MET: &str = "the fault did not happen";
/// How often a failing cell is run: the time limits are small, and a busy machine may exceed them.
const TRIES: u32 = 3;
/// The result of a cell whose fault never happened, which does not count.
pub(crate) const NOT_COUNTED: i32 = -1;

/// Runs a cell; returns the exit code, or what is wrong. Concurrent requests arrive in any order, so
/// the one to be refused may arrive before the proxy refuses connections: such a run does not count.
pub(crate) async fn run(cell: &Cell, world: &World) -> Result<i32, String> {
    let mut result = Ok(NOT_COUNTED);
    for _ in 0..TRIES {
        let running = tokio::time::timeout(2 * PATIENCE, run_to_end(cell, world));
        result = running.await.unwrap_or_else(|_| Err(format!("{cell:?} does not end")));
        match &result {
            Ok(_) => return result,
            Err(wrong) => world.note_repeated(wrong),
        }
    }
    match result {
        Err(wrong) if cell.fault == Fault::RefuseNext && wrong.contains(NOT_MET) => Ok(NOT_COUNTED),
        result => result,
    }
}

async fn run_to_end(cell: &Cell, world: &World) -> Result<i32, String> {
    let kills = matches!(cell.fault, Fault::Killed | Fault::KilledAfter);
    if !kills {
        return run_at(cell, world, &world.rack.api, world.rack.address.into(), None).await;
    }
    let rack = Arc::new(Killable::begin().await);
    let result = run_at(cell, world, &rack.api, rack.upstream.clone(), Some(rack.clone())).await;
    rack.stop().await;
    result
}

async fn run_at(
    cell: &Cell,
    world: &World,
    api: &Api,
    upstream: Upstream,
    rack: Option<Arc<Killable>>,
) -> Result<i32, String> {
    let Cell { row, fault, debug } = cell;
    let flow = row.flow;
    let scene = flow.prepare(api, &world.name(), world.source.clone()).await;
    let refuses = *fault == Fault::RefuseNext;
    let plan = Plan::of(row, *fault);
    let hit = Arc::new(AtomicBool::new(false));
    let happened = hit.clone();
    let script = move |request: &Received| match &plan {
        Some(plan) if plan.matches(request) && !plan.is_done(&happened) => plan.fault,
        _ => Fault::Pass,
    };
    let proxy = Proxy::start(Setup { rack, closes: refuses, ..Setup::new(upstream, script) });
    if refuses && row.before.is_none() {
        proxy.state.shut().await;
    }
    let running = start(flow, world, api, &scene, &proxy, *debug || refuses);
    if refuses {
        let was_refused = running.err.until(|text| is_refused(text, row, &scene)).await;
        proxy.state.open();
        hit.store(was_refused, Ordering::Relaxed);
    }
    let ran = end(flow, &scene, api, running).await;
    let ended = Ended { scene: &scene, api, proxy: &proxy, ran: &ran };
    let expected = expected(flow, &row.key, row.nth, *fault);
    let mut result = check(flow, *fault, expected, &ended).await;
    if !hit.load(Ordering::Relaxed) {
        result = Err(NOT_MET.to_owned());
    }
    result.map(|()| expected.code).map_err(|wrong| explain(cell, &wrong, &ended))
}

fn start(
    flow: Flow,
    world: &World,
    api: &Api,
    scene: &Scene,
    proxy: &Proxy,
    debug: bool,
) -> Running {
    let args = flow.args(scene);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let cli = Cli::new(&args, &world.home).at(proxy.address, &api.password);
    let cli = if debug { cli.env("CONVOX_DEBUG", "1") } else { cli };
    cli.start()
}

/// Waits for the end of the command. To end a followed log, the app is deleted once all was shown.
async fn end(flow: Flow, scene: &Scene, api: &Api, running: Running) -> Output {
    if flow == Flow::Follow {
        let shown = async {
            let log = scene.log_with(api, "tick 25 of 25").await;
            let last = log.lines().last().unwrap().to_owned();
            running.out.until(|text| text.contains(&last)).await;
        };
        // If it is not shown, the check of the output reports that.
        drop(tokio::time::timeout(PATIENCE / 3, shown).await);
        api.delete(&format!("/apps/{}", scene.app)).await;
    }
    running.ended().await
}

/// Which request the fault happens to.
struct Plan {
    key: String,
    /// `None` for any of them.
    nth: Option<usize>,
    fault: Fault,
}

/// Polled until a build is over, any number of times.
const POLL: &str = "GET /apps/APP/builds/BUILD";

impl Plan {
    /// The request of the row. To refuse it, connections are refused after the request before it.
    fn of(row: &Row, fault: Fault) -> Option<Self> {
        let target = Self { key: row.key.clone(), nth: Some(row.nth), fault };
        if fault != Fault::RefuseNext {
            return Some(target);
        }
        let (key, nth) = row.before.clone()?;
        Some(match row.follows_poll() {
            true => Self { key, nth: None, fault: Fault::RefuseOnceOver },
            false => Self { key, nth: Some(nth), fault },
        })
    }

    fn matches(&self, request: &Received) -> bool {
        request.key == self.key && self.nth.is_none_or(|nth| nth == request.nth)
    }

    /// Whether the fault has happened, as it does so once.
    fn is_done(&self, happened: &AtomicBool) -> bool {
        happened.swap(true, Ordering::Relaxed) && self.nth.is_some()
    }
}

impl Row {
    /// Whether it comes after polls, of which there may be any number.
    fn follows_poll(&self) -> bool {
        self.key != POLL && self.before.as_ref().is_some_and(|(key, _)| key == POLL)
    }
}

/// Whether the debug output shows that this request was refused, or cut if it used a connection that
/// was open before. After polls any refusal counts, since another poll, or the log, may come first.
fn is_refused(text: &str, row: &Row, scene: &Scene) -> bool {
    if row.follows_poll() {
        return text.contains("connection refused");
    }
    let (method, path) = row.key.split_once(' ').unwrap();
    let method = if method == "SOCKET" { "GET" } else { method };
    let path = path.split('?').next().unwrap();
    let wanted: Vec<&str> = path.split('/').collect();
    let is_it = |line: &str| {
        let Some(rest) = line.split(&format!("{method} ")).nth(1) else { return false };
        let Some((path, why)) = rest.split_once(" failed: ") else { return false };
        let path = if path.contains("/objects/") { "/apps/APP/objects/KEY" } else { path };
        let found: Vec<&str> = path.split('/').collect();
        let same = |(found, wanted): (&&str, &&str)| {
            found == wanted
                || matches!(*wanted, "BUILD" | "RELEASE")
                || *wanted == "APP" && *found == scene.app
        };
        why.contains("can't reach the rack")
            && found.len() == wanted.len()
            && found.iter().zip(&wanted).all(same)
    };
    text.lines().any(is_it)
}

fn explain(cell: &Cell, wrong: &str, ended: &Ended<'_>) -> String {
    let Row { flow, key, nth, .. } = &cell.row;
    let Output { code, out, err, took, .. } = ended.ran;
    let start = ended.proxy.records().first().map(|record| record.at);
    let requests: Vec<String> = ended
        .proxy
        .records()
        .iter()
        .map(|record| {
            let at = start.map_or(Duration::ZERO, |start| record.at - start);
            format!("{:6} ms {} {:?}", at.as_millis(), record.request.line, record.rack)
        })
        .collect();
    format!(
        "{} / {key} #{nth} / {}: {wrong}\nexit code {code} after {took:?}\n--- stdout\n{out}\n--- stderr\n{err}\n--- requests\n{}\n",
        flow.name(),
        cell.fault,
        requests.join("\n")
    )
}
