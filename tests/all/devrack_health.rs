//! The health checks of convox.yml on the development rack.

use std::time::Duration;

use crate::support::{Story, until};

const HEALTH: &str = "health: {path: /health, interval: 1, timeout: 1, grace: 1}";

/// An app that is healthy while there is a file `gate` beside the working directory.
fn story(limit: Duration) -> Story {
    let story = Story::with("web", |options| options.limits.processes.ready = limit);
    let gate = story.path("gate").display().to_string();
    let status = format!("200 if self.path != '/health' or os.path.exists('{gate}') else 503");
    story.edit("web.py", "self.send_response(200)", &format!("self.send_response({status})"));
    story.edit("convox.yml", "port: 3000", &format!("port: 3000\n    {HEALTH}"));
    story
}

fn open_gate(story: &Story) {
    std::fs::write(story.path("gate"), "").unwrap();
}

fn log(story: &Story) -> String {
    story.run("convox logs --no-follow --since 1h").out
}

/// The ids and the states of the processes.
fn processes(story: &Story) -> Vec<(String, String)> {
    let processes = story.rack().json("/apps/web/processes");
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let processes = processes.as_array().unwrap().iter();
    processes.map(|process| (text(&process["id"]), text(&process["status"]))).collect()
}

#[test]
fn a_process_is_ready_once_its_health_check_passes() {
    let story = story(Duration::from_secs(60));
    story.run("convox apps create").ok();
    let deploy = story.start("convox deploy --wait");
    until("a failed check", || log(&story).contains("GET /health HTTP/1.1\" 503").then_some(()));
    assert_eq!(processes(&story)[0].1, "starting");
    open_gate(&story);
    let deploy = deploy.end();
    deploy.ok();
    assert!(!deploy.out.contains("WARNING"), "{}", deploy.out);
    assert_eq!(story.get("web"), "Hello World!\n");
}

#[test]
fn a_release_that_never_passes_is_rolled_back_with_the_reason() {
    let story = story(Duration::from_secs(1));
    story.run("convox apps create").ok();
    let deploy = story.run("convox deploy --wait");
    let reason = "health check failed: GET /health was answered with status 503; it did not pass \
                  within 1 s";
    deploy.is_error().stderr_contains(reason);
}

#[test]
fn a_process_that_stops_passing_is_replaced() {
    let story = story(Duration::from_secs(60));
    open_gate(&story);
    story.deploy();
    let before = processes(&story);
    std::fs::remove_file(story.path("gate")).unwrap();
    let line = "health check failed twice in a row: GET /health was answered with status 503";
    until("the failure", || log(&story).contains(line).then_some(()));
    open_gate(&story);
    let after = until("the next process", || {
        let now = processes(&story);
        now.iter().any(|(id, status)| *id != before[0].0 && status == "running").then_some(now)
    });
    assert_eq!(after.len(), 1);
    assert_eq!(story.get("web"), "Hello World!\n");
}

#[test]
fn a_disabled_check_is_none() {
    let story = story(Duration::from_secs(60));
    story.edit("convox.yml", HEALTH, "health: {path: /health, disable: true}");
    story.deploy();
    assert!(!log(&story).contains("GET /health"));
}
