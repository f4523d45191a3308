//! What the command tree knows about a command besides its arguments.

use std::pin::Pin;

use clap::{ArgMatches, Command};

use crate::args::{Declared, Racks, Scope, Styles, Waits};
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;

/// A command being run.
pub(crate) type Running<'a> = Pin<Box<dyn Future<Output = Result<Outcome, CommandError>> + 'a>>;

/// What a command does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Reads only: ends as soon as the reader of its output is gone.
    Read,
    /// Changes something: finishes its work even if nobody reads its output.
    Write,
    /// Serves others until it is stopped.
    Serve,
}

/// What `--json` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonForm {
    /// One document.
    Document,
    /// One line for each event.
    Events,
}

/// A command: its words, its flags by scope, its arguments and its body.
#[derive(Clone, Copy)]
pub(crate) struct CommandSpec {
    /// The words that name it, separated by blanks.
    pub(crate) path: &'static str,
    pub(crate) effect: Effect,
    /// Changes nothing at the rack, though it has work to finish.
    pub(crate) only_asks: bool,
    pub(crate) scope: Scope,
    /// The racks on which it works. Without meaning in [`Scope::Local`], unless it says otherwise.
    pub(crate) racks: Racks,
    pub(crate) styles: Styles,
    pub(crate) waits: Waits,
    pub(crate) json: JsonForm,
    /// `--id`: prints the id alone on stdout.
    pub(crate) id: bool,
    /// `--watch`: runs again every few seconds.
    pub(crate) watch: bool,
    /// `--reveal`: shows secrets on a terminal.
    pub(crate) reveal: bool,
    /// `--raw`: passes logs on unchanged, even to a terminal.
    pub(crate) raw: bool,
    /// `--app` can be repeated.
    pub(crate) many_apps: bool,
    /// Left out of help and completions.
    pub(crate) hidden: bool,
    /// Words from the positional argument of this index on belong to another program and are never
    /// rewritten.
    pub(crate) foreign_from: Option<usize>,
    /// Adds the command's own arguments.
    pub(crate) augment: fn(Command) -> Command,
    /// Reads the arguments and starts the command.
    pub(crate) start: for<'a> fn(&ArgMatches, &'a Context) -> Result<Running<'a>, clap::Error>,
}

impl CommandSpec {
    /// A command that reads something of this machine and prints one document.
    pub(super) const fn new(
        path: &'static str,
        augment: fn(Command) -> Command,
        start: for<'a> fn(&ArgMatches, &'a Context) -> Result<Running<'a>, clap::Error>,
    ) -> Self {
        Self {
            path,
            effect: Effect::Read,
            only_asks: false,
            scope: Scope::Local,
            racks: Racks::All,
            styles: Styles::One,
            waits: Waits::Never,
            json: JsonForm::Document,
            id: false,
            watch: false,
            reveal: false,
            raw: false,
            many_apps: false,
            hidden: false,
            foreign_from: None,
            augment,
            start,
        }
    }

    /// The flags that it gets from its properties.
    pub(super) fn flags(&self) -> Declared {
        let Self { scope, styles, waits, id, watch, reveal, raw, many_apps, .. } = *self;
        Declared { scope, styles, waits, id, watch, reveal, raw, many_apps }
    }

    /// Whether it starts the development rack, which only commands do that change something.
    pub(crate) fn starts_rack(&self) -> bool {
        self.effect != Effect::Read && !self.only_asks
    }

    /// On what it works, in words.
    pub(crate) fn works_on(&self) -> String {
        match (self.scope, self.racks) {
            (Scope::Local, Racks::All) => "this machine, without a rack".to_owned(),
            (Scope::Machine | Scope::MachineApp, _) => "machines".to_owned(),
            (_, racks) => racks.to_string(),
        }
    }

    /// What the first line of the help says about that.
    pub(super) fn remark(&self) -> Option<String> {
        self.racks.remark().filter(|_| !self.scope.has_machine())
    }

    /// Its words.
    pub(crate) fn words(&self) -> impl Iterator<Item = &'static str> {
        self.path.split(' ')
    }
}

/// A word that only groups commands, with its one-line description.
pub(crate) struct GroupSpec {
    pub(crate) path: &'static str,
    pub(crate) about: &'static str,
}
