//! What to do about a failure of the development rack.

use super::{CommandError, Hint, from_error};
use convox_devrack::daemon::DaemonError;
use convox_devrack::{RackError, StoreError};

impl From<DaemonError> for CommandError {
    fn from(error: DaemonError) -> Self {
        let hints = hints_for(&error);
        from_error(error).with_hints(hints)
    }
}

fn hints_for(error: &DaemonError) -> Vec<Hint> {
    match error {
        DaemonError::AlreadyRunning(_) => running_elsewhere(),
        DaemonError::File(..) => vec![Hint::from("set CONVOX_DATA to use another directory")],
        DaemonError::Unreadable(..) => vec![Hint::from("if no rack is running, remove the file")],
        DaemonError::Rack(RackError::Store(error)) => for_database(error),
        DaemonError::Failed { advice, .. } => advice.iter().cloned().map(Hint::from).collect(),
        _ => Vec::new(),
    }
}

fn for_database(error: &StoreError) -> Vec<Hint> {
    match error {
        StoreError::InUse(_) => running_elsewhere(),
        StoreError::Schema { .. } => {
            vec![Hint::from(
                "use the program that wrote it, or set CONVOX_DATA to another directory",
            )]
        }
        StoreError::Damaged(..) => vec![
            Hint::command("keep what can be read, and the damaged file, with", "rack start")
                .arg("--detach")
                .arg("--recover"),
        ],
        _ => Vec::new(),
    }
}

fn running_elsewhere() -> Vec<Hint> {
    vec![Hint::command("show it with", "rack status"), Hint::command("stop it with", "rack stop")]
}
