//! Disks that are full. Only root can mount a small one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::account::{Account, as_each_user};
use super::support::until;

/// A file system of a few megabytes.
pub(crate) struct SmallDisk(PathBuf);

impl SmallDisk {
    pub(crate) fn mount(at: &Path) -> Option<Self> {
        fs::create_dir(at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs"]).arg(at);
        let is_mounted = mount.output().is_ok_and(|output| output.status.success());
        if !is_mounted {
            eprintln!("skipped: a small disk can't be mounted here");
        }
        is_mounted.then(|| Self(at.to_owned()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn make_read_only(&self) {
        let remounted = Command::new("mount").args(["-o", "remount,ro"]).arg(&self.0).status();
        assert!(remounted.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(&self.0).status().unwrap();
        assert!(unmounted.success() || std::thread::panicking());
    }
}

/// Fills what is left of a disk, but for some bytes.
fn fill(disk: &SmallDisk, leave: u64) -> PathBuf {
    let filling = disk.0.join("filling");
    let _full = fs::write(&filling, vec![0; 64 << 20]);
    let size = fs::metadata(&filling).unwrap().len();
    fs::File::options()
        .write(true)
        .open(&filling)
        .unwrap()
        .set_len(size.saturating_sub(leave))
        .unwrap();
    filling
}

#[test]
fn whatever_fails_on_a_full_disk_works_again_once_there_is_room() {
    as_each_user(|account| {
        let Some(disk) = SmallDisk::mount(&account.path("disk")) else { return };
        account.own(&disk.0);
        account.set_data(&disk.0.join("data"));
        let port = account.deploy();
        let build = account.list("convox builds")[0]["id"].as_str().unwrap().to_owned();
        let archive = account.path("build.tgz").display().to_string();
        account.ok(&format!("convox builds export {build} --file {archive}"));
        let process = account.list("convox ps")[0]["id"].as_str().unwrap().to_owned();
        let import = format!("convox builds import --file {archive}");
        let copy = format!("convox cp {archive} {process}:/copied");
        let exec = format!("convox exec {process} true");
        for leave in [0, 4 << 10, 64 << 10, 512 << 10] {
            let filling = fill(&disk, leave);
            for line in [
                "convox deploy --wait",
                "convox env set A=1 --promote",
                "convox releases rollback",
                "convox scale web --count 2",
                "convox apps create other",
                "convox run web true",
                "convox restart",
                &import,
                &copy,
                &exec,
            ] {
                let ran = account.run(line);
                let text = super::account::stderr(&ran);
                assert!(ran.status.success() || text.contains("ERROR: "), "{line}: {text}");
            }
            account.await_response(port);
            fs::remove_file(&filling).unwrap();
            account.ok("convox apps wait web");
            account.ok("convox deploy --wait");
            account.ok("convox scale web --count 1");
            let _made = account.run("convox apps delete other");
        }
        account.ok("convox rack stop");
        account.ok("convox rack start --detach");
        account.await_response(port);
        account.ok("convox rack stop");
    });
}

#[test]
fn an_app_that_logs_while_the_disk_is_full_loses_no_line_once_there_is_room() {
    as_each_user(|account| {
        let Some(disk) = SmallDisk::mount(&account.path("disk")) else { return };
        account.own(&disk.0);
        account.set_data(&disk.0.join("data"));
        account.write_manifest(
            "services:\n  count:\n    build: .\n    command: \
             sh -c 'i=0; while true; do i=$((i+1)); echo line $i.; sleep 0.01; done'\n",
        );
        account.ok("convox deploy --create --wait");
        let filling = fill(&disk, 0);
        // Each takes longer than a line of the app.
        for _ in 0..50 {
            account.ok("convox services");
        }
        fs::remove_file(&filling).unwrap();
        let now = last_number(account);
        until("lines after the disk had room", || (last_number(account) > now + 50).then_some(()));
        for line in account.ok("convox logs --no-follow -s count").lines() {
            let (_, text) = line.split_once(" line ").unwrap_or_else(|| panic!("{line:?}"));
            assert!(text.ends_with('.') && !text.contains("line"), "glued or cut: {line:?}");
        }
        account.ok("convox rack stop");
    });
}

/// The number of the last line in the log.
fn last_number(account: &Account) -> u64 {
    let last = account.ok("convox logs --no-follow -s count --tail 1");
    let number = last.trim_end().trim_end_matches('.').rsplit(' ').next().unwrap_or_default();
    number.parse().unwrap_or(0)
}
