//! The racks configured on this machine: the folder `racks/`, and what is remembered of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::current::RackKind;
use super::files::{ConfigDir, FilesError, Layout, is_absent, read_text};
use convox_client::RackUrl;

/// A rack in the folder `racks/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalRack {
    /// Its name: that of the file or folder.
    pub name: String,
    /// How it is configured.
    pub form: LocalForm,
}

/// How a rack is configured on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalForm {
    /// A file that holds the rack's address.
    Direct(PathBuf),
    /// A folder with Terraform's `main.tf`.
    Terraform(PathBuf),
}

/// What was last seen of a direct rack, so that `racks` need not ask it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RackMeta {
    /// For example `aws`.
    pub provider: String,
    /// For example `running`.
    pub status: String,
}

impl LocalRack {
    /// Its kind, as `switch` stores it.
    pub fn kind(&self) -> RackKind {
        match self.form {
            LocalForm::Direct(_) => RackKind::Direct,
            LocalForm::Terraform(_) => RackKind::Terraform,
        }
    }

    /// Whether Terraform is at work on this rack now.
    pub fn is_locked(&self) -> bool {
        match &self.form {
            LocalForm::Terraform(folder) => folder.join(".terraform.tfstate.lock.info").exists(),
            LocalForm::Direct(_) => false,
        }
    }

    /// The address of a direct rack; `None` for a Terraform rack, whose output holds it.
    ///
    /// # Errors
    /// A file that cannot be read or holds no address.
    pub fn address(&self) -> Result<Option<RackUrl>, FilesError> {
        let LocalForm::Direct(path) = &self.form else { return Ok(None) };
        let text = read_text(path)?.unwrap_or_default();
        let address = text.parse().map_err(|why: super::InvalidRackUrl| FilesError::Content {
            path: path.clone(),
            expected: "the address of a rack",
            why: why.to_string(),
            mend: "match_rack another rack",
        })?;
        Ok(Some(address))
    }
}

impl ConfigDir {
    /// The racks configured on this machine, sorted by name. An older client's *file* `racks`
    /// reads as none.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn racks(&self) -> Result<Vec<LocalRack>, FilesError> {
        let Some(folder) = self.path("racks") else { return Ok(Vec::new()) };
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            Err(source) => return Err(FilesError::Read { path: folder, source }),
        };
        let mut racks = Vec::new();
        for entry in entries {
            let entry =
                entry.map_err(|source| FilesError::Read { path: folder.clone(), source })?;
            racks.extend(rack_at(&entry.path()));
        }
        racks.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(racks)
    }

    /// What was last seen of a direct rack. A damaged note is none.
    pub fn rack_meta(&self, name: &str) -> Option<RackMeta> {
        let text = read_text(&self.path(&meta_of(name)?)?).ok()??;
        serde_json::from_str(&text).ok()
    }

    /// Whether that note is missing or older than `age`. Clients renew it after 30 minutes.
    pub fn rack_meta_is_stale(&self, name: &str, age: Duration, now: SystemTime) -> bool {
        let modified = || self.path(&meta_of(name)?)?.metadata().ok()?.modified().ok();
        match modified() {
            Some(modified) => now.duration_since(modified).is_ok_and(|passed| passed > age),
            None => true,
        }
    }

    /// Notes what was seen of a direct rack.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn store_rack_meta(&self, name: &str, meta: &RackMeta) -> Result<(), FilesError> {
        match meta_of(name) {
            Some(file) => self.write_json(&file, meta, Layout::Compact),
            None => Ok(()), // no rack in the folder has such a name
        }
    }
}

/// The note's file, for a name that is a file name.
fn meta_of(name: &str) -> Option<String> {
    let is_file_name = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0']);
    is_file_name.then(|| format!("rack-meta/{name}.json"))
}

/// The rack that an entry of the folder stands for. Hidden files are none: temporary ones are.
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

    fn files() -> (tempfile::TempDir, ConfigDir) {
        let home = tempfile::tempdir().unwrap();
        let files = ConfigDir::new(Some(home.path().to_owned()));
        (home, files)
    }

    #[test]
    fn files_are_direct_racks_and_folders_with_terraform_are_terraform_racks() {
        let (home, files) = files();
        files.write_text("racks/beta", "https://convox:pw@beta.test/\n").unwrap();
        files.write_text("racks/alpha/main.tf", "").unwrap();
        files.write_text("racks/stray/notes.txt", "").unwrap();
        files.write_text("racks/.new-x", "").unwrap();
        let racks = files.racks().unwrap();
        let names: Vec<_> = racks.iter().map(|rack| rack.name.as_str()).collect();
        assert_eq!(names, ["alpha", "beta"]);
        assert_eq!(racks[0].form, LocalForm::Terraform(home.path().join("racks/alpha")));
        assert!(racks[0].address().unwrap().is_none());
        assert_eq!(racks[1].address().unwrap().unwrap().base(), "https://beta.test");
    }

    #[test]
    fn terraform_at_work_is_seen_by_its_lock() {
        let (_home, files) = files();
        files.write_text("racks/alpha/main.tf", "").unwrap();
        assert!(!files.racks().unwrap()[0].is_locked());
        files.write_text("racks/alpha/.terraform.tfstate.lock.info", "").unwrap();
        assert!(files.racks().unwrap()[0].is_locked());
    }

    #[test]
    fn an_older_clients_file_racks_reads_as_none() {
        let (_home, files) = files();
        files.write_text("racks", "{\"console.convox.com\":\"acme/north\"}").unwrap();
        assert_eq!(files.racks().unwrap(), []);
    }

    #[test]
    fn a_rack_file_without_an_address_is_named_without_its_content() {
        let (_home, files) = files();
        for content in ["", "convox:hunter2@beta.test"] {
            files.write_text("racks/beta", content).unwrap();
            let error = files.racks().unwrap()[0].address().unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains("racks/beta is not the address of a rack"), "{shown}");
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn what_was_seen_of_a_rack_is_noted_for_a_while() {
        let (_home, files) = files();
        let meta = RackMeta { provider: "gcp".into(), status: "running".into() };
        let (half_hour, now) = (Duration::from_secs(1800), SystemTime::now());
        assert_eq!(files.rack_meta("beta"), None);
        assert!(files.rack_meta_is_stale("beta", half_hour, now));
        files.store_rack_meta("beta", &meta).unwrap();
        assert_eq!(files.rack_meta("beta"), Some(meta));
        assert!(!files.rack_meta_is_stale("beta", half_hour, now));
        assert!(files.rack_meta_is_stale("beta", half_hour, now + 2 * half_hour));
    }

    #[test]
    fn a_damaged_note_and_a_name_with_a_path_are_none() {
        let (home, files) = files();
        files.write_text("rack-meta/beta.json", "{").unwrap();
        assert_eq!(files.rack_meta("beta"), None);
        let meta = RackMeta { provider: "x".into(), status: "y".into() };
        for name in ["../beta", "acme/beta", "", ".."] {
            files.store_rack_meta(name, &meta).unwrap();
            assert_eq!(files.rack_meta(name), None, "{name}");
        }
        assert!(!home.path().join("beta.json").exists());
    }
}
