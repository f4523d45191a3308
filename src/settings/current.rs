//! The rack that `switch` chose: the file `current`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::files::{ConfigDir, FilesError, Kind, Layout};

/// The chosen rack, as 3.x clients write it: `{"name":"acme/north","type":"console"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrentRack {
    /// The rack's full name.
    #[serde(default)]
    pub name: String,
    /// What kind of rack it is.
    #[serde(default, rename = "type")]
    pub kind: RackKind,
}

/// Where a rack is configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum RackKind {
    /// At a console.
    Console,
    /// In a folder `racks/NAME` with `main.tf`.
    Terraform,
    /// By its address in a file `racks/NAME`. The 3.x clients cannot write this one.
    Direct,
    /// The built-in development rack. No other client knows this one.
    Dev,
    /// Something a newer client wrote.
    Other(String),
}

const CURRENT: Kind = Kind {
    expected: "a JSON object with the name and type of a rack",
    mend: "run `convox switch NAME`",
};

impl ConfigDir {
    /// The chosen rack; `None` where none was chosen, or where an older client left an entry
    /// without a name.
    ///
    /// # Errors
    /// A file that cannot be read or holds something else.
    pub fn current(&self) -> Result<Option<CurrentRack>, FilesError> {
        let current: Option<CurrentRack> = self.json("current", CURRENT)?;
        Ok(current.filter(|current| !current.name.is_empty()))
    }

    /// Chooses a rack.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn store_current(&self, current: &CurrentRack) -> Result<(), FilesError> {
        self.write_json("current", current, Layout::Compact)
    }

    /// Forgets the chosen rack, for instance when it is no more.
    ///
    /// # Errors
    /// A file that cannot be removed.
    pub fn forget_current(&self) -> Result<(), FilesError> {
        self.remove("current")
    }

    /// The rack that older clients chose: the file `rack`, still honoured.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn legacy_rack(&self) -> Result<Option<String>, FilesError> {
        self.text("rack")
    }

    /// Forgets that one, as `login` does.
    ///
    /// # Errors
    /// A file that cannot be removed.
    pub fn forget_legacy_rack(&self) -> Result<(), FilesError> {
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

    fn files() -> (tempfile::TempDir, ConfigDir) {
        let home = tempfile::tempdir().unwrap();
        let files = ConfigDir::new(Some(home.path().to_owned()));
        (home, files)
    }

    #[test]
    fn the_chosen_rack_is_written_as_the_existing_client_writes_it() {
        let (_home, files) = files();
        let north = CurrentRack { name: "acme/north".into(), kind: RackKind::Console };
        files.store_current(&north).unwrap();
        let text = files.text("current").unwrap().unwrap();
        assert_eq!(text, "{\"name\":\"acme/north\",\"type\":\"console\"}");
        assert_eq!(files.current().unwrap(), Some(north));
    }

    #[test]
    fn every_kind_reads_back() {
        let (_home, files) = files();
        for word in ["console", "terraform", "direct", "dev", "orbital"] {
            let rack = CurrentRack { name: "a".into(), kind: word.to_owned().into() };
            files.store_current(&rack).unwrap();
            assert_eq!(files.current().unwrap(), Some(rack));
        }
    }

    #[test]
    fn an_entry_without_a_name_is_none() {
        let (_home, files) = files();
        for text in ["{}", "null", "", "{\"type\":\"console\"}"] {
            files.write_text("current", text).unwrap();
            assert_eq!(files.current().unwrap(), None, "{text}");
        }
    }

    #[test]
    fn a_damaged_file_says_how_to_mend_it() {
        let (_home, files) = files();
        files.write_text("current", "acme/north").unwrap();
        let error = files.current().unwrap_err().to_string();
        assert!(error.ends_with("delete it and run `convox switch NAME`"), "{error}");
        files.forget_current().unwrap();
        assert_eq!(files.current().unwrap(), None);
    }
}
