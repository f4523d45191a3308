//! The timers of convox.yml on the development rack.

use crate::support::{Story, until};

const TIMER: &str = "timers:
  tidy:
    schedule: '*/1 * * * ?'
    command: sh tidy.sh
    service: web
";

/// An app whose timer runs each minute, until there is a file `gate` beside the working directory.
fn story(timer: &str) -> Story {
    let story = Story::new("web");
    let gate = story.path("gate");
    let script = format!(
        "echo tidying $APP $MODE\nwhile [ ! -e {} ]; do sleep 0.05; done\necho tidied\n",
        gate.display()
    );
    story.write("tidy.sh", &script);
    story.edit("convox.yml", "services:", &format!("{timer}services:"));
    story
}

fn open_gate(story: &Story) {
    std::fs::write(story.path("gate"), "").unwrap();
}

/// The ids of the processes of the timer.
fn timers(story: &Story) -> Vec<String> {
    let processes = story.rack().json("/apps/web/processes");
    let ids = processes.as_array().unwrap().iter();
    let ids = ids.map(|process| process["id"].as_str().unwrap().to_owned());
    ids.filter(|id| id.starts_with("timer-tidy-")).collect()
}

fn log(story: &Story) -> String {
    story.run("convox logs --no-follow --since 1h").out
}

fn starts(story: &Story) -> usize {
    log(story).lines().filter(|line| line.contains(": starting") && line.contains("timer-")).count()
}

#[test]
fn a_timer_runs_at_its_time_as_a_process_of_its_service() {
    let story = story(TIMER);
    let deploy = story.deploy();
    assert!(!deploy.out.contains("WARNING"), "{}", deploy.out);
    assert_eq!(timers(&story), [""; 0]);
    story.advance_clock(60);
    let id = until("the process", || timers(&story).pop());
    let listed = story.rack().json(&format!("/apps/web/processes/{id}"));
    assert_eq!(listed["name"], "web");
    assert_eq!(listed["command"], "sh tidy.sh");
    until("its output", || log(&story).contains("tidying web").then_some(()));
    open_gate(&story);
    until("its end", || timers(&story).is_empty().then_some(()));
    until("the line of its end", || log(&story).contains("ended with exit code 0").then_some(()));
    assert!(log(&story).contains(&format!("service/web/{}", story.shown(&id))), "{}", log(&story));
    assert_eq!(starts(&story), 1);
}

#[test]
fn a_restart_of_the_rack_runs_no_timer_twice() {
    let mut story = story(TIMER);
    story.deploy();
    story.advance_clock(60);
    until("the process", || timers(&story).pop());
    let port = story.port_of("web");
    story.restart_rack(&[port]);
    until("the app", || story.run("convox apps info").out.contains("running").then_some(()));
    assert_eq!((timers(&story).len(), starts(&story)), (0, 1));
    story.advance_clock(60);
    until("the next process", || timers(&story).pop());
    assert_eq!(starts(&story), 2);
}

#[test]
fn the_timers_of_the_active_release_count() {
    let story = story(TIMER);
    open_gate(&story);
    story.deploy();
    story.edit("convox.yml", "command: sh tidy.sh", "command: echo another");
    story.run("convox build").ok();
    story.advance_clock(60);
    until("the old timer", || log(&story).contains("tidied").then_some(()));
    story.deploy();
    story.advance_clock(60);
    until("the new timer", || log(&story).contains(" another").then_some(()));
    assert_eq!(log(&story).matches("tidied").count(), 1);
}

#[test]
fn an_exclusive_timer_waits_for_its_last_process() {
    let story = story(&TIMER.replace("    service", "    concurrency: Forbid\n    service"));
    story.deploy();
    story.advance_clock(60);
    let first = until("the process", || timers(&story).pop());
    story.advance_clock(60);
    let line = "timer tidy: its last process is still running";
    until("the message", || log(&story).contains(line).then_some(()));
    assert_eq!(timers(&story), [first]);
}

#[test]
fn the_processes_of_a_timer_end_with_the_app() {
    let story = story(TIMER);
    story.deploy();
    story.advance_clock(60);
    until("the process", || timers(&story).pop());
    story.run("convox apps delete web").ok();
    until("the end of the app", || {
        let gone = story.rack().send("GET /apps/web", "").status == 404;
        gone.then_some(())
    });
    // Each of them works in a directory of its own, which is removed when it has ended.
    let left = std::fs::read_dir(story.path("rack/running")).unwrap().count();
    assert_eq!(left, 0);
}

#[test]
fn a_schedule_that_can_not_be_fails_the_build() {
    let story = story(&TIMER.replace("*/1", "61"));
    story.run("convox apps create").ok();
    story.run("convox build").is_error().stdout_contains(
        "convox.yml line 3: timers.tidy.schedule: \"61 * * * ?\" has an invalid field: \"61\"",
    );
}
