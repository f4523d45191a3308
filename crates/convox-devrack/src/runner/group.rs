//! Process groups: a service or build step is stopped together with its children.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::procfs;

const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// How long to wait for a killed group to disappear.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// How often to retry the start of a program that is still open for writing.
const BUSY_ATTEMPTS: u32 = 40;

/// The children that this process has started, by process id. Only those who started them may reap
/// them.
static CHILDREN: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

fn lock_children() -> MutexGuard<'static, BTreeSet<i32>> {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the children that this process has started and not reaped yet.
pub(super) fn children() -> BTreeSet<i32> {
    lock_children().clone()
}

/// Removes a child that was reaped.
pub(super) fn reaped(group: Group) {
    lock_children().remove(&group.leader());
}

/// The process group of a child process that leads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Group(Pid);

impl Group {
    /// Starts `command` as the leader of a new group.
    pub(crate) async fn spawn(command: &mut Command) -> std::io::Result<(Child, Self)> {
        let child = spawn_with_retries(command.process_group(0)).await?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        match pid.and_then(Self::of_leader) {
            Some(group) => {
                lock_children().insert(group.leader());
                Ok((child, group))
            }
            None => Err(std::io::Error::other("the system gave it no process id")),
        }
    }

    /// Returns the group of a leader. `None` for the pids 0 and 1: signals to these groups would
    /// reach unrelated processes.
    pub(crate) fn of_leader(pid: i32) -> Option<Self> {
        if pid <= 1 {
            return None;
        }
        Pid::from_raw(pid).map(Self)
    }

    /// Returns the leader's process id.
    pub(crate) fn leader(self) -> i32 {
        self.0.as_raw_nonzero().get()
    }

    /// Sends KILL to every member.
    pub(crate) fn kill(self) {
        self.signal(Signal::KILL);
    }

    /// Returns whether any member is alive.
    pub(crate) fn is_alive(self) -> bool {
        if test_kill_process_group(self.0).is_err() {
            return false;
        }
        // Signals succeed for zombies too, and in a container these may never be reaped.
        procfs::members(self.leader()).is_none_or(|members| !members.is_empty())
    }

    /// Stops every member: TERM, then KILL after `grace`.
    pub(crate) async fn end(self, grace: Duration) {
        self.signal(Signal::TERM);
        if self.gone_within(grace).await {
            return;
        }
        self.kill();
        self.gone_within(LAST_WAIT).await;
    }

    /// Stops every member and reaps the leader.
    pub(crate) async fn end_with(self, leader: &mut Child, grace: Duration) {
        // An error means that the leader has been reaped already.
        let (_, ()) = tokio::join!(leader.wait(), self.end(grace));
        reaped(self);
    }

    async fn gone_within(self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while self.is_alive() {
            if Instant::now() >= deadline {
                return false;
            }
            sleep(POLL_INTERVAL).await;
        }
        true
    }

    /// Failures are ignored: for our own children the only one is that the group is gone.
    pub(crate) fn signal(self, signal: Signal) {
        let _ = kill_process_group(self.0, signal);
    }
}

/// Retries on ETXTBSY (execve(2)): a file that was just written stays open for a moment in a child
/// that another thread has forked, until that child executes its program.
async fn spawn_with_retries(command: &mut Command) -> std::io::Result<Child> {
    let mut attempt = 1;
    loop {
        match command.spawn() {
            Err(error)
                if error.kind() == ErrorKind::ExecutableFileBusy && attempt < BUSY_ATTEMPTS =>
            {
                attempt += 1;
                sleep(POLL_INTERVAL).await;
            }
            outcome => return outcome,
        }
    }
}
