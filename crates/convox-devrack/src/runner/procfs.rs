//! What the system knows about processes: when they started, which group they are in.
//!
//! `/proc` where there is one (Linux: proc(5)), `ps` elsewhere.

use std::path::{Path, PathBuf};
use std::{fs, process};

/// When a process started, in words that differ for a later process of the same pid. `None` if
/// there is no such process.
pub(crate) fn started_at(pid: i32) -> Option<String> {
    if !has_proc() {
        return started_at_by_ps(pid);
    }
    let stat = Stat::of(pid)?;
    // Start times count from the boot of the machine.
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    Some(format!("{}@{}", stat.started, boot.trim()))
}

/// The living members of a process group, zombies left out; `None` where the system does not say.
pub(crate) fn members(group: i32) -> Option<Vec<i32>> {
    if !has_proc() {
        return None;
    }
    let pids = fs::read_dir("/proc").ok()?.filter_map(|entry| {
        let pid: i32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let stat = Stat::of(pid)?;
        (stat.group == group && !matches!(stat.state, 'Z' | 'X')).then_some(pid)
    });
    Some(pids.collect())
}

/// The directory a process works in, where the system says so.
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

struct Stat {
    state: char,
    group: i32,
    started: String,
}

impl Stat {
    fn of(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The second field is the program's name in parentheses, and may itself contain any.
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.get(text.rfind(')')? + 1..)?.split_whitespace().collect();
        Some(Self {
            state: fields.first()?.chars().next()?,
            group: fields.get(2)?.parse().ok()?,
            started: (*fields.get(19)?).to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_full_of_blanks_and_parentheses_does_not_confuse_the_reading() {
        let text = "77 (a) R (b) c) S 1 70 70 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4242 1 1";
        let stat = Stat::parse(text).unwrap();
        assert_eq!((stat.state, stat.group, stat.started.as_str()), ('S', 70, "4242"));
        assert!(Stat::parse("").is_none() && Stat::parse("1 (x) S 1").is_none());
    }

    #[test]
    fn this_process_has_a_start_time_that_stays_and_an_absent_one_has_none() {
        let pid = i32::try_from(process::id()).unwrap();
        assert!(started_at(pid).is_some());
        assert_eq!(started_at(pid), started_at(pid));
        assert_eq!(started_at(i32::MAX), None);
    }
}
