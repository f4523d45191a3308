use std::sync::Arc;
use std::time::Duration;

use super::support::{TestRunner, WEB, limits, until};
use crate::runner::context::free_port;
use crate::runner::{Group, Limits};

fn kill_the_only_process(test: &TestRunner) {
    let pid = test.store.records.lock().unwrap()[0].pid;
    Group::of_leader(pid).unwrap().kill();
}

#[tokio::test]
async fn a_crashed_service_is_restarted_behind_the_same_address() {
    let test = TestRunner::new();
    test.promote(test.deployment("R1", WEB, "TEXT=still here")).await.unwrap();
    let (address, old) = (test.address(), test.only_process());
    kill_the_only_process(&test);
    until("the new process", async || {
        let processes = test.runner.processes(&super::support::app());
        processes.len() == 1 && processes[0].id != old.id && test.statuses() == ["web running"]
    })
    .await;
    until("its answer", async || test.ask().await == "still here").await;
    assert_eq!(test.address(), address);
    assert_eq!(test.copies(), [test.only_process().id.to_string()]);
    assert!(test.logged(&format!("{}: was killed by signal 9", old.id)));
    assert!(test.logged("web restarts in 0.1 s") || test.logged("web restarts in 0.0 s"));
    test.runner.stop_all().await;
}

#[tokio::test]
async fn a_crashed_service_shows_as_crashed_and_its_address_closes_connections() {
    let patient = Limits {
        first_pause: Duration::from_secs(600),
        longest_pause: Duration::from_secs(600),
        ..limits()
    };
    let test = TestRunner::with(patient, Arc::new(free_port));
    test.promote(test.deployment("R1", WEB, "TEXT=x")).await.unwrap();
    kill_the_only_process(&test);
    until("the crash", async || test.statuses() == ["web crashed"] && test.copies().is_empty())
        .await;
    assert_eq!(test.ask().await, "");
    // A stop does not wait for the end of the pause.
    test.runner.stop_all().await;
    assert!(test.statuses().is_empty());
}

#[tokio::test]
async fn a_service_that_keeps_crashing_is_restarted_at_growing_intervals() {
    let test = TestRunner::new();
    let manifest = "services: {job: {x-dev: {command: [sh, -c, 'sleep 0.4; exit 7']}}}";
    test.promote(test.deployment("R1", manifest, "")).await.unwrap();
    until("three starts", async || {
        let starts =
            test.lines("system/rack").iter().filter(|line| line.contains("restarts in")).count();
        starts >= 3
    })
    .await;
    let backoff: Vec<String> =
        test.lines("system/rack").into_iter().filter(|line| line.contains("restarts in")).collect();
    assert!(backoff[1].ends_with("0.1 s") && backoff[2].ends_with("0.2 s"), "{backoff:?}");
    assert!(test.logged("ended with exit code 7"));
    test.runner.stop_all().await;
    assert!(test.copies().is_empty());
}

#[tokio::test]
async fn a_new_release_replaces_one_that_keeps_crashing() {
    let test = TestRunner::new();
    let manifest = "services: {web: {x-dev: {command: [sh, -c, 'sleep 0.4; exit 7']}}}";
    test.promote(test.deployment("R1", manifest, "")).await.unwrap();
    until("a crash", async || test.logged("restarts in")).await;
    test.promote(test.deployment("R2", WEB, "TEXT=sound")).await.unwrap();
    assert_eq!(test.ask().await, "sound");
    assert_eq!(test.statuses(), ["web running"]);
    test.runner.stop_all().await;
}
