//! The `convox` program: collects what a run touches, and leaves with its exit code.

use std::process::ExitCode;

use convox::{Clock, Invocation, run};

#[allow(clippy::disallowed_methods)] // here alone the environment is read
fn main() -> ExitCode {
    ExitCode::from(run(Invocation {
        args: std::env::args_os().collect(),
        environment: Box::new(|name| std::env::var_os(name)),
        folder: std::env::current_dir(),
        program: std::env::current_exe(),
        clock: Clock::system(),
        stdio: None,
    }))
}
