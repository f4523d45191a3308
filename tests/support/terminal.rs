//! Commands in a terminal (a pty).

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

use rustix::process::Pid;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use super::process::{PYTHON, Stream, exit_code};
use super::waiting::until;

/// Makes its standard input the controlling terminal, then becomes the command in its arguments. In
/// Rust this takes unsafe code.
const ON_TERMINAL: &str = "import fcntl, os, sys, termios\n\
    os.setsid()\n\
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n\
    os.execvp(sys.argv[1], sys.argv[1:])";

/// A terminal with a command on it.
pub struct Terminal {
    keyboard: File,
    child: Child,
    output: Stream,
}

impl Terminal {
    /// Starts a command in a terminal of 80 columns.
    pub fn start(command: Command) -> Self {
        Self::start_on(command, 80)
    }

    /// Starts a command in a terminal of this width.
    pub fn start_on(command: Command, columns: u16) -> Self {
        let keyboard = File::from(open(columns));
        let name = ptsname(&keyboard, Vec::new()).unwrap().into_string().unwrap();
        let tty = OpenOptions::new().read(true).write(true).open(name).unwrap();
        let mut on_terminal = Command::new(&*PYTHON);
        on_terminal.arg("-c").arg(ON_TERMINAL).arg(command.get_program()).args(command.get_args());
        on_terminal.env_clear();
        let set = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
        on_terminal.envs(set);
        on_terminal.current_dir(command.get_current_dir().unwrap());
        on_terminal.stdin(Stdio::from(tty.try_clone().unwrap()));
        on_terminal.stdout(Stdio::from(tty.try_clone().unwrap())).stderr(Stdio::from(tty));
        let child = on_terminal.spawn().unwrap();
        // Closes this process's copies of the command's side.
        drop(on_terminal);
        let output = Stream::of(keyboard.try_clone().unwrap());
        Self { keyboard, child, output }
    }

    /// Everything that was shown so far.
    pub fn seen(&self) -> String {
        self.output.text()
    }

    /// Waits until a text was shown.
    pub fn shows(&self, text: &str) -> &Self {
        let what = format!("{text:?} on the terminal");
        until(&what, || self.seen().contains(text).then_some(()));
        self
    }

    /// Types a text.
    pub fn types(&mut self, text: &str) -> &Self {
        self.keyboard.write_all(text.as_bytes()).unwrap();
        self
    }

    /// Changes the width of the terminal, which sends SIGWINCH to the command.
    pub fn resize(&self, columns: u16) {
        tcsetwinsize(&self.keyboard, size(columns)).unwrap();
    }

    /// The process of the command.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Whether the terminal shows what is typed.
    pub fn echoes(&self) -> bool {
        tcgetattr(&self.keyboard).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    /// Waits for the end; returns the exit code and everything that was shown.
    pub fn end(mut self) -> (i32, String) {
        let status = until("the end of the command", || {
            let ended = self.child.try_wait().unwrap();
            if ended.is_none() && self.output.is_complete() {
                return Some(self.child.wait().unwrap());
            }
            ended
        });
        (exit_code(status), self.output.end())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended, unless the test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn open(columns: u16) -> OwnedFd {
    let pty = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&pty).unwrap();
    unlockpt(&pty).unwrap();
    tcsetwinsize(&pty, size(columns)).unwrap();
    pty
}

fn size(columns: u16) -> Winsize {
    Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}
