//! Machines: which one a name means, and the file `machines`, which 3.x clients share.
//!
//! The file is the list of one console, and does not say of which: that of the last login. A
//! damaged or missing file reads as no list.

use chrono::{DateTime, Utc};

use super::Settings;
use super::config_dir::{ConfigDir, ConfigError, ConfigWriter, FileSpec, Layout, Remedy};
use convox_client::rack::Machine;

const FILE: &str = "machines";

/// The list of a console's machines, as it was when last read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedMachines {
    /// When the list was read.
    pub read_at: DateTime<Utc>,
    /// The machines, as the console listed them.
    pub machines: Vec<Machine>,
}

/// Why a name matches no machine. The texts are those of 3.x clients.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoMachine {
    /// No machine has a name that contains it.
    #[error("no machine found matching '{0}'")]
    None(String),
    /// Several machines have a name that contains it, or each of several is called so.
    #[error(
        "multiple machines match for '{name}', please be more specific (e.g. \
         <org-name>/<machine-name>)"
    )]
    Several {
        /// The requested name.
        name: String,
        /// The full names of the matching machines.
        candidates: Vec<String>,
    },
}

/// Returns the machine that `name` stands for, wherever it is in the list: the one with this
/// `organization/name`, else the only one with this name, else the only one whose
/// `organization/name` contains it.
///
/// # Errors
/// No machine matches, or several do.
pub fn match_machine<'a>(name: &str, machines: &'a [Machine]) -> Result<&'a Machine, NoMachine> {
    let grades: [&dyn Fn(&Machine) -> bool; 3] =
        [&|machine| machine.full_name() == name, &|machine| machine.name == name, &|machine| {
            machine.full_name().contains(name)
        }];
    for matches in grades {
        let found: Vec<&Machine> = machines.iter().filter(|machine| matches(machine)).collect();
        match found.as_slice() {
            [] => {}
            [machine] => return Ok(machine),
            several => {
                let candidates = several.iter().map(|machine| machine.full_name()).collect();
                return Err(NoMachine::Several { name: name.to_owned(), candidates });
            }
        }
    }
    Err(NoMachine::None(name.to_owned()))
}

impl Settings {
    /// Returns whether the file `machines` is about the console that is used: CONVOX_HOST may name
    /// another than that of the last login.
    ///
    /// # Errors
    /// A settings file can't be read.
    pub fn caches_machines(&self) -> Result<bool, ConfigError> {
        let of_login = self.config.console_host()?;
        Ok(of_login.is_none() || of_login == self.console_host()?)
    }
}

impl ConfigDir {
    /// Returns the cached list.
    pub fn machines(&self) -> Option<CachedMachines> {
        const SPEC: FileSpec =
            FileSpec { expected: "a list of machines", remedy: Remedy::RunAgain };
        let machines = self.json(FILE, SPEC).ok()??;
        let read_at = self.path(FILE)?.metadata().ok()?.modified().ok()?;
        Some(CachedMachines { read_at: read_at.into(), machines })
    }
}

impl ConfigWriter<'_> {
    /// Caches the list.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn store_machines(&self, machines: &[Machine]) -> Result<(), ConfigError> {
        self.write_json(FILE, &machines, Layout::Compact)
    }

    /// Forgets the list, which is another console's.
    ///
    /// # Errors
    /// The file can't be removed.
    pub(super) fn forget_machines(&self) -> Result<(), ConfigError> {
        self.remove(FILE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machines(names: &[&str]) -> Vec<Machine> {
        let document = |(index, full_name): (usize, &&str)| {
            let (organization, name) = full_name.split_once('/').unwrap();
            serde_json::json!({
                "ID": format!("m-{index}"), "Name": name, "organization_info": {"name": organization},
            })
        };
        let documents = names.iter().enumerate().map(document).collect();
        serde_json::from_value(serde_json::Value::Array(documents)).unwrap()
    }

    #[test]
    fn the_most_exact_match_wins_wherever_it_is_in_the_list() {
        let all = machines(&["acme/prod-eu", "acme/prod", "beta/web", "beta/web-2", "web/beta"]);
        for (name, expected) in [
            ("prod", "acme/prod"),
            ("acme/prod", "acme/prod"),
            ("prod-", "acme/prod-eu"),
            ("eu", "acme/prod-eu"),
            ("beta/web", "beta/web"),
            ("web", "beta/web"),
            ("beta", "web/beta"),
        ] {
            assert_eq!(match_machine(name, &all).unwrap().full_name(), expected, "{name}");
        }
    }

    #[test]
    fn several_matches_and_none_are_errors() {
        let all = machines(&["acme/prod", "acme/production", "beta/prod"]);
        for (name, expected) in [
            ("prod", vec!["acme/prod", "beta/prod"]),
            ("acme/", vec!["acme/prod", "acme/production"]),
        ] {
            match match_machine(name, &all).unwrap_err() {
                NoMachine::Several { candidates, .. } => assert_eq!(candidates, expected),
                error @ NoMachine::None(_) => panic!("{error}"),
            }
        }
        // Case matters, as with racks.
        for name in ["Prod", "acme/prodx", "staging"] {
            assert_eq!(match_machine(name, &all), Err(NoMachine::None(name.to_owned())));
        }
    }

    #[test]
    fn a_damaged_list_reads_as_none_and_is_replaced() {
        let home = tempfile::tempdir().unwrap();
        let config = ConfigDir::new(Some(home.path().to_owned()));
        assert_eq!(config.machines(), None);
        config.writer().write_text(FILE, "{\"a\":1}").unwrap();
        assert_eq!(config.machines(), None);
        let machines = machines(&["acme/prod"]);
        config.writer().store_machines(&machines).unwrap();
        assert_eq!(config.machines().unwrap().machines, machines);
        config.writer().store_console_host("one.test").unwrap();
        assert!(config.machines().is_some(), "the first login may be to the same console");
        config.writer().store_console_host("one.test").unwrap();
        assert!(config.machines().is_some());
        config.writer().store_console_host("two.test").unwrap();
        assert_eq!(config.machines(), None);
    }
}
