use std::collections::BTreeSet;

use super::support::{TestRunner, WEB, app, until, web};

/// Answers every connection with the id of its process.
const WHO: &str = "\
import os, socket
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(('127.0.0.1', int(os.environ['PORT'])))
server.listen()
while True:
    client, _ = server.accept()
    client.sendall(str(os.getpid()).encode())
    client.close()
";

/// A runner with one process of a service.
async fn running() -> TestRunner {
    let test = TestRunner::new();
    let deployment = test.deployment("R1", WEB, "");
    std::fs::write(deployment.source.join("server.py"), WHO).unwrap();
    test.promote(deployment).await.unwrap();
    test
}

/// The processes that answer the next few connections.
async fn who_answers(test: &TestRunner) -> BTreeSet<String> {
    let mut answers = BTreeSet::new();
    for _ in 0..6 {
        answers.insert(test.ask().await);
    }
    answers
}

#[tokio::test]
async fn connections_are_spread_over_as_many_processes_as_were_asked_for() {
    let test = running().await;
    let first = test.only_process().id;
    test.runner.scale(&app(), &web(), 3).await.unwrap();
    assert_eq!(test.statuses(), ["web running"; 3]);
    assert_eq!(who_answers(&test).await.len(), 3);
    test.runner.scale(&app(), &web(), 1).await.unwrap();
    assert_eq!(test.only_process().id, first);
    assert_eq!(who_answers(&test).await.len(), 1);
    test.runner.scale(&app(), &web(), 0).await.unwrap();
    assert!(test.statuses().is_empty());
    assert_eq!(test.ask().await, "");
    test.runner.scale(&app(), &web(), 2).await.unwrap();
    assert_eq!(who_answers(&test).await.len(), 2);
    test.runner.stop_all().await;
    assert!(test.copies().is_empty());
}

#[tokio::test]
async fn a_promote_starts_as_many_processes_as_the_service_has() {
    let test = running().await;
    let mut deployment = test.deployment("R2", WEB, "");
    std::fs::write(deployment.source.join("server.py"), WHO).unwrap();
    deployment.counts.insert(web(), 2);
    test.promote(deployment).await.unwrap();
    assert_eq!(test.statuses(), ["web running"; 2]);
    assert_eq!(who_answers(&test).await.len(), 2);
    test.runner.stop_all().await;
}

#[tokio::test]
async fn a_service_keeps_its_processes_if_another_does_not_start() {
    let test = TestRunner::new();
    let deployment = test.deployment("R1", WEB, "TEXT=up");
    let server = deployment.source.join("server.py");
    test.promote(deployment).await.unwrap();
    std::fs::write(server, "raise SystemExit(3)").unwrap();
    let reason = test.runner.scale(&app(), &web(), 3).await.unwrap_err();
    assert!(reason.starts_with("web: port check failed: ended with exit code 3"), "{reason}");
    assert_eq!(test.statuses(), ["web running"]);
    assert_eq!(test.ask().await, "up");
    // A restart needs a new process, too.
    let old = test.only_process().id;
    test.runner.restart(&app(), &web()).await;
    until("the failure", async || test.logged(&format!("; {old} keeps running"))).await;
    assert_eq!(test.only_process().id, old);
    assert_eq!(test.ask().await, "up");
    test.runner.stop_all().await;
}

#[tokio::test]
async fn a_restart_replaces_every_process_and_some_process_always_answers() {
    let test = running().await;
    test.runner.scale(&app(), &web(), 2).await.unwrap();
    let ids = || -> BTreeSet<String> {
        let processes = test.runner.processes(&app());
        processes.iter().map(|process| process.id.to_string()).collect()
    };
    let before = ids();
    test.runner.restart(&app(), &web()).await;
    until("the new processes", async || {
        assert_ne!(test.ask().await, "");
        ids().is_disjoint(&before)
    })
    .await;
    until("both are ready", async || test.statuses() == ["web running"; 2]).await;
    assert_eq!(who_answers(&test).await.len(), 2);
    test.runner.stop_all().await;
}
