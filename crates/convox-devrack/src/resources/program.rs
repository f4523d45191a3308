//! Programs of this machine: servers, and their clients.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::place::Place;
use crate::runner::BaseEnvironment;

/// Where distributions put servers that are not on PATH.
const DIRECTORIES: [&str; 4] =
    ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"];
/// Has a directory for each version of PostgreSQL (Debian).
const POSTGRES: &str = "/usr/lib/postgresql";

/// A program under the names that it may have, and the package that has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Program {
    pub(super) names: &'static [&'static str],
    /// In Debian and Ubuntu.
    pub(super) package: &'static str,
}

impl Program {
    /// Finds the program.
    ///
    /// # Errors
    /// Returns a sentence with the package to install.
    pub(super) fn find(&self, base: &BaseEnvironment) -> Result<PathBuf, String> {
        let directories: Vec<PathBuf> =
            std::env::split_paths(&base.path).chain(base.servers.iter().cloned()).collect();
        let named = |name: &&str| {
            directories.iter().map(|dir| dir.join(name)).find(|path| is_program(path))
        };
        let found = self.names.iter().find_map(named);
        found.ok_or_else(|| {
            let name = self.names.first().copied().unwrap_or_default();
            format!("{name} is not installed on this machine; install the package {}", self.package)
        })
    }
}

fn is_program(path: &Path) -> bool {
    let found = fs::metadata(path);
    path.is_absolute()
        && found.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// Returns the directories of this system in which distributions install servers, without putting
/// them on `PATH`.
pub fn server_directories() -> Vec<PathBuf> {
    DIRECTORIES.map(PathBuf::from).into_iter().chain(postgres_directories()).collect()
}

/// The newest version first.
fn postgres_directories() -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(POSTGRES) else { return Vec::new() };
    let mut versions: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
        .collect();
    versions.sort_unstable_by(|one, other| other.cmp(one));
    versions.into_iter().map(|(_, path)| path.join("bin")).collect()
}

/// A program to run beside a server, as the user of the rack.
pub(super) struct Client {
    program: Program,
    pub(super) arguments: Vec<String>,
    pub(super) variables: Vec<(&'static str, String)>,
}

impl Client {
    pub(super) fn new<'a>(program: Program, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        let arguments = arguments.into_iter().map(str::to_owned).collect();
        Self { program, arguments, variables: Vec::new() }
    }

    /// Sets a variable. Passwords go here: all users can see the arguments of a program.
    pub(super) fn env(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    /// Finds the program.
    ///
    /// # Errors
    /// Returns a sentence with the package to install.
    pub(super) fn path(&self, place: &Place) -> Result<PathBuf, String> {
        self.program.find(&place.base)
    }

    /// Returns the command to run.
    ///
    /// # Errors
    /// Returns a sentence with the package to install.
    pub(super) fn command(&self, place: &Place) -> Result<Command, String> {
        let mut command = bare(&self.path(place)?, &place.base);
        command
            .args(&self.arguments)
            .envs(self.variables.iter().map(|(name, value)| (*name, value)));
        command.current_dir(&place.directory);
        Ok(command)
    }
}

/// Returns a command with the variables that every process of the rack has.
pub(super) fn bare(program: impl AsRef<OsStr>, base: &BaseEnvironment) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(base.variables()).kill_on_drop(true);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_installed_is_named_with_its_package() {
        let missing = Program { names: &["no-such-program", "nor-this"], package: "some-package" };
        let error = missing.find(&BaseEnvironment::default()).unwrap_err();
        assert_eq!(
            error,
            "no-such-program is not installed on this machine; install the package some-package"
        );
        let shell = Program { names: &["no-such-program", "sh"], package: "dash" };
        let base = BaseEnvironment { path: "/bin:/usr/bin".into(), ..BaseEnvironment::default() };
        assert_eq!(shell.find(&base).unwrap().file_name(), Some(OsStr::new("sh")));
    }
}
