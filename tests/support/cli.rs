//! The program with small time limits, for tests in which something goes wrong on the way.

use std::path::Path;
use std::process::{Command, Stdio};

use super::output::Output;
use super::process::{PROGRAM, Running, command, path};
use super::terminal::Terminal;

/// Each about a twentieth of its default.
pub(crate) const LIMITS: [(&str, &str); 11] = [
    ("CONVOX_CONNECT_TIMEOUT", "3s"),
    ("CONVOX_READ_TIMEOUT", "3s"),
    ("CONVOX_CHANGE_TIMEOUT", "4s"),
    ("CONVOX_STALL_TIMEOUT", "3s"),
    ("CONVOX_PING_INTERVAL", "300ms"),
    ("CONVOX_SOCKET_TIMEOUT", "5s"),
    ("CONVOX_LOOK_TIME", "600ms"),
    ("CONVOX_FIRST_CONTACT_TIME", "4s"),
    ("CONVOX_RETRY", "20"),
    ("CONVOX_LOG_GRACE", "1s"),
    ("CONVOX_POLL_INTERVAL", "40ms"),
];

/// A command line that has not been started.
pub(crate) struct Cli {
    line: String,
    command: Command,
}

impl Cli {
    /// With these arguments, in this home directory.
    pub(crate) fn new(args: &[&str], home: &Path) -> Self {
        Self::of(command(PROGRAM), args, home)
    }

    /// The same with no room for large files, as on a disk that is full.
    pub(crate) fn on_full_disk(args: &[&str], home: &Path) -> Self {
        let mut shell = command("/bin/sh");
        // Files have at most 64 blocks, of 512 bytes or 1 KiB.
        let script = "trap '' XFSZ; ulimit -f 64; exec \"$@\"";
        shell.args(["-c", script, "sh", PROGRAM]);
        Self::of(shell, args, home)
    }

    fn of(mut command: Command, args: &[&str], home: &Path) -> Self {
        command.args(args).envs(LIMITS).current_dir(home).stdin(Stdio::null());
        command.env("PATH", path()).env("HOME", home).env("TEST", "true");
        Self { line: format!("convox {}", args.join(" ")), command }
    }

    /// With an environment variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// With the rack at this address.
    pub(crate) fn at(self, address: impl std::fmt::Display, password: &str) -> Self {
        self.env("RACK_URL", &format!("http://convox:{password}@{address}"))
    }

    pub(crate) fn start(self) -> Running {
        Running::start(&self.line, self.command)
    }

    pub(crate) fn on_terminal(self) -> Terminal {
        Terminal::start(self.env("TERM", "xterm").command)
    }

    pub(crate) async fn run(self) -> Output {
        self.start().ended().await
    }
}
