//! A command on a terminal of its own.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rustix::process::Pid;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use super::waiting::until;

/// A process cannot be given a controlling terminal without code that Rust calls unsafe.
const ON_TERMINAL: &str = "import fcntl, os, sys, termios\n\
    os.setsid()\n\
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n\
    os.execvp(sys.argv[1], sys.argv[1:])";

/// A terminal with a command on it.
pub struct Terminal {
    keyboard: File,
    child: Child,
    seen: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Terminal {
    /// Starts a command on a terminal of 80 columns.
    pub fn start(command: Command) -> Self {
        Self::start_on(command, 80)
    }

    /// Starts a command on a terminal of so many columns.
    pub fn start_on(command: Command, columns: u16) -> Self {
        let keyboard = File::from(open(columns));
        let name = ptsname(&keyboard, Vec::new()).unwrap().into_string().unwrap();
        let line = OpenOptions::new().read(true).write(true).open(name).unwrap();
        let mut on_terminal = Command::new("python3");
        on_terminal.arg("-c").arg(ON_TERMINAL).arg(command.get_program()).args(command.get_args());
        on_terminal.env_clear();
        let set = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
        on_terminal.envs(set);
        on_terminal.current_dir(command.get_current_dir().unwrap());
        on_terminal.stdin(Stdio::from(line.try_clone().unwrap()));
        on_terminal.stdout(Stdio::from(line.try_clone().unwrap())).stderr(Stdio::from(line));
        let child = on_terminal.spawn().unwrap();
        drop(on_terminal); // and with it our copies of the line
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (mut from, to) = (keyboard.try_clone().unwrap(), Arc::clone(&seen));
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The line's end is an error on Linux, and nothing more to read elsewhere.
            while let Ok(count @ 1..) = from.read(&mut bytes) {
                to.lock().unwrap_or_else(PoisonError::into_inner).extend(&bytes[..count]);
            }
        });
        Self { keyboard, child, seen, reader: Some(reader) }
    }

    /// Every byte so far.
    pub fn seen(&self) -> String {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&seen).into_owned()
    }

    /// Waits until a text was shown.
    pub fn shows(&self, text: &str) -> &Self {
        let what = format!("{text:?} on the terminal");
        until(&what, || self.seen().contains(text).then_some(()));
        self
    }

    /// Types, once the text before it was shown.
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

    /// Does the terminal show what is typed?
    pub fn echoes(&self) -> bool {
        tcgetattr(&self.keyboard).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    /// Waits for the end; gives the exit code and every byte that was shown.
    pub fn end(mut self) -> (i32, String) {
        let status = until("the end of the command", || {
            let ended = self.child.try_wait().unwrap();
            if ended.is_none() && self.reader.as_ref().is_some_and(JoinHandle::is_finished) {
                return Some(self.child.wait().unwrap());
            }
            ended
        });
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        (status.code().unwrap_or(-1), self.seen())
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
