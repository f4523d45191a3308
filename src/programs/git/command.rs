//! Running git without what the environment or the repository's configuration would add to it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;

/// Variables that tie git to a repository, as in a hook, where they would win over the directory
/// (`git rev-parse --local-env-vars`).
pub(super) const LOCAL_VARIABLES: [&str; 16] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// Configuration that overrides what a repository may name as programs to run. Filters have names
/// of their own; see [`Git::filters`].
const NO_PROGRAMS: [&str; 5] = [
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "diff.external=",
    "log.showSignature=false",
    "protocol.allow=never", // a partial clone would fetch missing objects
];

/// git in a directory, until a deadline.
pub(super) struct Git<'a> {
    dir: &'a Path,
    pub(super) deadline: Instant,
}

impl<'a> Git<'a> {
    pub(super) fn new(dir: &'a Path, deadline: Instant) -> Self {
        Self { dir, deadline }
    }

    /// Returns git's output, whatever its exit status; `None` if it does not run or takes too long.
    pub(super) fn output(&self, arguments: &[&str]) -> Option<Output> {
        self.run(self.command().args(arguments))
    }

    /// Returns the root of the working tree, without symlinks.
    pub(super) fn top_level(&self) -> Option<PathBuf> {
        let output = self.output(&["rev-parse", "--show-toplevel"])?;
        let path = output.stdout.strip_suffix(b"\n").filter(|_| output.status.success())?;
        path_from(path).canonicalize().ok()
    }

    /// Returns whether a tracked file differs from HEAD, staged or not. The contents of submodules
    /// are not compared.
    pub(super) fn has_changes(&self) -> Option<bool> {
        let mut command = self.command();
        for filter in self.filters()? {
            for setting in ["clean=", "process=", "required=false"] {
                command.args(["-c", &format!("{filter}.{setting}")]);
            }
        }
        let flags = ["--quiet", "--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty"];
        let output = self.run(command.arg("diff").args(flags).args(["HEAD", "--"]))?;
        match output.status.code() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        }
    }

    /// Returns the paths in a `.gitmodules` file.
    pub(super) fn submodule_paths(&self, file: &Path) -> Option<Vec<PathBuf>> {
        let mut command = self.command();
        command.args(["config", "-z", "--file"]).arg(file);
        let output = self.run(command.args(["--get-regexp", r"^submodule\..*\.path$"]))?;
        let entries = items(&output)?;
        Some(entries.iter().filter_map(|entry| Some(entry.split_once('\n')?.1.into())).collect())
    }

    /// Returns the filters (`filter.NAME`) that the repository itself configures, other than the
    /// user or the system. `None` if that cannot be found out, or if one cannot be switched off.
    fn filters(&self) -> Option<Vec<String>> {
        let list = ["config", "-z", "--includes", "--show-scope", "--name-only"];
        let output = self.output(&[&list[..], &["--get-regexp", r"^filter\."]].concat())?;
        let items = items(&output)?;
        let mut filters = Vec::new();
        for entry in items.chunks(2) {
            let [scope, key] = entry else { return None };
            if matches!(scope.as_str(), "system" | "global" | "command") {
                continue;
            }
            let (filter, _) = key.rsplit_once('.')?;
            if filter.contains(['=', '\n', '\u{fffd}']) {
                return None; // -c could not name it
            }
            filters.push(filter.to_owned());
        }
        filters.sort();
        filters.dedup();
        Some(filters)
    }

    /// Returns git with arguments that hold for all commands.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new("git");
        command.current_dir(self.dir);
        for variable in LOCAL_VARIABLES {
            command.env_remove(variable);
        }
        command
            .env("GIT_OPTIONAL_LOCKS", "0") // the index is not written
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("LC_ALL", "C"); // for the texts of errors
        for setting in NO_PROGRAMS {
            command.args(["-c", setting]);
        }
        command
    }

    fn run(&self, command: &mut Command) -> Option<Output> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        super::super::output(command, left).ok()
    }
}

/// Returns the NUL-terminated items that `git config` printed; none if nothing matched.
fn items(output: &Output) -> Option<Vec<String>> {
    match output.status.code() {
        Some(0) => {}
        Some(1) => return Some(Vec::new()),
        _ => return None,
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Some(text.split_terminator('\0').map(str::to_owned).collect())
}

fn path_from(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}
