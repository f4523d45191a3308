//! What differs between the servers that a resource can be.

mod memcached;
mod mysql;
mod postgres;
mod redis;

use std::io;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use tokio::process::Command;

use super::place::Place;
use super::program::{Client, Program, bare};
use crate::manifest::Engine;

/// A kind of server.
pub(super) trait Driver: Sync {
    /// The name in directories.
    fn name(&self) -> &'static str;

    /// The program of the server.
    fn server(&self) -> Program;

    /// Whether the server refuses to run as root.
    fn refuses_root(&self) -> bool {
        false
    }

    /// The steps that fill a new data directory.
    fn initialize(&self, _place: &Place, _server: &Path, _data: &Path) -> io::Result<Vec<Step>> {
        Ok(Vec::new())
    }

    /// The command that serves.
    fn serve(&self, place: &Place, server: &Path) -> io::Result<Command>;

    /// What stops the server although clients are connected.
    fn stop_signal(&self) -> Signal {
        Signal::TERM
    }

    /// A command that prints `ready` once the server answers; `None` if it does as soon as it
    /// accepts connections.
    fn probe(&self, _place: &Place) -> Option<Client> {
        None
    }

    /// The URL for services.
    fn url(&self, place: &Place) -> String;

    /// The interactive client.
    fn console(&self, _place: &Place) -> Option<Client> {
        None
    }

    /// The command that prints a dump.
    fn export(&self, _place: &Place) -> Option<Client> {
        None
    }

    /// How a dump is loaded.
    fn import(&self, _place: &Place) -> Option<Import> {
        None
    }
}

/// How a dump is loaded.
pub(super) enum Import {
    /// A command reads it. A dump that begins like those of `marks`, but does not end like them, is
    /// refused: it was cut.
    Client { client: Client, marks: Marks },
    /// It replaces this file in the data directory, while the server is stopped. A file that does
    /// not begin with these bytes is refused.
    File { name: &'static str, begins: &'static [u8] },
}

/// Lines near the beginning and the end of a complete dump. Texts that were written by other
/// programs have neither.
pub(super) struct Marks {
    pub(super) begin: &'static str,
    pub(super) end: &'static str,
}

/// A step in the preparation of a data directory: a command, and what it reads.
pub(super) struct Step {
    pub(super) command: Command,
    pub(super) input: String,
}

/// Returns what is specific to a server.
pub(super) fn driver(engine: Engine) -> &'static dyn Driver {
    match engine {
        Engine::MariaDb => &mysql::MySql { prefers_mariadb: true },
        Engine::Memcached => &memcached::Memcached,
        Engine::MySql => &mysql::MySql { prefers_mariadb: false },
        Engine::Postgres => &postgres::Postgres,
        Engine::Redis => &redis::Redis,
    }
}

/// Finds the server.
///
/// # Errors
/// Returns a sentence with the package to install.
pub(super) fn find(place: &Place) -> Result<PathBuf, String> {
    driver(place.engine).server().find(&place.base)
}

/// Returns the command of a server, or of a program that prepares its data.
fn program(place: &Place, program: &Path) -> Command {
    let mut command = bare(program, &place.base);
    if let Some(account) = place.account {
        account.applies_to(&mut command);
    }
    command
}
