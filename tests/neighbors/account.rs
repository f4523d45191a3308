//! A user with a rack of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;

use super::support::{Story, get, is_root, until};

/// `nobody` on most systems.
pub(crate) const NOBODY: u32 = 65_534;

/// A user with a home, a working directory with the guide's example, and a data directory.
pub(crate) struct Account {
    story: Story,
    user: Option<u32>,
}

/// Another user than those of the tests.
pub(crate) const STRANGER: u32 = NOBODY - 1;

/// Runs a test as the user of the tests, and as an ordinary one if that is root.
pub(crate) fn as_each_user(test: impl Fn(&mut Account)) {
    test(&mut Account::new(None));
    if is_root() {
        let mut ordinary = Account::new(Some(NOBODY));
        if ordinary.can_run() {
            test(&mut ordinary);
        } else {
            eprintln!("skipped for an ordinary user, who can't run the program where it is built");
        }
    }
}

impl Account {
    pub(crate) fn new(user: Option<u32>) -> Self {
        let mut story = Story::alone("web");
        let data = story.path("data");
        story.set("CONVOX_RACK", "dev").set("CONVOX_DATA", data.as_os_str());
        story.set("CONVOX_RETRY", "5");
        let account = Self { story, user };
        account.own(&account.story.path(""));
        account
    }

    pub(crate) fn can_run(&self) -> bool {
        self.command("convox version").output().is_ok_and(|output| output.status.success())
    }

    pub(crate) fn is_root(&self) -> bool {
        self.user.is_none() && is_root()
    }

    /// Gives everything below a directory to the user.
    pub(crate) fn own(&self, path: &Path) {
        let Some(user) = self.user else { return };
        std::os::unix::fs::lchown(path, Some(user), Some(user)).unwrap();
        if path.is_dir() && !path.is_symlink() {
            for entry in fs::read_dir(path).unwrap() {
                self.own(&entry.unwrap().path());
            }
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.story.path(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// Makes a data directory that belongs to the user.
    pub(crate) fn create_data(&self) -> PathBuf {
        fs::create_dir(self.data()).unwrap();
        fs::set_permissions(self.data(), fs::Permissions::from_mode(0o700)).unwrap();
        self.own(&self.data());
        self.data()
    }

    pub(crate) fn set_data(&mut self, path: &Path) {
        self.story.set("CONVOX_DATA", path.as_os_str());
    }

    /// Replaces the manifest of the example.
    pub(crate) fn write_manifest(&self, text: &str) {
        self.story.write("convox.yml", text);
    }

    /// A command of the user.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = self.story.command(line);
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
    }

    /// The same through a line of shell, in which `"$@"` is the command.
    pub(crate) fn command_in_shell(&self, shell: &str, line: &str) -> Command {
        let inner = self.command(line);
        let mut command = Command::new("/bin/sh");
        command.args(["-c", shell, "sh"]).arg(inner.get_program()).args(inner.get_args());
        command.env_clear();
        command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(inner.get_current_dir().unwrap()).stdin(Stdio::null());
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
    }

    pub(crate) fn start(&self, line: &str) -> Child {
        self.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs a command, which must not panic.
    pub(crate) fn run(&self, line: &str) -> Output {
        let output = self.command(line).output().unwrap();
        assert!(!stderr(&output).contains("panicked"), "{line}: {}", stderr(&output));
        output
    }

    /// Runs a command that has to succeed.
    pub(crate) fn ok(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that has to fail with an error that contains a text.
    pub(crate) fn fails(&self, line: &str, expected: &str) {
        let output = self.run(line);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{line}: {text}");
        assert!(text.contains("ERROR: ") && text.contains(expected), "{line}: {text}");
    }

    /// Kills the rack, and waits for its end.
    pub(crate) fn kill_rack(&self) {
        let status: Value = serde_json::from_str(&self.ok("convox rack status --json")).unwrap();
        let pid = i32::try_from(status["pid"].as_i64().expect("a rack")).unwrap();
        let rack = Pid::from_raw(pid).unwrap();
        kill_process(rack, Signal::KILL).unwrap();
        until("the end of the rack", || test_kill_process(rack).is_err().then_some(()));
    }

    pub(crate) fn list(&self, line: &str) -> Vec<Value> {
        let value: Value = serde_json::from_str(&self.ok(&format!("{line} --json"))).unwrap();
        value.as_array().unwrap().clone()
    }

    /// Deploys the example, and returns the port of its service.
    pub(crate) fn deploy(&self) -> u16 {
        self.ok("convox deploy --create --wait");
        let services = self.list("convox services");
        let domain = services[0]["domain"].as_str().unwrap();
        domain.rsplit_once(':').unwrap().1.parse().unwrap()
    }

    /// Waits until the example responds.
    pub(crate) fn await_response(&self, port: u16) {
        until("a response of the service", || {
            get(port, "/").ok().filter(|text| text == "Hello World!\n")
        });
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let stopped = self.command("convox rack stop").output().unwrap();
        assert!(stopped.status.success() || std::thread::panicking(), "{}", stderr(&stopped));
    }
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
