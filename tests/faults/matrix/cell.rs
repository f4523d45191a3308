//! One request of one command, and one fault that happens to it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::check::check;
use super::expect::expected;
use super::flow::{Flow, Scene};
use crate::support::PATIENCE;
use crate::support::api::Api;
use crate::support::cli::{Cli, Output, Running};
use crate::support::fault::Fault;
use crate::support::proxy::{Asked, Proxy, Record, Setup};
use crate::support::rack::{Killable, Rack};

/// What all cells share.
pub(crate) struct World {
    pub(crate) rack: Rack,
    pub(crate) home: PathBuf,
    pub(crate) source: PathBuf,
    apps: AtomicUsize,
    again: Mutex<Vec<String>>,
}

impl World {
    pub(crate) fn new(rack: Rack, home: PathBuf, source: PathBuf) -> Self {
        Self { rack, home, source, apps: AtomicUsize::new(0), again: Mutex::default() }
    }

    fn name(&self) -> String {
        format!("app-{}", self.apps.fetch_add(1, Ordering::Relaxed))
    }

    /// The runs that had to be done again, and why: a line each.
    pub(crate) fn again(&self) -> Vec<String> {
        self.again.lock().unwrap().clone()
    }

    fn note_again(&self, wrong: &str) {
        let line = wrong.lines().next().unwrap_or_default();
        self.again.lock().unwrap().push(line.to_owned());
    }
}

/// A request of a command: the key, and which of its kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    pub(crate) flow: Flow,
    pub(crate) key: String,
    pub(crate) nth: usize,
    /// The last one that was answered before it was sent.
    pub(crate) before: Option<(String, usize)>,
}

#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) row: Row,
    pub(crate) fault: Fault,
    /// With a line on stderr for each request.
    pub(crate) debug: bool,
}

/// What is there when the command has ended.
pub(crate) struct Ended<'a> {
    pub(crate) scene: &'a Scene,
    pub(crate) api: &'a Api,
    pub(crate) proxy: &'a Proxy,
    pub(crate) ran: &'a Output,
}

/// The requests of a command when all goes well.
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

/// What is said of a run in which the fault had no occasion.
const NOT_MET: &str = "the fault was not met";
/// How often a cell is run until it says something: the time limits are small, and a busy machine
/// may stretch a run beyond them.
const TRIES: u32 = 3;
/// A cell whose fault found no occasion, which counts as none.
pub(crate) const NO_OCCASION: i32 = -1;

/// Runs a cell; gives the exit code, or what is wrong. Requests that are under way side by side come
/// in any order, so that the one to be refused may have gone before the proxy refuses: such a run
/// says nothing.
pub(crate) async fn run(cell: &Cell, world: &World) -> Result<i32, String> {
    let mut result = Ok(NO_OCCASION);
    for _ in 0..TRIES {
        let running = tokio::time::timeout(2 * PATIENCE, run_to_end(cell, world));
        result = running.await.unwrap_or_else(|_| Err(format!("{cell:?} does not end")));
        match &result {
            Ok(_) => return result,
            Err(wrong) => world.note_again(wrong),
        }
    }
    match result {
        Err(wrong) if cell.fault == Fault::RefuseNext && wrong.contains(NOT_MET) => Ok(NO_OCCASION),
        result => result,
    }
}

async fn run_to_end(cell: &Cell, world: &World) -> Result<i32, String> {
    let kills = matches!(cell.fault, Fault::Killed | Fault::KilledAfter);
    if !kills {
        return run_at(cell, world, &world.rack.api, world.rack.address, None).await;
    }
    let rack = Arc::new(Killable::begin().await);
    let result = run_at(cell, world, &rack.api, rack.address, Some(rack.clone())).await;
    rack.stop().await;
    result
}

async fn run_at(
    cell: &Cell,
    world: &World,
    api: &Api,
    upstream: std::net::SocketAddr,
    rack: Option<Arc<Killable>>,
) -> Result<i32, String> {
    let Cell { row, fault, debug } = cell;
    let flow = row.flow;
    let scene = flow.prepare(api, &world.name(), world.source.clone()).await;
    let refuses = *fault == Fault::RefuseNext;
    let plan = Plan::of(row, *fault);
    let hit = Arc::new(AtomicBool::new(false));
    let struck = hit.clone();
    let script = move |asked: &Asked| match &plan {
        Some(plan) if plan.meets(asked) && !plan.is_done(&struck) => plan.fault,
        _ => Fault::Pass,
    };
    let proxy = Proxy::start(Setup { rack, hasty: refuses, ..Setup::new(upstream, script) });
    if refuses && row.before.is_none() {
        proxy.desk.shut().await;
    }
    let mut running = start(flow, world, api, &scene, &proxy, *debug || refuses);
    if refuses {
        let was_refused = running.err.until(|text| is_refused(text, row, &scene)).await;
        proxy.desk.open();
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

/// Waits for the command's end. A followed log ends when all was shown and the app goes.
async fn end(flow: Flow, scene: &Scene, api: &Api, mut running: Running) -> Output {
    if flow == Flow::Follow {
        let shown = async {
            let log = scene.told(api, "tick 25 of 25").await;
            let last = log.lines().last().unwrap().to_owned();
            running.out.until(|text| text.contains(&last)).await;
        };
        // If it is not shown, the check of what was shown says so.
        drop(tokio::time::timeout(PATIENCE / 3, shown).await);
        api.delete(&format!("/apps/{}", scene.app)).await;
    }
    running.end().await
}

/// Which request is met, and by what.
struct Plan {
    key: String,
    /// Any of them, where it is the answer that counts.
    nth: Option<usize>,
    fault: Fault,
}

/// What is polled until a build is over: how often varies.
const POLL: &str = "GET /apps/APP/builds/BUILD";

impl Plan {
    /// The request of the row; refused is what comes after the one before it.
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

    fn meets(&self, asked: &Asked) -> bool {
        asked.key == self.key && self.nth.is_none_or(|nth| nth == asked.nth)
    }

    /// It happens once.
    fn is_done(&self, struck: &AtomicBool) -> bool {
        struck.swap(true, Ordering::Relaxed) && self.nth.is_some()
    }
}

impl Row {
    /// Does it come after polls, of which there may be any number?
    fn follows_poll(&self) -> bool {
        self.key != POLL && self.before.as_ref().is_some_and(|(key, _)| key == POLL)
    }
}

/// Does the trace show that this request was refused? (Or cut, where it took a connection that had
/// been made in advance.) After polls, any refusal will do: the last of them, and the log, may come
/// once more.
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
    let Output { code, out, err, took } = ended.ran;
    let start = ended.proxy.records().first().map(|record| record.at);
    let requests: Vec<String> = ended
        .proxy
        .records()
        .iter()
        .map(|record| {
            let at = start.map_or(Duration::ZERO, |start| record.at - start);
            format!("{:6} ms {} {:?}", at.as_millis(), record.asked.line, record.rack)
        })
        .collect();
    format!(
        "{} / {key} #{nth} / {}: {wrong}\nexit {code:?} after {took:?}\n--- stdout\n{out}\n--- stderr\n{err}\n--- requests\n{}\n",
        flow.name(),
        cell.fault,
        requests.join("\n")
    )
}
