//! The system's information about processes, from `/proc` (Linux: proc(5)) or, without it, `ps`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fs, process};

use super::mark;

/// Returns a text that tells a process from later ones with the same pid: its start time. `None` if
/// there is no such process.
pub(crate) fn started_at(pid: i32) -> Option<String> {
    if !has_proc() {
        return started_at_by_ps(pid);
    }
    let stat = Stat::of(pid)?;
    // Start times are relative to the boot of the machine.
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    Some(format!("{}@{}", stat.started, boot.trim()))
}

/// Returns the members of a process group except zombies, or `None` if the system does not list
/// them.
pub(crate) fn members(group: i32) -> Option<Vec<i32>> {
    let members = all()?.into_iter().filter(|process| process.group == group);
    Some(members.map(|process| process.pid).collect())
}

/// Returns all processes except zombies, or `None` if the system does not list them.
pub(crate) fn all() -> Option<Vec<Stat>> {
    list(|process| !process.is_zombie())
}

/// Returns the processes that have ended and not been reaped yet.
pub(crate) fn zombies() -> Option<Vec<Stat>> {
    list(Stat::is_zombie)
}

fn list(which: impl Fn(&Stat) -> bool) -> Option<Vec<Stat>> {
    if !has_proc() {
        return None;
    }
    let processes = fs::read_dir("/proc").ok()?.filter_map(|entry| {
        let pid: i32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        Stat::of(pid).filter(&which)
    });
    Some(processes.collect())
}

/// Returns a variable of a process's environment as it was when its program was started. `None` if
/// the environment can't be read, as that of other users' processes.
pub(crate) fn variable(pid: i32, name: &str) -> Option<OsString> {
    mark::find(&fs::read(format!("/proc/{pid}/environ")).ok()?, name)
}

/// Returns the working directory of a process, if it is known.
pub(crate) fn directory(pid: i32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/cwd")).ok()
}

fn has_proc() -> bool {
    Path::new("/proc/self/stat").exists()
}

fn started_at_by_ps(pid: i32) -> Option<String> {
    let output = process::Command::new("ps")
        .args(["-o", "lstart=", "-p", &pid.to_string()])
        .env("LC_ALL", "C")
        .stdin(process::Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// A process, as `/proc/PID/stat` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    state: char,
    started: String,
}

impl Stat {
    fn of(pid: i32) -> Option<Self> {
        Self::parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Returns what tells it from all other processes since the boot.
    pub(crate) fn id(&self) -> (i32, String) {
        (self.pid, self.started.clone())
    }

    /// Returns whether the process still exists and has not ended.
    pub(crate) fn is_running(&self) -> bool {
        Self::of(self.pid).is_some_and(|now| now.started == self.started && !now.is_zombie())
    }

    /// Returns whether the parent of the process has ended: it was adopted by this process or by
    /// the first one.
    pub(crate) fn is_orphan(&self) -> bool {
        self.parent == 1 || u32::try_from(self.parent).is_ok_and(|parent| parent == process::id())
    }

    fn is_zombie(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }

    /// Parses `/proc/PID/stat`. Its second field is the program's name in parentheses, which may
    /// contain blanks and parentheses itself.
    fn parse(pid: i32, text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.get(text.rfind(')')? + 1..)?.split_whitespace().collect();
        Some(Self {
            pid,
            state: fields.first()?.chars().next()?,
            parent: fields.get(1)?.parse().ok()?,
            group: fields.get(2)?.parse().ok()?,
            started: (*fields.get(19)?).to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_name_with_blanks_and_parentheses_is_parsed() {
        let text = "77 (a) R (b) c) S 1 70 70 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4242 1 1";
        let stat = Stat::parse(77, text).unwrap();
        assert_eq!(
            (stat.state, stat.parent, stat.group, stat.started.as_str()),
            ('S', 1, 70, "4242")
        );
        assert!(Stat::parse(1, "").is_none() && Stat::parse(1, "1 (x) S 1").is_none());
    }

    #[test]
    fn a_process_has_a_constant_start_time_and_an_absent_one_has_none() {
        let pid = i32::try_from(process::id()).unwrap();
        assert!(started_at(pid).is_some());
        assert_eq!(started_at(pid), started_at(pid));
        assert_eq!(started_at(i32::MAX), None);
    }
}
