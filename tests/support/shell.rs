//! A shell that stays open between commands, so that `cd`, `export` and variables last.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};

use super::process::PROGRAM;
use super::story::Story;
use super::waiting::PATIENCE;

/// Ends the output of a command; no program prints it.
const END: u8 = 1;

/// An open shell in which `convox` is the program.
pub struct Shell {
    child: Child,
    stdin: Option<ChildStdin>,
    outputs: Receiver<String>,
}

impl Shell {
    /// Starts one in the working directory of a story.
    pub fn start(story: &Story) -> Self {
        let mut command = story.bare("/bin/sh");
        command.env("CONVOX", PROGRAM).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, outputs) = channel();
        std::thread::spawn(move || {
            let mut output = Vec::new();
            while stdout.read_until(END, &mut output).is_ok_and(|count| count > 0) {
                let text =
                    String::from_utf8_lossy(&output).trim_end_matches(char::from(END)).to_owned();
                output.clear();
                if sender.send(text).is_err() {
                    break;
                }
            }
        });
        let mut shell = Self { child, stdin, outputs };
        shell.run("exec 2>&1; convox() { \"$CONVOX\" \"$@\" </dev/null; }");
        shell
    }

    /// Runs a line, and returns what it printed on stdout and stderr, in that order.
    pub fn run(&mut self, line: &str) -> String {
        let stdin = self.stdin.as_mut().expect("an open shell");
        writeln!(stdin, "{line}\nprintf '\\001'").unwrap();
        self.outputs.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{line}: {error}"))
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let ended = self.child.wait();
        assert!(ended.is_ok() || std::thread::panicking(), "{ended:?}");
    }
}
