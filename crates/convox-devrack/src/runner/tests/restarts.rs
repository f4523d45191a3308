use std::sync::Arc;
use std::time::Duration;

use super::support::{Bench, WEB, limits, until};
use crate::runner::host::free_port;
use crate::runner::{Group, Limits};

fn kill_the_only_process(bench: &Bench) {
    let pid = bench.ledger.records.lock().unwrap()[0].pid;
    Group::led_by(pid).unwrap().kill();
}

#[tokio::test]
async fn a_service_that_crashes_is_started_again_behind_the_same_address() {
    let bench = Bench::new();
    bench.promote(bench.plan("R1", WEB, "TEXT=still here")).await.unwrap();
    let (address, old) = (bench.address(), bench.only_process());
    kill_the_only_process(&bench);
    until("the new process", async || {
        let processes = bench.runner.processes(&super::support::app());
        processes.len() == 1 && processes[0].id != old.id && bench.statuses() == ["web running"]
    })
    .await;
    until("its answer", async || bench.ask().await == "still here").await;
    assert_eq!(bench.address(), address);
    assert_eq!(bench.copies(), [bench.only_process().id.to_string()]);
    assert!(bench.said(&format!("{}: was killed by signal 9", old.id)));
    assert!(
        bench.said("web is started again in 0.1 s") || bench.said("web is started again in 0.0 s")
    );
    bench.runner.stop_all().await;
}

#[tokio::test]
async fn a_crashed_service_shows_as_crashed_and_its_address_closes_connections() {
    let patient = Limits {
        first_pause: Duration::from_secs(600),
        longest_pause: Duration::from_secs(600),
        ..limits()
    };
    let bench = Bench::with(patient, Arc::new(free_port));
    bench.promote(bench.plan("R1", WEB, "TEXT=x")).await.unwrap();
    kill_the_only_process(&bench);
    until("the crash", async || bench.statuses() == ["web crashed"] && bench.copies().is_empty())
        .await;
    assert_eq!(bench.ask().await, "");
    // A stop does not wait for the pause to pass.
    bench.runner.stop_all().await;
    assert!(bench.statuses().is_empty());
}

#[tokio::test]
async fn a_service_that_keeps_crashing_is_started_at_growing_intervals() {
    let bench = Bench::new();
    let manifest = "services: {job: {command: [sh, -c, 'sleep 0.4; exit 7']}}";
    bench.promote(bench.plan("R1", manifest, "")).await.unwrap();
    until("three starts", async || {
        let starts =
            bench.lines("system/rack").iter().filter(|line| line.contains("started again")).count();
        starts >= 3
    })
    .await;
    let pauses: Vec<String> = bench
        .lines("system/rack")
        .into_iter()
        .filter(|line| line.contains("started again"))
        .collect();
    assert!(pauses[1].ends_with("0.1 s") && pauses[2].ends_with("0.2 s"), "{pauses:?}");
    assert!(bench.said("ended with exit code 7"));
    bench.runner.stop_all().await;
    assert!(bench.copies().is_empty());
}

#[tokio::test]
async fn a_new_release_replaces_one_that_keeps_crashing() {
    let bench = Bench::new();
    let manifest = "services: {web: {command: [sh, -c, 'sleep 0.4; exit 7']}}";
    bench.promote(bench.plan("R1", manifest, "")).await.unwrap();
    until("a crash", async || bench.said("started again")).await;
    bench.promote(bench.plan("R2", WEB, "TEXT=sound")).await.unwrap();
    assert_eq!(bench.ask().await, "sound");
    assert_eq!(bench.statuses(), ["web running"]);
    bench.runner.stop_all().await;
}
