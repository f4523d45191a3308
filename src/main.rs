//! The `convox` program: collects what a run touches, and exits with its code.

use std::process::ExitCode;
use std::sync::Arc;

use convox::output::stdio::Stdio;
use convox::{Clock, Invocation, run};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[allow(clippy::disallowed_methods)] // the only place that reads the environment
fn main() -> ExitCode {
    disable_core_files();
    report_missing_threads();
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

/// The runtime panics if the system gives it no thread. That is a limit of the user or the system,
/// and so an error like any other.
fn report_missing_threads() {
    let others = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let text = panic.payload().downcast_ref::<String>();
        match text.and_then(|text| text.strip_prefix("OS can't spawn worker thread: ")) {
            Some(reason) => fail_without_thread(reason),
            None => others(panic),
        }
    }));
}

#[allow(clippy::disallowed_methods, clippy::exit)] // a panic hook has no other way to choose the exit code
fn fail_without_thread(reason: &str) -> ! {
    if let Ok(mut stdio) = Stdio::system(None, true) {
        // There is nobody to tell if that fails.
        let _ = stdio.error(&format!("no thread can be started: {reason}"));
        let _ = stdio
            .error_line("HINT: raise the limit of processes (ulimit -u), or end some of your own");
    }
    std::process::exit(1)
}
