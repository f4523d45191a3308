//! What to do about settings that cannot be used.

use super::{CommandError, Hint, from_error};
use crate::settings::{ConfigError, ConsoleError, Listed, NoMachine, NoMatch, Remedy, TargetError};

impl From<ConfigError> for CommandError {
    fn from(error: ConfigError) -> Self {
        let hints = for_config(&error);
        from_error(error).with_hints(hints)
    }
}

impl From<ConsoleError> for CommandError {
    fn from(error: ConsoleError) -> Self {
        let hints = match &error {
            ConsoleError::Config(error) => for_config(error),
            ConsoleError::Host { .. } => vec![log_in("log in again with")],
        };
        from_error(error).with_hints(hints)
    }
}

impl From<NoMatch> for CommandError {
    fn from(error: NoMatch) -> Self {
        let list = Hint::command("list racks with", "racks");
        from_error(error).hint(list)
    }
}

impl From<NoMachine> for CommandError {
    fn from(error: NoMachine) -> Self {
        let hint = match &error {
            NoMachine::None(_) => Hint::command("list machines with", "cloud machines"),
            NoMachine::Several { candidates, .. } => {
                format!("the matching machines are {}", Listed(candidates)).into()
            }
        };
        from_error(error).hint(hint)
    }
}

impl From<TargetError> for CommandError {
    fn from(error: TargetError) -> Self {
        let hints = match &error {
            TargetError::NoCurrentRack => vec![
                log_in("log in to a console with"),
                "or set RACK_URL=https://convox:PASSWORD@HOST".into(),
                "the development rack needs no account: add -r dev".into(),
            ],
            TargetError::DevBesideUrl { source_of_name, .. } => {
                vec![format!("unset RACK_URL, or leave out {source_of_name}").into()]
            }
            TargetError::Config(error) => for_config(error),
        };
        from_error(error).with_hints(hints)
    }
}

fn log_in(lead: &str) -> Hint {
    Hint::command(lead, "login").arg("HOST")
}

fn for_config(error: &ConfigError) -> Vec<Hint> {
    let ConfigError::Invalid { remedy, .. } = error else { return Vec::new() };
    const FIX: &str = "fix the file, or delete it";
    vec![match remedy {
        Remedy::RunAgain => Hint::from(format!("{FIX} and run the command again")),
        Remedy::SelectRack => {
            Hint::command(format!("{FIX} and select a rack with"), "switch").arg("RACK")
        }
        Remedy::LogIn => log_in(&format!("{FIX} and log in with")),
        Remedy::Trust => log_in(&format!("{FIX} and log in with")).arg("--trust"),
    }]
}
