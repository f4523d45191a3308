//! The current rack, as selected by `switch`: the file `current`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::config_dir::{ConfigDir, ConfigError, ConfigWriter, FileSpec, Layout, Remedy};

/// The current rack, as 3.x clients write it: `{"name":"acme/north","type":"console"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrentRack {
    /// The rack's full name.
    #[serde(default)]
    pub name: String,
    /// Where the rack is configured.
    #[serde(default, rename = "type")]
    pub kind: RackKind,
}

/// Where a rack is configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum RackKind {
    /// At a console.
    Console,
    /// In a directory `racks/NAME` that contains `main.tf`.
    Terraform,
    /// By its address, in a file `racks/NAME`. 3.x clients read these but never write them.
    Direct,
    /// The built-in development rack. Unknown to other clients.
    Dev,
    /// A kind written by a newer client.
    Other(String),
}

const CURRENT: FileSpec = FileSpec {
    expected: "a JSON object with the name and type of a rack",
    remedy: Remedy::SelectRack,
};

impl ConfigDir {
    /// Returns the current rack; `None` if none is selected or an older client stored an entry
    /// without a name.
    ///
    /// # Errors
    /// The file can't be read or is invalid.
    pub fn current(&self) -> Result<Option<CurrentRack>, ConfigError> {
        let current: Option<CurrentRack> = self.json("current", CURRENT)?;
        Ok(current.filter(|current| !current.name.is_empty()))
    }

    /// Returns the rack selected by an older client: the file `rack`, which is still honored.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn legacy_rack(&self) -> Result<Option<String>, ConfigError> {
        self.text("rack")
    }
}

impl ConfigWriter<'_> {
    /// Selects a rack.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn store_current(&self, current: &CurrentRack) -> Result<(), ConfigError> {
        self.write_json("current", current, Layout::Compact)
    }

    /// Clears the selection, for example when the rack no longer exists.
    ///
    /// # Errors
    /// The file can't be removed.
    pub fn forget_current(&self) -> Result<(), ConfigError> {
        self.remove("current")
    }

    /// Clears an older client's selection, as `login` and `switch` do.
    ///
    /// # Errors
    /// The file can't be removed.
    pub fn forget_legacy_rack(&self) -> Result<(), ConfigError> {
        self.remove("rack")
    }
}

impl Default for RackKind {
    fn default() -> Self {
        Self::Other(String::new())
    }
}

impl From<String> for RackKind {
    fn from(word: String) -> Self {
        match word.as_str() {
            "console" => Self::Console,
            "terraform" => Self::Terraform,
            "direct" => Self::Direct,
            "dev" => Self::Dev,
            _ => Self::Other(word),
        }
    }
}

impl From<RackKind> for String {
    fn from(kind: RackKind) -> Self {
        kind.to_string()
    }
}

impl fmt::Display for RackKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Console => "console",
            Self::Terraform => "terraform",
            Self::Direct => "direct",
            Self::Dev => "dev",
            Self::Other(word) => word,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::scratch;

    #[test]
    fn the_current_rack_is_written_as_3x_clients_write_it() {
        let (_home, config) = scratch();
        let north = CurrentRack { name: "acme/north".into(), kind: RackKind::Console };
        config.writer().store_current(&north).unwrap();
        let text = config.text("current").unwrap().unwrap();
        assert_eq!(text, "{\"name\":\"acme/north\",\"type\":\"console\"}");
        assert_eq!(config.current().unwrap(), Some(north));
    }

    #[test]
    fn every_kind_round_trips() {
        let (_home, config) = scratch();
        for word in ["console", "terraform", "direct", "dev", "orbital"] {
            let rack = CurrentRack { name: "a".into(), kind: word.to_owned().into() };
            config.writer().store_current(&rack).unwrap();
            assert_eq!(config.current().unwrap(), Some(rack));
        }
    }

    #[test]
    fn an_entry_without_a_name_counts_as_no_selection() {
        let (_home, config) = scratch();
        for text in ["{}", "null", "", "{\"type\":\"console\"}"] {
            config.writer().write_text("current", text).unwrap();
            assert_eq!(config.current().unwrap(), None, "{text}");
        }
    }

    #[test]
    fn a_damaged_file_is_reported_with_a_remedy() {
        let (_home, config) = scratch();
        config.writer().write_text("current", "acme/north").unwrap();
        let error = config.current().unwrap_err().to_string();
        assert!(error.contains("current is not a JSON object with the name and type"), "{error}");
        config.writer().forget_current().unwrap();
        assert_eq!(config.current().unwrap(), None);
    }
}
