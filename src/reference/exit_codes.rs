//! The page of exit codes.

use super::markdown::table;
use crate::outcome::Exit;
use crate::signals::EndSignal;

const ALL: &[Exit] = &[
    Exit::Done,
    Exit::Failed,
    Exit::Usage,
    Exit::TimedOut,
    Exit::Signal(EndSignal::HangUp),
    Exit::Signal(EndSignal::Interrupt),
    Exit::Signal(EndSignal::Terminate),
];

fn meaning(exit: Exit) -> &'static str {
    match exit {
        Exit::Done => "The command succeeded.",
        Exit::Failed => "The command failed.",
        Exit::Usage => "The command line or an environment variable is invalid.",
        Exit::TimedOut => "A wait timed out. The rack continues.",
        Exit::Remote(_) => "The exit code of the remote command.",
        Exit::Signal(EndSignal::HangUp) => "HUP ended the command: its terminal is gone.",
        Exit::Signal(EndSignal::Interrupt) => "INT ended the command, as Ctrl-C sends it.",
        Exit::Signal(EndSignal::Terminate) => "TERM ended the command.",
    }
}

const NOTES: &str = "\
Errors are printed on stderr: a line `ERROR: what failed: why`, followed by a line `HINT: …` for \
each piece of advice. If a rack refused a request, the message begins with the rack's own words.

If the reader of stdout goes away, as in `convox releases | head -1`, a command that only reads \
exits with 0. A command that changes something continues without output.

`convox exec` and `convox run` exit with the code of the remote command. If it is not known, \
because the connection broke or the rack refused the command, they exit with 1 and an error.

If a signal ends a command while a build or a promote is in progress, the error says that it \
continues on the rack, and a hint names the command that shows it. A signal that was ignored when \
the program started, as HUP is with `nohup`, stays ignored.
";

pub(super) fn body() -> String {
    let rows = ALL.iter().map(|exit| [exit.code().to_string(), meaning(*exit).to_owned()]);
    format!("{}\n{NOTES}", table(["code", "meaning"], rows))
}
