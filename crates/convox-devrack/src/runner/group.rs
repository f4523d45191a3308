//! A process group: what a service or a build step starts lives and ends together.

use std::io::ErrorKind;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::procfs;

const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// How long a group that was killed may take to go: the system is still cleaning up behind it.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// How often a program that is still being written is tried.
const BUSY_ATTEMPTS: u32 = 40;

/// The group that a child leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Group(Pid);

impl Group {
    /// Starts `command` as the leader of a group of its own.
    pub(crate) async fn spawn(command: &mut Command) -> std::io::Result<(Child, Self)> {
        let child = spawn_patiently(command.process_group(0)).await?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        match pid.and_then(Self::of_leader) {
            Some(group) => Ok((child, group)),
            None => Err(std::io::Error::other("the system gave it no process id")),
        }
    }

    /// The group of this leader. Never that of pid 1 or 0, which would mean everybody.
    pub(crate) fn of_leader(pid: i32) -> Option<Self> {
        if pid <= 1 {
            return None;
        }
        Pid::from_raw(pid).map(Self)
    }

    /// The leader's process id.
    pub(crate) fn leader(self) -> i32 {
        self.0.as_raw_nonzero().get()
    }

    /// Kills every member at once.
    pub(crate) fn kill(self) {
        self.signal(Signal::KILL);
    }

    /// Is any member alive?
    pub(crate) fn is_alive(self) -> bool {
        if test_kill_process_group(self.0).is_err() {
            return false;
        }
        // Zombies answer signals too, and in a container nobody may ever collect them.
        procfs::members(self.leader()).is_none_or(|members| !members.is_empty())
    }

    /// Ends every member: TERM, and KILL after `grace`.
    pub(crate) async fn end(self, grace: Duration) {
        self.signal(Signal::TERM);
        if self.gone_within(grace).await {
            return;
        }
        self.kill();
        self.gone_within(LAST_WAIT).await;
    }

    /// Ends every member and collects the leader.
    pub(crate) async fn end_with(self, leader: &mut Child, grace: Duration) {
        // An error means that it was collected before.
        let (_, ()) = tokio::join!(leader.wait(), self.end(grace));
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

    /// A group that is gone needs no signal; there is no other way to fail for our own children.
    fn signal(self, signal: Signal) {
        let _ = kill_process_group(self.0, signal);
    }
}

/// A file that was just written can be held open for a moment by a child that another thread has
/// forked and that has not yet become its own program (ETXTBSY, execve(2)).
async fn spawn_patiently(command: &mut Command) -> std::io::Result<Child> {
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

/// Kills a group when dropped, unless it was released: its id may be another's by then.
pub(crate) struct KillOnDrop(Option<Group>);

impl KillOnDrop {
    pub(crate) fn new(group: Group) -> Self {
        Self(Some(group))
    }

    /// The group has ended.
    pub(crate) fn release(&mut self) {
        self.0 = None;
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            group.kill();
        }
    }
}
