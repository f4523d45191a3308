//! Adopts the orphans of services and build steps, so that none escapes the rack.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use rustix::process::{Pid, WaitOptions, waitpid};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::sleep;

use super::group;
use super::procfs;
use super::tree::Tree;

/// A process that was adopted and has ended is reaped after one to two intervals.
const REAP_INTERVAL: Duration = Duration::from_secs(10);

/// The parenthood of this process for all processes that its children leave behind. For programs
/// that do nothing else than run a rack.
#[derive(Debug)]
pub struct Adoption {
    reaping: JoinHandle<()>,
}

impl Adoption {
    /// Makes this process the parent of orphans among its descendants (Linux:
    /// PR_SET_CHILD_SUBREAPER, prctl(2)), and reaps them. Must be called within a tokio runtime.
    pub fn start() -> Self {
        #[cfg(target_os = "linux")]
        {
            // Only a kernel older than 3.4 refuses. Marks find nearly all orphans without it.
            let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
        }
        Self { reaping: tokio::spawn(reap_regularly()) }
    }

    /// Stops all descendants of this process: TERM, then KILL after `grace`.
    pub async fn end(self, grace: Duration) {
        self.reaping.abort();
        Tree::below(own_pid()).end(grace).await;
    }
}

fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

async fn reap_regularly() {
    let mut before = HashSet::new();
    loop {
        sleep(REAP_INTERVAL).await;
        // A panic there is reported by the runtime.
        let zombies = spawn_blocking(|| reapable(&group::children())).await.unwrap_or_default();
        for pid in zombies.intersection(&before).filter_map(|pid| Pid::from_raw(*pid)) {
            // An error means that it has been reaped already.
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
        before = zombies;
    }
}

/// Returns the zombies that this process has adopted. Its own children are reaped by those who
/// started them.
fn reapable(own_children: &BTreeSet<i32>) -> HashSet<i32> {
    let own = own_pid();
    let zombies = procfs::zombies().unwrap_or_default().into_iter();
    let adopted = zombies.filter(|zombie| zombie.parent == own).map(|zombie| zombie.pid);
    adopted.filter(|pid| !own_children.contains(pid)).collect()
}
