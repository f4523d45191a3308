//! What has to be true when a command that moves files has ended.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::Cell;
use super::work::{BEFORE, LAST, Scene, Work};
use crate::support::api::Api;
use crate::support::fault::Fault;
use crate::support::forward::MESSAGE;
use crate::support::proxy::Proxy;
use crate::support::{MockServer, Output};

type Checked = Result<(), String>;

/// Far above the limits of [`crate::support::cli::LIMITS`], and far below any default.
pub(crate) const SOON: Duration = Duration::from_secs(30);

fn must(is: bool, what: impl Into<String>) -> Checked {
    if is { Ok(()) } else { Err(what.into()) }
}

/// A run that has ended.
pub(crate) struct Ended<'a> {
    pub(crate) scene: &'a Scene,
    pub(crate) api: &'a Api,
    pub(crate) mock: &'a MockServer,
    pub(crate) proxy: &'a Proxy,
    pub(crate) ran: &'a Output,
}

/// Whether a fault has to end in success or in failure; `None` if it depends on what the rack has
/// done when the fault happens.
pub(crate) fn must_succeed(cell: &Cell) -> Option<bool> {
    let Cell { work, key, fault, .. } = cell;
    let transient = [
        Fault::Pass,
        Fault::Reset,
        Fault::Lost,
        Fault::Status(502),
        Fault::CarriedOut(502),
        Fault::Hang,
    ];
    let in_the_middle = [Fault::Middle, Fault::Short, Fault::Stuck];
    let refusals = [Fault::Status(404), Fault::Status(500), Fault::Html];
    if is_dispensable(cell) {
        return None;
    }
    if *fault == Fault::Pass {
        return Some(true);
    }
    if !key.starts_with("GET ") {
        // Files are copied again; anything else is imported only once.
        return match fault {
            Fault::ResetInBody => Some(*work == Work::CopyTo),
            fault => refusals.contains(fault).then_some(false),
        };
    }
    let is_data = work.is_download(key);
    match fault {
        // Racks of the v2 generation have no such route.
        Fault::Status(404) if *work == Work::ExportApp && key.ends_with("/data") => None,
        Fault::Truncated if is_data => (*work == Work::CopyFrom).then_some(false),
        Fault::Truncated => Some(false),
        Fault::Slow => Some(true),
        fault if refusals.contains(fault) => Some(false),
        fault if in_the_middle.contains(fault) => Some(!is_data),
        fault if transient.contains(fault) => Some(true),
        _ => None,
    }
}

/// Whether the command can do without a response, or asks again for as long as it is waiting.
fn is_dispensable(cell: &Cell) -> bool {
    let Cell { work, key, nth, .. } = cell;
    // The second resource is a cache, without data that could be exported.
    let is_cache = *work == Work::ExportApp && key.ends_with("/data") && *nth == 2;
    let is_poll = *work == Work::ImportApp && key == "GET /apps/APP";
    key == "GET /system" || is_poll || is_cache
}

pub(crate) async fn check(cell: &Cell, ended: &Ended<'_>) -> Checked {
    let ran = ended.ran;
    must(ran.took < SOON, format!("it took {:?}", ran.took))?;
    must(ended.scene.names("tmp").is_empty(), "temporary files are left")?;
    match (ran.code, must_succeed(cell)) {
        (0, None | Some(true)) => {
            must(!ran.err.contains("ERROR: "), "an error in spite of success")?;
            check_done(cell, ended).await
        }
        (1, None | Some(false)) => {
            check_words(cell, ended)?;
            check_not_done(cell, ended).await
        }
        (code, _) => Err(format!("exit {code}")),
    }
}

/// An error is one line, followed by hints.
fn check_words(cell: &Cell, ended: &Ended<'_>) -> Checked {
    let lines: Vec<&str> = ended.ran.err.lines().collect();
    let errors = lines.iter().filter(|line| line.starts_with("ERROR: ")).count();
    must(errors == 1, format!("{errors} errors"))?;
    let start = lines.iter().position(|line| line.starts_with("ERROR: ")).unwrap();
    let (error, hints) = (lines[start], &lines[start + 1..]);
    must(hints.iter().all(|line| line.starts_with("HINT: ")), "only hints follow the error")?;
    must(!hints.is_empty(), "no hint")?;
    must(cell.fault != Fault::Status(500) || error.contains(MESSAGE), "the rack's words are lost")
}

async fn check_done(cell: &Cell, ended: &Ended<'_>) -> Checked {
    let Ended { scene, api, .. } = ended;
    let got = scene.path("out/got");
    match cell.work {
        Work::CopyFrom => {
            let long = fs::read_to_string(got.join("long.txt")).map_err(|e| e.to_string())?;
            must(long.ends_with(LAST) && long.len() > 600_000, "the copy is not whole")?;
            must(fs::read_to_string(got.join("a.txt")).is_ok_and(|text| text == LAST), "a.txt")?;
            must(scene.names("out") == ["got"], "something beside the copy")
        }
        Work::CopyTo => {
            let process = &scene.source.process;
            let path = format!("/apps/web/processes/{process}/files?file=/{}", scene.app);
            let text = api.get(&path).await.as_str().unwrap_or_default().to_owned();
            must(text.len() > 700_000 && text.contains(LAST), "the copy is not whole")
        }
        Work::ExportBuild | Work::ExportApp => {
            // What a rack sends as a whole response is taken for one.
            if cell.fault == Fault::Truncated {
                return Ok(());
            }
            let members = members(&got)?;
            let last = if cell.work == Work::ExportApp { "resources/db.tgz" } else { "build.json" };
            // A rack without the route for data.
            let without = cell.fault == Fault::Status(404) && cell.key.ends_with("/data");
            let warned = without && ended.ran.err.contains("WARNING: ");
            must(members.contains_key(last) || warned, format!("{members:?}"))?;
            must(scene.names("out") == ["got"], "something beside the file")
        }
        Work::ExportResource => {
            let text = fs::read_to_string(&got).map_err(|error| error.to_string())?;
            must(cell.fault == Fault::Truncated || text == super::dump(), "another dump")
        }
        Work::ImportBuild => {
            let builds = list(ended, "builds").await;
            must(builds.len() == 1 && builds[0]["status"] == "complete", format!("{builds:?}"))
        }
        Work::ImportApp => {
            let app = api.running(&scene.app).await;
            must(app["release"].as_str().is_some_and(|id| !id.is_empty()), "no release runs")
        }
        Work::ImportResource => must(dumps(ended) == 1, "the dump was not imported once"),
    }
}

/// Nothing is under the final name but what was there, and nothing was done twice.
async fn check_not_done(cell: &Cell, ended: &Ended<'_>) -> Checked {
    let Ended { scene, ran, proxy, .. } = ended;
    match cell.work {
        Work::CopyFrom => must(scene.names("out").is_empty(), "a part of the copy is left"),
        work if work.exports() => {
            must(scene.names("out") == ["got"], "a part of the export is left")?;
            let text = fs::read_to_string(scene.path("out/got")).unwrap();
            must(text == BEFORE, "the file was replaced")
        }
        Work::ImportBuild => {
            let imported = list(ended, "builds").await.len();
            must(imported <= 1, "imported twice")?;
            let hint = format!("convox builds -a {}", scene.app);
            must(imported == 0 || ran.err.contains(&hint), "the build is not mentioned")
        }
        Work::ImportApp => {
            let exists = ended
                .api
                .get("/apps")
                .await
                .as_array()
                .unwrap()
                .iter()
                .any(|app| app["name"] == scene.app.as_str());
            let is_named = ran.err.contains(&format!(" {}\n", scene.app))
                || ran.err.contains(&format!("-a {}\n", scene.app));
            must(!exists || is_named, "the new app is not mentioned")?;
            must(proxy.carried_out("POST /apps") <= 1, "created twice")
        }
        Work::ImportResource => must(dumps(ended) <= 1, "imported twice"),
        _ => Ok(()),
    }
}

/// How often the dump of this run has arrived as a whole.
fn dumps(ended: &Ended<'_>) -> usize {
    let dump = Scene::dump_of(&ended.scene.app);
    ended.mock.requests().iter().filter(|request| request.text() == dump).count()
}

async fn list(ended: &Ended<'_>, what: &str) -> Vec<Value> {
    let path = format!("/apps/{}/{what}?limit=50", ended.scene.app);
    ended.api.get(&path).await.as_array().unwrap().clone()
}

/// The names and sizes of a gzipped tar, which is read to its end.
fn members(path: &Path) -> Result<BTreeMap<String, usize>, String> {
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut found = BTreeMap::new();
    for entry in archive.entries().map_err(|error| error.to_string())? {
        let mut entry = entry.map_err(|error| error.to_string())?;
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(|error| error.to_string())?;
        found.insert(entry.path().unwrap().display().to_string(), content.len());
    }
    Ok(found)
}
