//! The `convox` program: collects what a run touches, and exits with its code.

use std::process::ExitCode;
use std::sync::Arc;

use convox::{Clock, Invocation, run};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[allow(clippy::disallowed_methods)] // the only place that reads the environment
fn main() -> ExitCode {
    disable_core_files();
    ExitCode::from(run(Invocation {
        args: std::env::args_os().collect(),
        environment: Arc::new(|name| std::env::var_os(name)),
        directory: std::env::current_dir(),
        program: std::env::current_exe(),
        clock: Clock::system(),
        stdio: None,
    }))
}

/// A core file would hold the passwords that are in memory.
fn disable_core_files() {
    let limit = Rlimit { current: Some(0), ..getrlimit(Resource::Core) };
    // Lowering a limit is always allowed.
    setrlimit(Resource::Core, limit).unwrap_or_default();
}
