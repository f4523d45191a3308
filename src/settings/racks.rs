//! The racks configured on this machine: the directory `racks/`.

use std::fs;
use std::path::{Path, PathBuf};

use super::config_dir::{ConfigDir, ConfigError, Remedy, is_absent, read_text};
use super::current::RackKind;
use convox_client::RackUrl;

/// A rack in the directory `racks/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalRack {
    /// The name of its file or directory.
    pub name: String,
    /// How the rack is configured.
    pub form: LocalForm,
}

/// How a rack is configured on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalForm {
    /// A file that contains the rack's address.
    Direct(PathBuf),
    /// A directory with Terraform's `main.tf`.
    Terraform(PathBuf),
}

impl LocalRack {
    /// Returns the kind, as `switch` stores it.
    pub fn kind(&self) -> RackKind {
        match self.form {
            LocalForm::Direct(_) => RackKind::Direct,
            LocalForm::Terraform(_) => RackKind::Terraform,
        }
    }

    /// Returns whether Terraform is running on this rack.
    pub fn is_locked(&self) -> bool {
        match &self.form {
            LocalForm::Terraform(dir) => dir.join(".terraform.tfstate.lock.info").exists(),
            LocalForm::Direct(_) => false,
        }
    }

    /// Returns the address of a direct rack; `None` for a Terraform rack, whose output has it.
    ///
    /// # Errors
    /// The file can't be read or is not an address.
    pub fn address(&self) -> Result<Option<RackUrl>, ConfigError> {
        let LocalForm::Direct(path) = &self.form else { return Ok(None) };
        let text = read_text(path)?.unwrap_or_default();
        let address = text.parse().map_err(|why: super::InvalidRackUrl| ConfigError::Invalid {
            path: path.clone(),
            expected: "the address of a rack",
            why: why.to_string(),
            remedy: Remedy::SelectRack,
        })?;
        Ok(Some(address))
    }
}

impl ConfigDir {
    /// Returns the racks configured on this machine, sorted by name. The *file* `racks` of older
    /// clients reads as an empty list.
    ///
    /// # Errors
    /// The directory can't be read.
    pub fn racks(&self) -> Result<Vec<LocalRack>, ConfigError> {
        let Some(dir) = self.path("racks") else { return Ok(Vec::new()) };
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            Err(source) => return Err(ConfigError::Read { path: dir, source }),
        };
        let mut racks = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|source| ConfigError::Read { path: dir.clone(), source })?;
            racks.extend(rack_at(&entry.path()));
        }
        racks.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(racks)
    }
}

/// Returns the rack configured at `path`. Hidden entries, such as temporary files, are skipped.
fn rack_at(path: &Path) -> Option<LocalRack> {
    let name = path.file_name()?.to_str()?.to_owned();
    if name.starts_with('.') {
        return None;
    }
    let form = if path.is_file() {
        LocalForm::Direct(path.to_owned())
    } else if path.join("main.tf").is_file() {
        LocalForm::Terraform(path.to_owned())
    } else {
        return None;
    };
    Some(LocalRack { name, form })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::scratch;

    #[test]
    fn files_are_direct_racks_and_directories_with_main_tf_are_terraform_racks() {
        let (home, config) = scratch();
        config.writer().write_text("racks/beta", "https://convox:pw@beta.test/\n").unwrap();
        config.writer().write_text("racks/alpha/main.tf", "").unwrap();
        config.writer().write_text("racks/stray/notes.txt", "").unwrap();
        config.writer().write_text("racks/.new-x", "").unwrap();
        let racks = config.racks().unwrap();
        let names: Vec<_> = racks.iter().map(|rack| rack.name.as_str()).collect();
        assert_eq!(names, ["alpha", "beta"]);
        assert_eq!(racks[0].form, LocalForm::Terraform(home.path().join("racks/alpha")));
        assert!(racks[0].address().unwrap().is_none());
        assert_eq!(racks[1].address().unwrap().unwrap().base(), "https://beta.test");
    }

    #[test]
    fn a_running_terraform_is_detected_by_its_lock() {
        let (_home, config) = scratch();
        config.writer().write_text("racks/alpha/main.tf", "").unwrap();
        assert!(!config.racks().unwrap()[0].is_locked());
        config.writer().write_text("racks/alpha/.terraform.tfstate.lock.info", "").unwrap();
        assert!(config.racks().unwrap()[0].is_locked());
    }

    #[test]
    fn the_file_racks_of_older_clients_reads_as_empty() {
        let (_home, config) = scratch();
        config.writer().write_text("racks", "{\"console.convox.com\":\"acme/north\"}").unwrap();
        assert_eq!(config.racks().unwrap(), []);
    }

    #[test]
    fn an_invalid_rack_file_is_named_without_its_content() {
        let (_home, config) = scratch();
        for content in ["", "convox:hunter2@beta.test"] {
            config.writer().write_text("racks/beta", content).unwrap();
            let error = config.racks().unwrap()[0].address().unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains("racks/beta is not the address of a rack"), "{shown}");
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
}
