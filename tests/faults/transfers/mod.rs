//! `cp`, exports and imports: each fault happens to each of their requests.
//!
//! The requests are those of a run without faults, so the cells follow the program.

mod check;
mod disks;
mod signals;
mod work;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::at_once;

use self::check::{Ended, SOON, check, must_succeed};
use self::work::{Scene, Source, Work};
use crate::support::cli::Cli;
use crate::support::fault::Fault;
use crate::support::proxy::{Proxy, Received, Setup};
use crate::support::{MockServer, Output, PASSWORD, PATIENCE, Response, TestRack, ordinary};

/// The number of runs at once: most of them wait most of the time.
const AT_ONCE: usize = 16;

const FAULTS: [Fault; 15] = [
    Fault::Pass,
    Fault::Reset,
    Fault::Lost,
    Fault::Hang,
    Fault::Middle,
    Fault::Short,
    Fault::Stuck,
    Fault::Slow,
    Fault::Status(404),
    Fault::Status(500),
    Fault::Status(502),
    Fault::CarriedOut(502),
    Fault::Html,
    Fault::Truncated,
    Fault::ResetInBody,
];

#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) work: Work,
    pub(crate) key: String,
    pub(crate) nth: usize,
    pub(crate) fault: Fault,
}

/// What all runs share.
pub(crate) struct World {
    rack: TestRack,
    mock: MockServer,
    source: Arc<Source>,
    runs: AtomicUsize,
    _archives: tempfile::TempDir,
}

/// The dump of the resource that is exported.
pub(crate) fn dump() -> String {
    "insert into t values (1);\n".repeat(5_000)
}

/// A rack whose app has a build, a database and a cache.
fn mock() -> MockServer {
    MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps/web/resources" => Response::json(
            r#"[{"name":"db","type":"postgres"},{"name":"cache","type":"memcached"}]"#,
        ),
        "GET /apps/web/builds/BACTIVE.tgz" => Response::of(200, "application/gzip", &dump()),
        "GET /apps/web/resources/cache/data" => {
            Response::refusal(500, "export not available for resources of type: memcached")
        }
        "GET /apps/web/resources/db/data" => Response::of(200, "text/plain", &dump()),
        "PUT /apps/web/resources/db/data" => Response::refusal(200, "ok"),
        _ => ordinary(ask),
    })
}

impl World {
    pub(crate) async fn create(mock: MockServer) -> Self {
        let archives = tempfile::tempdir().unwrap();
        let rack = TestRack::temporary();
        let source = Source::create(&rack.api, archives.path().to_owned()).await;
        for words in [
            vec!["builds", "export", &source.build, "-a", "web", "--file", "build.tgz"],
            vec!["apps", "export", "web", "--file", "app.tgz"],
        ] {
            let ran = Cli::new(&words, archives.path()).at(rack.address, PASSWORD).run().await;
            assert_eq!(ran.code, 0, "{ran}");
        }
        let runs = AtomicUsize::new(0);
        Self { rack, mock, source: Arc::new(source), runs, _archives: archives }
    }

    pub(crate) async fn scene(&self, work: Work) -> Scene {
        let name = format!("app-{}", self.runs.fetch_add(1, Ordering::Relaxed));
        Scene::prepare(work, &self.rack.api, &self.source, name).await
    }

    /// A proxy before the rack of a command.
    pub(crate) fn proxy(
        &self,
        work: Work,
        script: impl Fn(&Received) -> Fault + Send + Sync + 'static,
    ) -> Proxy {
        let address = if work.has_resources() {
            self.mock.host().parse().unwrap()
        } else {
            self.rack.address
        };
        Proxy::start(Setup::new(address, script))
    }

    /// The command, started by `new`.
    pub(crate) fn cli(
        work: Work,
        scene: &Scene,
        proxy: &Proxy,
        new: fn(&[&str], &Path) -> Cli,
    ) -> Cli {
        let args = work.args(scene);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let cli = new(&args, scene.home.path()).at(proxy.address, PASSWORD);
        cli.env("TMPDIR", &scene.path("tmp").display().to_string())
    }
}

/// Runs a cell; returns the exit code, or what is wrong.
async fn run(cell: &Cell, world: &World) -> Result<i32, String> {
    let scene = world.scene(cell.work).await;
    let (target, hit) = (cell.clone(), Arc::new(AtomicBool::new(false)));
    let happened = hit.clone();
    let proxy = world.proxy(cell.work, move |request| {
        let is_it = request.key == target.key && request.nth == target.nth;
        if is_it {
            happened.store(true, Ordering::Relaxed);
        }
        if is_it { target.fault } else { Fault::Pass }
    });
    let ran = World::cli(cell.work, &scene, &proxy, Cli::new).run().await;
    let (api, mock) = (&world.rack.api, &world.mock);
    let ended = Ended { scene: &scene, api, mock, proxy: &proxy, ran: &ran };
    let mut result = check(cell, &ended).await;
    if !hit.load(Ordering::Relaxed) {
        result = Err("the fault did not happen".to_owned());
    }
    let requests: Vec<String> = proxy
        .records()
        .iter()
        .map(|record| format!("{} {:?}", record.request.line, record.rack))
        .collect();
    let requests = requests.join("\n");
    result.map(|()| ran.code).map_err(|wrong| {
        let Cell { work, key, nth, fault } = cell;
        format!("{} / {key} #{nth} / {fault}: {wrong}\n{ran}\n{requests}\n", work.name())
    })
}

/// The requests of a command that nothing happens to.
async fn rows(work: Work, world: &World) -> Vec<(String, usize)> {
    let scene = world.scene(work).await;
    let proxy = world.proxy(work, |_| Fault::Pass);
    let ran: Output = World::cli(work, &scene, &proxy, Cli::new).run().await;
    assert_eq!(ran.code, 0, "{ran}");
    let records = proxy.records().into_iter().map(|record| record.request);
    // Later ones with the same key mean the same.
    let rows = records.filter(|request| request.nth <= 2);
    rows.map(|request| (request.key, request.nth)).collect()
}

/// Whether a fault can happen to a request.
fn applies(work: Work, key: &str, fault: Fault) -> bool {
    match fault {
        Fault::ResetInBody => work.is_upload(key),
        Fault::Slow => work.is_download(key),
        // What has no body, or hardly one, has no middle.
        Fault::Middle | Fault::Short | Fault::Stuck => key.starts_with("GET "),
        _ => true,
    }
}

#[test]
fn no_fault_on_the_way_leaves_a_copy_an_export_or_an_import_half_done() {
    let mock = mock();
    runtime().block_on(matrix(mock));
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

async fn matrix(mock: MockServer) {
    let started = std::time::Instant::now();
    let world = Arc::new(World::create(mock).await);
    let mut cells = Vec::new();
    for work in Work::ALL {
        for (key, nth) in rows(work, &world).await {
            let faults = FAULTS.into_iter().filter(|fault| applies(work, &key, *fault));
            cells.extend(faults.map(|fault| Cell { work, key: key.clone(), nth, fault }));
        }
    }
    let runs = cells.into_iter().map(|cell| {
        let world = world.clone();
        async move {
            let result = tokio::time::timeout(2 * PATIENCE, run(&cell, &world)).await;
            let result = result.unwrap_or_else(|_| Err(format!("{cell:?} does not end")));
            (cell, result)
        }
    });
    let results = at_once(AT_ONCE, runs).await;
    print(&results, started.elapsed());
    let wrong: Vec<&String> =
        results.iter().filter_map(|(_, result)| result.as_ref().err()).collect();
    assert!(wrong.is_empty(), "{} cells failed:\n\n{}", wrong.len(), join(&wrong));
}

fn join(texts: &[&String]) -> String {
    texts.iter().map(|text| text.as_str()).collect::<Vec<_>>().join("\n")
}

/// Prints a line for each request, and how each fault ended: `?` where either end is right.
fn print(results: &[(Cell, Result<i32, String>)], took: std::time::Duration) {
    let mut lines = std::collections::BTreeMap::<String, Vec<String>>::new();
    for (cell, result) in results {
        let line = format!("{:20} {} #{}", cell.work.name(), cell.key, cell.nth);
        let ended = result.as_ref().map_or("WRONG".to_owned(), ToString::to_string);
        let fixed = if must_succeed(cell).is_none() { "?" } else { "" };
        lines.entry(line).or_default().push(format!("{} {ended}{fixed}", cell.fault));
    }
    let mut text: String =
        lines.iter().map(|(line, ended)| format!("{line}: {}\n", ended.join(", "))).collect();
    text.push_str(&format!("{} cells of transfers in {} s\n", results.len(), took.as_secs()));
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).unwrap();
    out.flush().unwrap();
}
