//! What is cached of racks: the status of direct racks, and the lists of consoles.
//!
//! A damaged or missing cache reads as empty. The file of a console's list is our own; the status
//! of direct racks is shared with 3.x clients.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::config_dir::{
    ConfigDir, ConfigError, ConfigWriter, FileSpec, Layout, Remedy, read_text,
};

/// The age from which the cached status of a direct rack is stale.
const META_AGE: Duration = Duration::from_secs(30 * 60);

const CONSOLE_RACKS: &str = "console-racks.json";

/// Cached metadata of a direct rack, so that `racks` sends no request to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RackMeta {
    /// For example `aws`.
    pub provider: String,
    /// For example `running`.
    pub status: String,
}

/// The list of a console's racks, as it was when last read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleRacks {
    /// When the console returned this list.
    pub read_at: DateTime<Utc>,
    /// The racks.
    pub racks: Vec<CachedRack>,
}

/// A rack of a console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedRack {
    /// Its full name, with its organization.
    pub name: String,
    /// For example `aws`.
    pub provider: String,
    /// For example `running`.
    pub status: String,
}

type Consoles = BTreeMap<String, ConsoleRacks>;

impl ConfigDir {
    /// Returns the cached metadata of a direct rack.
    pub fn rack_meta(&self, name: &str) -> Option<RackMeta> {
        let text = read_text(&self.path(&meta_file(name)?)?).ok()??;
        serde_json::from_str(&text).ok()
    }

    /// Returns whether the cached metadata is missing or too old.
    pub fn rack_meta_is_stale(&self, name: &str, now: SystemTime) -> bool {
        let modified = || self.path(&meta_file(name)?)?.metadata().ok()?.modified().ok();
        match modified() {
            Some(modified) => now.duration_since(modified).is_ok_and(|age| age > META_AGE),
            None => true,
        }
    }

    /// Returns the cached list of the console at `host`.
    pub fn console_racks(&self, host: &str) -> Option<ConsoleRacks> {
        self.consoles().remove(host)
    }

    fn consoles(&self) -> Consoles {
        const SPEC: FileSpec = FileSpec { expected: "a list of racks", remedy: Remedy::RunAgain };
        self.json(CONSOLE_RACKS, SPEC).ok().flatten().unwrap_or_default()
    }
}

impl ConfigWriter<'_> {
    /// Caches metadata of a direct rack.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn store_rack_meta(&self, name: &str, meta: &RackMeta) -> Result<(), ConfigError> {
        match meta_file(name) {
            Some(file) => self.write_json(&file, meta, Layout::Compact),
            None => Ok(()), // no rack in the directory has such a name
        }
    }

    /// Caches the list of the console at `host`.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn store_console_racks(&self, host: &str, racks: ConsoleRacks) -> Result<(), ConfigError> {
        let mut consoles = self.config().consoles();
        consoles.insert(host.to_owned(), racks);
        self.write_json(CONSOLE_RACKS, &consoles, Layout::Compact)
    }
}

/// Returns the cache file for `name`, if `name` is a plain file name.
fn meta_file(name: &str) -> Option<String> {
    let is_file_name = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0']);
    is_file_name.then(|| format!("rack-meta/{name}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::scratch;

    #[test]
    fn metadata_is_cached_until_it_is_stale() {
        let (_home, config) = scratch();
        let meta = RackMeta { provider: "gcp".into(), status: "running".into() };
        let now = SystemTime::now();
        assert_eq!(config.rack_meta("beta"), None);
        assert!(config.rack_meta_is_stale("beta", now));
        config.writer().store_rack_meta("beta", &meta).unwrap();
        assert_eq!(config.rack_meta("beta"), Some(meta));
        assert!(!config.rack_meta_is_stale("beta", now));
        assert!(config.rack_meta_is_stale("beta", now + 2 * META_AGE));
    }

    #[test]
    fn damaged_metadata_and_names_with_a_path_read_as_absent() {
        let (home, config) = scratch();
        config.writer().write_text("rack-meta/beta.json", "{").unwrap();
        assert_eq!(config.rack_meta("beta"), None);
        let meta = RackMeta { provider: "x".into(), status: "y".into() };
        for name in ["../beta", "acme/beta", "", ".."] {
            config.writer().store_rack_meta(name, &meta).unwrap();
            assert_eq!(config.rack_meta(name), None, "{name}");
        }
        assert!(!home.path().join("beta.json").exists());
    }

    #[test]
    fn each_consoles_list_is_cached_and_a_damaged_file_is_replaced() {
        let (_home, config) = scratch();
        let list = |name: &str| ConsoleRacks {
            read_at: "2026-02-11T10:20:30Z".parse().unwrap(),
            racks: vec![CachedRack {
                name: name.into(),
                provider: "aws".into(),
                status: "running".into(),
            }],
        };
        config.writer().write_text(CONSOLE_RACKS, "[1]").unwrap();
        assert_eq!(config.console_racks("one.test"), None);
        config.writer().store_console_racks("one.test", list("acme/one")).unwrap();
        config.writer().store_console_racks("two.test", list("acme/two")).unwrap();
        assert_eq!(config.console_racks("one.test"), Some(list("acme/one")));
        assert_eq!(config.console_racks("two.test"), Some(list("acme/two")));
        assert_eq!(config.console_racks("three.test"), None);
    }
}
