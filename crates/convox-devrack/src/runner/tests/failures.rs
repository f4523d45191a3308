use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::support::{TestRunner, WEB, app, limits, until};
use crate::runner::Limits;
use crate::runner::context::free_port;

const BROKEN: &str =
    "services: {web: {x-dev: {command: [sh, -c, 'echo one; echo two >&2; exit 3']}, port: 3000}}";

#[tokio::test]
async fn a_failed_release_leaves_the_old_one_running_and_is_explained() {
    let test = TestRunner::new();
    test.promote(test.deployment("R1", WEB, "TEXT=old")).await.unwrap();
    let old = test.only_process();
    let mut failure = test.promote(test.deployment("R2", BROKEN, "")).await.unwrap_err();
    assert!(
        failure.reason.starts_with(
            "web: port check failed: ended with exit code 3 before it listened on 127.0.0.1:"
        ),
        "{failure}"
    );
    failure.last_lines.sort();
    assert_eq!(failure.last_lines, ["one", "two"]);
    assert!(!failure.canceled);

    assert_eq!(test.ask().await, "old");
    assert_eq!(test.only_process().id, old.id);
    assert_eq!(test.copies(), [old.id.to_string()]);
    let logged = test.lines("system/rack/shop");
    assert!(logged.contains(&format!("release R2 failed: {failure}")), "{logged:?}");
    assert!(logged.contains(&format!("last output of {}:", failure.process.as_ref().unwrap())));
    assert!(logged.contains(&"  one".into()) && logged.contains(&"  two".into()), "{logged:?}");
    test.runner.stop_all().await;
}

#[tokio::test]
async fn a_service_that_never_listens_fails_at_the_time_limit() {
    let quick =
        Limits { ready: Duration::from_millis(400), stop: Duration::from_millis(200), ..limits() };
    let test = TestRunner::with(quick, Arc::new(free_port));
    let deaf = "services: {web: {x-dev: {command: [sh, -c, 'trap \"\" TERM; echo here; while :; do sleep 1; done']}, port: 1}}";
    let failure = test.promote(test.deployment("R1", deaf, "")).await.unwrap_err();
    assert!(
        failure.reason.starts_with("web: port check failed: did not listen on 127.0.0.1:"),
        "{failure}"
    );
    assert!(failure.reason.ends_with(", the port in PORT, within 0.4 s"), "{failure}");
    assert_eq!(failure.last_lines, ["here"]);
    assert!(test.copies().is_empty() && test.statuses().is_empty());
}

#[tokio::test]
async fn a_service_without_a_port_must_keep_running() {
    let test = TestRunner::new();
    let short = "services: {job: {x-dev: {command: [sh, -c, 'echo done']}}}";
    let failure = test.promote(test.deployment("R1", short, "")).await.unwrap_err();
    assert_eq!(failure.reason, "job: start check failed: ended with exit code 0 within 0.3 s");
    assert_eq!(failure.last_lines, ["done"]);
    let killed = "services: {job: {x-dev: {command: [sh, -c, 'kill -9 $$']}}}";
    let failure = test.promote(test.deployment("R2", killed, "")).await.unwrap_err();
    assert_eq!(failure.reason, "job: start check failed: was killed by signal 9 within 0.3 s");
}

#[tokio::test]
async fn a_failed_service_stops_the_others_of_its_release() {
    let test = TestRunner::new();
    let manifest = "services: {good: {command: python3 server.py, port: 1}, slow: {command: sleep 600, port: 2}, \
                    bad: {x-dev: {command: [sh, -c, 'exit 1']}}}";
    let failure = test.promote(test.deployment("R1", manifest, "")).await.unwrap_err();
    assert!(
        failure.reason.starts_with("bad: start check failed: ended with exit code 1"),
        "{failure}"
    );
    assert!(test.statuses().is_empty() && test.copies().is_empty());
    assert!(test.store.records.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_error_names_the_program_that_cannot_be_started() {
    let test = TestRunner::new();
    let absent = "services: {web: {command: bin/nowhere, port: 1}}";
    let failure = test.promote(test.deployment("R1", absent, "")).await.unwrap_err();
    assert!(failure.reason.starts_with("web: can't start \"bin/nowhere\": not found"), "{failure}");
    let closed = "services: {web: {command: ./server.py, port: 1}}";
    let failure = test.promote(test.deployment("R2", closed, "")).await.unwrap_err();
    assert!(failure.reason.contains("not executable"), "{failure}");
    assert!(test.copies().is_empty());
}

#[tokio::test]
async fn a_missing_source_fails_the_promote() {
    let test = TestRunner::new();
    let deployment = test.deployment("R1", WEB, "");
    std::fs::remove_dir_all(&deployment.source).unwrap();
    let failure = test.promote(deployment).await.unwrap_err();
    assert!(failure.reason.starts_with("web: can't copy the source: "), "{failure}");
}

#[tokio::test]
async fn missing_variables_are_named_before_anything_is_started() {
    let test = TestRunner::new();
    let manifest = "services: {web: {command: python3 server.py, environment: [KEY, URL, MODE=x]}}";
    let failure = test.promote(test.deployment("R1", manifest, "OTHER=1")).await.unwrap_err();
    assert!(failure.reason.contains("KEY, URL;"), "{failure}");
    assert!(!test.logged("starting"));
}

#[tokio::test]
async fn a_canceled_promote_stops_what_it_started() {
    let test = TestRunner::new();
    test.promote(test.deployment("R1", WEB, "TEXT=old")).await.unwrap();
    let old = test.only_process().id;
    let slow = test.deployment("R2", "services: {web: {command: sleep 600, port: 1}}", "");
    let cancel = CancellationToken::new();
    let promote = test.runner.promote(slow, cancel.clone());
    let canceling = async {
        until("the start", async || test.statuses().contains(&"web starting".into())).await;
        cancel.cancel();
    };
    let (outcome, ()) = tokio::join!(promote, canceling);
    assert!(outcome.unwrap_err().canceled);
    assert!(test.logged("release R2: canceled"));
    assert_eq!(test.only_process().id, old);
    assert_eq!(test.ask().await, "old");
    test.runner.stop_all().await;
}

#[tokio::test]
async fn a_stop_cancels_the_promote_in_progress() {
    let test = TestRunner::new();
    let slow = test.deployment("R1", "services: {web: {command: sleep 600, port: 1}}", "");
    let stop = async {
        until("the start", async || !test.statuses().is_empty()).await;
        test.runner.stop_app(&app()).await;
    };
    let (outcome, ()) = tokio::join!(test.promote(slow), stop);
    assert!(outcome.unwrap_err().canceled);
    assert!(test.statuses().is_empty() && test.copies().is_empty());
    test.promote(test.deployment("R2", WEB, "TEXT=on")).await.unwrap();
    assert_eq!(test.ask().await, "on");
    test.runner.stop_all().await;
}
