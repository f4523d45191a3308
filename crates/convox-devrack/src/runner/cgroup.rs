//! A cgroup for a rack and all that it starts, where the system delegates one (Linux, cgroup v2, see
//! cgroups(7)). After a kill it finds even what has cleared its environment, and left its parent and
//! its directory.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::ids;

/// The file that lists the processes of a cgroup, and to which those are written that join it.
const PROCESSES: &str = "cgroup.procs";

/// A cgroup, by its directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cgroup(PathBuf);

impl Cgroup {
    /// Moves this process to a new cgroup below its own. Its children are born there. `None` where
    /// the system does not permit that.
    pub(crate) fn enter() -> Option<Self> {
        let parent = own()?;
        let path = parent.join(format!("convox-rack-{}", ids::hex::<8>().ok()?));
        fs::create_dir(&path).ok()?;
        let cgroup = Self(path);
        if join(&cgroup.0).is_err() {
            cgroup.remove();
            return None;
        }
        Some(cgroup)
    }

    /// The cgroup in a directory, which need not exist.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Returns the ids of its running processes.
    pub(crate) fn pids(&self) -> HashSet<i32> {
        let text = fs::read_to_string(self.0.join(PROCESSES)).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// Moves this process back to where it came from, and removes the cgroup.
    pub(crate) fn leave(&self) {
        if self.0.parent().is_some_and(|parent| join(parent).is_ok()) {
            self.remove();
        }
    }

    /// Removes it, unless processes are left in it.
    pub(crate) fn remove(&self) {
        // What is left is empty and costs nothing.
        let _ = fs::remove_dir(&self.0);
    }
}

/// Moves this process.
fn join(cgroup: &Path) -> io::Result<()> {
    // Zero stands for the process that writes.
    fs::write(cgroup.join(PROCESSES), "0")
}

/// The directory of this process's cgroup.
fn own() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let cgroups = fs::read_to_string("/proc/self/cgroup").ok()?;
    directory(&mounts, &cgroups)
}

/// The directory of a cgroup, from the texts of `/proc/PID/mountinfo` (proc(5)) and
/// `/proc/PID/cgroup`.
fn directory(mounts: &str, cgroups: &str) -> Option<PathBuf> {
    let inner = cgroups.lines().find_map(|line| line.strip_prefix("0::"))?;
    mounts.lines().find_map(|line| {
        let (fields, kind) = line.split_once(" - ")?;
        if kind.split(' ').next() != Some("cgroup2") {
            return None;
        }
        let mut fields = fields.split(' ').skip(3);
        let (root, mounted_at) = (fields.next()?, fields.next()?);
        Some(Path::new(mounted_at).join(Path::new(inner).strip_prefix(root).ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
31 1 0:27 / /sys rw,relatime - sysfs sysfs rw
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,nosuid shared:9 - cgroup2 cgroup2 rw
";

    #[test]
    fn the_directory_is_below_the_mount_of_the_second_version() {
        let found = |cgroups| directory(MOUNTS, cgroups);
        assert_eq!(found("1:name=systemd:/x\n0::/\n"), Some("/sys/fs/cgroup/unified".into()));
        assert_eq!(found("0::/a.slice/b\n"), Some("/sys/fs/cgroup/unified/a.slice/b".into()));
        assert_eq!(found("1:name=systemd:/x\n"), None);
        assert_eq!(directory("31 1 0:27 / /sys rw - sysfs sysfs rw\n", "0::/a\n"), None);
    }

    #[test]
    fn a_mount_may_show_a_part_of_the_hierarchy() {
        let mounts = "41 31 0:38 /pod /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        assert_eq!(directory(mounts, "0::/pod/app\n"), Some("/sys/fs/cgroup/app".into()));
        assert_eq!(directory(mounts, "0::/other\n"), None);
    }
}
