use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::support::{Bench, WEB, app, limits, until};
use crate::runner::Limits;
use crate::runner::host::free_port;

const BROKEN: &str =
    "services: {web: {command: [sh, -c, 'echo one; echo two >&2; exit 3'], port: 3000}}";

#[tokio::test]
async fn a_release_that_fails_leaves_the_old_one_running_and_says_why() {
    let bench = Bench::new();
    bench.promote(bench.plan("R1", WEB, "TEXT=old")).await.unwrap();
    let old = bench.only_process();
    let mut failure = bench.promote(bench.plan("R2", BROKEN, "")).await.unwrap_err();
    assert_eq!(failure.reason, "web: ended with exit code 3 before it answered on PORT");
    failure.last_lines.sort();
    assert_eq!(failure.last_lines, ["one", "two"]);
    assert!(!failure.cancelled);

    assert_eq!(bench.ask().await, "old");
    assert_eq!(bench.only_process().id, old.id);
    assert_eq!(bench.copies(), [old.id.to_string()]);
    let said = bench.lines("system/rack/shop");
    assert!(said.contains(
        &"release R2 failed: web: ended with exit code 3 before it answered on PORT".into()
    ));
    assert!(said.contains(&"  one".into()) && said.contains(&"  two".into()), "{said:?}");
    bench.runner.stop_all().await;
}

#[tokio::test]
async fn a_service_that_never_answers_is_given_up_at_the_limit() {
    let quick =
        Limits { ready: Duration::from_millis(400), stop: Duration::from_millis(200), ..limits() };
    let bench = Bench::with(quick, Arc::new(free_port));
    let deaf = "services: {web: {command: [sh, -c, 'trap \"\" TERM; echo here; while :; do sleep 1; done'], port: 1}}";
    let failure = bench.promote(bench.plan("R1", deaf, "")).await.unwrap_err();
    assert!(failure.reason.starts_with("web: did not answer on 127.0.0.1:"), "{failure}");
    assert!(
        failure.reason.ends_with("within 0.4 s; it must listen on the port in PORT"),
        "{failure}"
    );
    assert_eq!(failure.last_lines, ["here"]);
    assert!(bench.copies().is_empty() && bench.statuses().is_empty());
}

#[tokio::test]
async fn a_service_without_a_port_must_stay_up() {
    let bench = Bench::new();
    let short = "services: {job: {command: [sh, -c, 'echo done']}}";
    let failure = bench.promote(bench.plan("R1", short, "")).await.unwrap_err();
    assert_eq!(failure.reason, "job: ended with exit code 0 within 0.3 s");
    assert_eq!(failure.last_lines, ["done"]);
    let killed = "services: {job: {command: [sh, -c, 'kill -9 $$']}}";
    let failure = bench.promote(bench.plan("R2", killed, "")).await.unwrap_err();
    assert_eq!(failure.reason, "job: was killed by signal 9 within 0.3 s");
}

#[tokio::test]
async fn one_service_that_fails_takes_the_others_of_its_release_along() {
    let bench = Bench::new();
    let manifest = "services: {good: {command: python3 server.py, port: 1}, slow: {command: sleep 600, port: 2}, \
                    bad: {command: [sh, -c, 'exit 1']}}";
    let failure = bench.promote(bench.plan("R1", manifest, "")).await.unwrap_err();
    assert!(failure.reason.starts_with("bad: ended with exit code 1"), "{failure}");
    assert!(bench.statuses().is_empty() && bench.copies().is_empty());
    assert!(bench.ledger.records.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_program_that_cannot_be_started_is_named() {
    let bench = Bench::new();
    let absent = "services: {web: {command: bin/nowhere, port: 1}}";
    let failure = bench.promote(bench.plan("R1", absent, "")).await.unwrap_err();
    assert!(
        failure.reason.starts_with("web: cannot start \"bin/nowhere\": there is no such"),
        "{failure}"
    );
    let closed = "services: {web: {command: ./server.py, port: 1}}";
    let failure = bench.promote(bench.plan("R2", closed, "")).await.unwrap_err();
    assert!(failure.reason.contains("it is not executable"), "{failure}");
    assert!(bench.copies().is_empty());
}

#[tokio::test]
async fn a_source_that_is_gone_is_a_reason() {
    let bench = Bench::new();
    let plan = bench.plan("R1", WEB, "");
    std::fs::remove_dir_all(&plan.source).unwrap();
    let failure = bench.promote(plan).await.unwrap_err();
    assert!(failure.reason.starts_with("web: cannot copy the source: "), "{failure}");
}

#[tokio::test]
async fn missing_variables_are_named_before_anything_is_started() {
    let bench = Bench::new();
    let manifest = "services: {web: {command: python3 server.py, environment: [KEY, URL, MODE=x]}}";
    let failure = bench.promote(bench.plan("R1", manifest, "OTHER=1")).await.unwrap_err();
    assert!(failure.reason.contains("KEY, URL;"), "{failure}");
    assert!(!bench.said("starting"));
}

#[tokio::test]
async fn a_promote_that_is_called_off_ends_what_it_started() {
    let bench = Bench::new();
    bench.promote(bench.plan("R1", WEB, "TEXT=old")).await.unwrap();
    let old = bench.only_process().id;
    let slow = bench.plan("R2", "services: {web: {command: sleep 600, port: 1}}", "");
    let cancel = CancellationToken::new();
    let promote = bench.runner.promote(slow, cancel.clone());
    let call_off = async {
        until("the start", async || bench.statuses().contains(&"web starting".into())).await;
        cancel.cancel();
    };
    let (outcome, ()) = tokio::join!(promote, call_off);
    assert!(outcome.unwrap_err().cancelled);
    assert!(bench.said("release R2: cancelled"));
    assert_eq!(bench.only_process().id, old);
    assert_eq!(bench.ask().await, "old");
    bench.runner.stop_all().await;
}

#[tokio::test]
async fn a_stop_calls_off_the_promote_under_way() {
    let bench = Bench::new();
    let slow = bench.plan("R1", "services: {web: {command: sleep 600, port: 1}}", "");
    let stop = async {
        until("the start", async || !bench.statuses().is_empty()).await;
        bench.runner.stop_app(&app()).await;
    };
    let (outcome, ()) = tokio::join!(bench.promote(slow), stop);
    assert!(outcome.unwrap_err().cancelled);
    assert!(bench.statuses().is_empty() && bench.copies().is_empty());
    bench.promote(bench.plan("R2", WEB, "TEXT=on")).await.unwrap();
    assert_eq!(bench.ask().await, "on");
    bench.runner.stop_all().await;
}
