//! The fault matrix: each fault happens to each request of the commands that deploy.
//!
//! The requests are those of a run without faults, so the matrix follows the program.

mod cell;
mod check;
mod expect;
mod flow;
mod table;

use std::sync::Arc;

use crate::at_once;

use self::cell::{Cell, Row, World};
use self::expect::{FAULTS, applies, rows};
use self::flow::Flow;
use crate::support::TestRack;
use crate::support::app;
use crate::support::proxy::Record;

/// The number of cells that run at once: most of them wait most of the time.
const AT_ONCE: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_fault_on_the_way_to_the_rack_breaks_a_deploy() {
    let home = tempfile::tempdir().unwrap();
    let source = tempfile::tempdir().unwrap();
    app::write_source(source.path());
    let rack = TestRack::temporary();
    let world = World::new(rack, home.path().to_owned(), source.path().to_owned());
    let world = Arc::new(world);
    let started = std::time::Instant::now();
    let all = all_rows(&world).await;
    let cells: Vec<Cell> = cells(&all);
    let results = run_all(cells, &world).await;
    table::print(&all, &results, &world.repeated(), started.elapsed());
    let wrong: Vec<&String> =
        results.iter().filter_map(|(_, result)| result.as_ref().err()).collect();
    assert!(wrong.is_empty(), "{} cells failed:\n\n{}", wrong.len(), join(&wrong));
}

fn join(texts: &[&String]) -> String {
    texts.iter().map(|text| text.as_str()).collect::<Vec<_>>().join("\n")
}

/// The rows of all commands.
async fn all_rows(world: &World) -> Vec<Row> {
    let mut all = Vec::new();
    for flow in Flow::ALL {
        let (records, _) = cell::record(flow, world).await;
        all.extend(rows_of(flow, &records));
    }
    all
}

fn rows_of(flow: Flow, records: &[Record]) -> Vec<Row> {
    let wanted = |record: &&Record| record.request.nth <= rows(flow, &record.request.key);
    records.iter().filter(wanted).map(|record| row(flow, record, records)).collect()
}

fn row(flow: Flow, record: &Record, records: &[Record]) -> Row {
    let answered = |other: &&Record| other.answered.is_some_and(|moment| moment < record.arrived);
    let is_socket = |other: &Record| other.request.key.starts_with("SOCKET");
    let before = records.iter().filter(answered);
    // Sockets open beside other requests; they come first only where nothing else does.
    let before = before.max_by_key(|other| (!is_socket(other), other.answered));
    let before = before.map(|other| (other.request.key.clone(), other.request.nth));
    Row { flow, key: record.request.key.clone(), nth: record.request.nth, before }
}

/// A part of the names of the cells to run, for work on some of them.
#[allow(clippy::disallowed_methods)] // tests have no settings
fn only() -> Option<String> {
    std::env::var("FAULTS_ONLY").ok()
}

fn cells(rows: &[Row]) -> Vec<Cell> {
    let only = only();
    let mut cells = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        for (column, fault) in FAULTS.into_iter().enumerate() {
            let name = format!("{} / {} #{} / {fault}", row.flow.name(), row.key, row.nth);
            let wanted = only.as_ref().is_none_or(|part| name.contains(part));
            if wanted && applies(row.flow, &row.key, fault) {
                let debug = (number + column) % 2 == 0;
                cells.push(Cell { row: row.clone(), fault, debug });
            }
        }
    }
    cells
}

type Results = Vec<(Cell, Result<i32, String>)>;

async fn run_all(cells: Vec<Cell>, world: &Arc<World>) -> Results {
    let runs = cells.into_iter().map(|cell| {
        let world = world.clone();
        async move {
            let result = cell::run(&cell, &world).await;
            (cell, result)
        }
    });
    at_once(AT_ONCE, runs).await
}
