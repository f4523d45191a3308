//! All processes of a service or build step: its process group, their descendants, and processes
//! that carry its mark, wherever they have moved; or all of a cgroup.

use std::collections::HashSet;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use super::cgroup::Cgroup;
use super::group::{self, Group};
use super::mark::Mark;
use super::procfs::{self, Stat};

const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// How long to wait for killed processes to disappear.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// How often to look for new processes after killing all.
const KILL_ROUNDS: usize = 10;

/// A set of processes, looked up in the system whenever it is needed.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    group: Option<Group>,
    mark: Option<Mark>,
    /// A process whose descendants belong to the set; the process itself does not.
    ancestor: Option<i32>,
    cgroup: Option<Cgroup>,
}

impl Tree {
    const EMPTY: Self = Self { group: None, mark: None, ancestor: None, cgroup: None };

    /// Returns the tree of a process: its group, and what carries its mark.
    pub(crate) fn new(group: Group, mark: Mark) -> Self {
        Self { group: Some(group), mark: Some(mark), ..Self::EMPTY }
    }

    /// Returns all processes that carry a mark.
    pub(crate) fn marked(mark: Mark) -> Self {
        Self { mark: Some(mark), ..Self::EMPTY }
    }

    /// Returns all descendants of a process.
    pub(crate) fn below(ancestor: i32) -> Self {
        Self { ancestor: Some(ancestor), ..Self::EMPTY }
    }

    /// Returns all processes of a cgroup but this one.
    pub(crate) fn of_cgroup(cgroup: Cgroup) -> Self {
        Self { cgroup: Some(cgroup), ..Self::EMPTY }
    }

    /// Stops all processes: TERM, then KILL after `grace`. Processes that are started meanwhile get
    /// no more time.
    pub(crate) async fn end(&self, grace: Duration) {
        let deadline = Instant::now() + grace;
        let mut signaled = HashSet::new();
        loop {
            let members = self.find().await;
            if members.is_empty() && !self.has_group() {
                return;
            }
            if signaled.is_empty() {
                self.signal_group(Signal::TERM);
            }
            for process in &members {
                if signaled.insert(process.id()) {
                    // A stopped process gets its TERM when it continues.
                    process.signal(Signal::TERM);
                    process.signal(Signal::CONT);
                }
            }
            if !self.gone_by(&members, deadline).await {
                return self.kill_and_wait().await;
            }
        }
    }

    /// Stops all processes, and reaps the leader of the group.
    pub(crate) async fn end_with(&self, leader: &mut Child, grace: Duration) {
        // An error means that the leader has been reaped already.
        let (_, ()) = tokio::join!(leader.wait(), self.end(grace));
        self.group.into_iter().for_each(group::reaped);
    }

    /// Waits until these processes, or the group if the system does not list processes, are gone.
    async fn gone_by(&self, members: &[Stat], deadline: Instant) -> bool {
        loop {
            let is_running = match members {
                [] => self.has_group(),
                members => members.iter().any(Stat::is_running),
            };
            if !is_running || Instant::now() >= deadline {
                return !is_running;
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    async fn kill_and_wait(&self) {
        let deadline = Instant::now() + LAST_WAIT;
        while Instant::now() < deadline {
            let tree = self.clone();
            // A panic there is reported by the runtime.
            if spawn_blocking(move || tree.kill_once()).await.unwrap_or(true) {
                return;
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    /// Kills all processes at once, without waiting for their end.
    pub(crate) fn kill(&self) {
        for _ in 0..KILL_ROUNDS {
            if self.kill_once() || self.mark.is_none() {
                return;
            }
        }
    }

    /// Returns whether there was nothing to kill.
    fn kill_once(&self) -> bool {
        self.signal_group(Signal::KILL);
        let members = self.members();
        members.iter().for_each(|process| process.signal(Signal::KILL));
        members.is_empty() && !self.has_group()
    }

    fn signal_group(&self, signal: Signal) {
        if let Some(group) = self.group {
            group.signal(signal);
        }
    }

    fn has_group(&self) -> bool {
        self.group.is_some_and(Group::is_alive)
    }

    async fn find(&self) -> Vec<Stat> {
        let tree = self.clone();
        // A panic there is reported by the runtime.
        spawn_blocking(move || tree.members()).await.unwrap_or_default()
    }

    /// Returns the running processes of the tree. Empty if the system does not list processes.
    pub(crate) fn members(&self) -> Vec<Stat> {
        let mut rest = procfs::all().unwrap_or_default();
        let own = i32::try_from(std::process::id()).ok();
        rest.retain(|process| process.pid > 1 && Some(process.pid) != own);
        let group = self.group.map(Group::leader);
        let in_cgroup = self.cgroup.as_ref().map(Cgroup::pids).unwrap_or_default();
        let belongs = |process: &mut Stat| {
            Some(process.group) == group
                || in_cgroup.contains(&process.pid)
                || self.mark.as_ref().is_some_and(|mark| mark.is_on(process))
        };
        let mut members: Vec<Stat> = rest.extract_if(.., belongs).collect();
        let mut pids: HashSet<i32> = members.iter().map(|process| process.pid).collect();
        pids.extend(self.ancestor);
        loop {
            let children: Vec<Stat> =
                rest.extract_if(.., |process| pids.contains(&process.parent)).collect();
            if children.is_empty() {
                return members;
            }
            pids.extend(children.iter().map(|process| process.pid));
            members.extend(children);
        }
    }
}

impl From<Group> for Tree {
    fn from(group: Group) -> Self {
        Self { group: Some(group), ..Self::EMPTY }
    }
}

impl Stat {
    /// Sends a signal, unless the process has ended.
    fn signal(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.pid).filter(|_| self.is_running()) {
            // It may end in between, or belong to another user.
            let _ = kill_process(pid, signal);
        }
    }
}

/// Kills a tree when dropped, unless released: the id of a group that has ended may be reused.
pub(crate) struct KillOnDrop(Option<Tree>);

impl KillOnDrop {
    pub(crate) fn new(tree: impl Into<Tree>) -> Self {
        Self(Some(tree.into()))
    }

    /// Disarms the guard after the processes have ended.
    pub(crate) fn release(&mut self) {
        self.0 = None;
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        if let Some(tree) = &self.0 {
            tree.kill();
        }
    }
}
