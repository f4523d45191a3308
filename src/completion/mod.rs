//! What the completion scripts of shells ask for while a line is typed: names that a rack has.
//!
//! The scripts call `convox complete SHELL INDEX -- WORDS…`, where INDEX is that of the word at the
//! cursor. If that word names something of a rack, the output is the kind, such as `releases`, and a
//! line for each name, with a tab and a description in shells that show them. For all other words it
//! is empty, and the script answers by itself. Nothing is printed on stderr and the exit code is 0,
//! whatever happens: a message would end up in the line that is being typed.

mod live;
mod shell;

use std::ffi::OsString;
use std::time::Duration;

use crate::cli::{self, Wanted};
use crate::settings::{Name, Settings};
use convox_devrack::clock::Clock;
use shell::Shell;

/// The word that scripts call.
const WORD: &str = "complete";

/// How long a shell waits at most. What is left of 150 ms is for starting the program and for
/// reading the cache.
const PROMPT: Duration = Duration::from_millis(120);

/// How long the cache is filled in the background.
const BACKGROUND: Duration = Duration::from_secs(5);

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asker {
    Shell(Shell),
    /// A process in the background that only fills the cache.
    Background,
}

/// A request for names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    asker: Asker,
    words: Vec<String>,
    cursor: usize,
    /// The word at the cursor, as it is typed, with quotes.
    raw: String,
}

impl Request {
    /// Reads the arguments of the program; `None` if they are none of a script.
    pub(crate) fn read(args: &[OsString]) -> Option<Self> {
        let args: Vec<&str> = args.iter().skip(1).map_while(|arg| arg.to_str()).collect();
        let (&[WORD, asker, cursor, "--"], words) = args.split_first_chunk()? else { return None };
        let asker = match asker {
            "background" => Asker::Background,
            shell => Asker::Shell(Shell::named(shell)?),
        };
        let mut cursor = cursor.parse().ok()?;
        let mut words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        if asker == Asker::Shell(Shell::Bash) {
            (words, cursor) = shell::joined(words, cursor);
        }
        let raw = words.get(cursor).cloned().unwrap_or_default();
        let words = words.iter().map(|word| shell::unquoted(word)).collect();
        Some(Self { asker, words, cursor, raw })
    }

    /// The arguments of a process that fills the cache for this request.
    fn in_background(&self) -> Vec<String> {
        let own = [WORD, "background", &self.cursor.to_string(), "--"].map(str::to_owned);
        let words = self.words.iter().map(|word| shell_words::quote(word).into_owned());
        own.into_iter().chain(words).collect()
    }
}

/// Returns the answer to a request.
pub(crate) fn answer(request: &Request, settings: Settings, clock: Clock) -> String {
    let Some(wanted) = cli::wanted(&request.words, request.cursor) else { return String::new() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return String::new() };
    let names = runtime.block_on(live::names(request, &wanted, settings, clock));
    // Looking up a host's address may take longer than anybody waits.
    runtime.shutdown_background();
    match request.asker {
        Asker::Shell(shell) => draw(shell, request, &wanted, names),
        Asker::Background => String::new(),
    }
}

/// The lines of an answer.
fn draw(shell: Shell, request: &Request, wanted: &Wanted, names: Vec<Name>) -> String {
    let commands = wanted.commands.iter();
    let commands = commands.map(|(name, about)| Name { name: name.clone(), about: about.clone() });
    // A name with a control character can't be typed.
    let all = names.into_iter().chain(commands).filter(|one| !one.name.contains(char::is_control));
    let lines = all.filter_map(|name| shell.line(&name, &wanted.typed, &request.raw));
    let mut answer = format!("{}\n", wanted.kind.name());
    lines.for_each(|line| answer.extend([line.as_str(), "\n"]));
    answer
}
