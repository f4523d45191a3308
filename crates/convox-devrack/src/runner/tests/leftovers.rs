use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::support::{Bench, app, lives, until, web};
use crate::runner::{ProcessRecord, RunnerStore, started_at};

/// As a rack that was killed has left it: a group in its folder, and a record.
fn leave(bench: &Bench, id: &str, script: &str) -> (Child, PathBuf) {
    let folder = bench.running().join(id);
    std::fs::create_dir_all(&folder).unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", script]).current_dir(&folder).process_group(0).stdin(Stdio::null());
    (command.spawn().unwrap(), folder)
}

fn record(bench: &Bench, id: &str, child: &Child, started: Option<String>) {
    let pid = i32::try_from(child.id()).unwrap();
    let started_at = started.unwrap_or_else(|| started_at(pid).unwrap());
    let id = id.parse().unwrap();
    bench.ledger.keep_process(ProcessRecord { pid, started_at, app: app(), service: web(), id });
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
    let bench = Bench::new();
    let (mut child, folder) = leave(&bench, "web-aaaaaa", "sleep 600 & echo $! > pid; wait");
    record(&bench, "web-aaaaaa", &child, None);
    let grandchild = read_pid(folder.join("pid")).await;
    bench.runner.end_leftovers().await;
    child.wait().unwrap();
    assert!(!lives(grandchild));
    assert!(bench.copies().is_empty() && bench.ledger.processes().is_empty());
    assert!(bench.said("web-aaaaaa: ended; it was left behind by a rack that was killed"));
}

#[tokio::test]
async fn a_pid_that_now_belongs_to_another_program_is_left_alone() {
    let bench = Bench::new();
    let (mut child, _) = leave(&bench, "web-bbbbbb", "exec sleep 600");
    record(&bench, "web-bbbbbb", &child, Some("another time".into()));
    bench.runner.end_leftovers().await;
    assert!(child.try_wait().unwrap().is_none());
    assert!(bench.ledger.processes().is_empty());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_group_whose_leader_has_gone_is_known_by_its_folder() {
    let bench = Bench::new();
    let (mut child, folder) = leave(&bench, "web-cccccc", "sleep 600 & echo $! > pid; wait");
    let grandchild = read_pid(folder.join("pid")).await;
    record(&bench, "web-cccccc", &child, None);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(lives(grandchild));
    bench.runner.end_leftovers().await;
    assert!(!lives(grandchild));
    assert!(bench.copies().is_empty());
}

#[tokio::test]
async fn a_record_of_what_has_long_gone_is_forgotten() {
    let bench = Bench::new();
    let (mut child, _) = leave(&bench, "web-dddddd", "exit 0");
    child.wait().unwrap();
    record(&bench, "web-dddddd", &child, Some("then".into()));
    bench.runner.end_leftovers().await;
    assert!(bench.ledger.processes().is_empty() && bench.copies().is_empty());
    // Nothing to do the second time.
    bench.runner.end_leftovers().await;
}
