use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::support::{TestRunner, app, lives, until, web};
use crate::runner::{ProcessRecord, RunnerStore, started_at};

/// As a rack that was killed has left it: a group in its directory, and a record.
fn leave(test: &TestRunner, id: &str, script: &str) -> (Child, PathBuf) {
    let directory = test.running().join(id);
    std::fs::create_dir_all(&directory).unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", script]).current_dir(&directory).process_group(0).stdin(Stdio::null());
    (command.spawn().unwrap(), directory)
}

fn record(test: &TestRunner, id: &str, child: &Child, started: Option<String>) {
    let pid = i32::try_from(child.id()).unwrap();
    let started_at = started.unwrap_or_else(|| started_at(pid).unwrap());
    let id = id.parse().unwrap();
    test.store.keep_process(ProcessRecord { pid, started_at, app: app(), service: web(), id });
}

async fn read_pid(file: PathBuf) -> i32 {
    let mut pid = None;
    until("the pid", async || {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        pid = text.strip_suffix('\n').map(|text| text.parse().unwrap());
        pid.is_some()
    })
    .await;
    pid.unwrap()
}

#[tokio::test]
async fn groups_that_a_killed_rack_left_are_ended_with_their_traces() {
    let test = TestRunner::new();
    let (mut child, directory) = leave(&test, "web-aaaaaa", "sleep 600 & echo $! > pid; wait");
    record(&test, "web-aaaaaa", &child, None);
    let grandchild = read_pid(directory.join("pid")).await;
    test.runner.stop_orphans().await;
    child.wait().unwrap();
    assert!(!lives(grandchild));
    assert!(test.copies().is_empty() && test.store.processes().is_empty());
    assert!(test.logged("web-aaaaaa: ended; it was left behind by a rack that was killed"));
}

#[tokio::test]
async fn a_pid_that_now_belongs_to_another_program_is_left_alone() {
    let test = TestRunner::new();
    let (mut child, _) = leave(&test, "web-bbbbbb", "exec sleep 600");
    record(&test, "web-bbbbbb", &child, Some("another time".into()));
    test.runner.stop_orphans().await;
    assert!(child.try_wait().unwrap().is_none());
    assert!(test.store.processes().is_empty());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_group_whose_leader_has_gone_is_known_by_its_folder() {
    let test = TestRunner::new();
    let (mut child, directory) = leave(&test, "web-cccccc", "sleep 600 & echo $! > pid; wait");
    let grandchild = read_pid(directory.join("pid")).await;
    record(&test, "web-cccccc", &child, None);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(lives(grandchild));
    test.runner.stop_orphans().await;
    assert!(!lives(grandchild));
    assert!(test.copies().is_empty());
}

#[tokio::test]
async fn a_record_of_what_has_long_gone_is_forgotten() {
    let test = TestRunner::new();
    let (mut child, _) = leave(&test, "web-dddddd", "exit 0");
    child.wait().unwrap();
    record(&test, "web-dddddd", &child, Some("then".into()));
    test.runner.stop_orphans().await;
    assert!(test.store.processes().is_empty() && test.copies().is_empty());
    // Nothing to do the second time.
    test.runner.stop_orphans().await;
}
