//! The names that shells have completed lately, for racks that answer slowly.
//!
//! The file holds names and descriptions, never an address with its password or a variable. A
//! damaged or missing file reads as empty.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::config_dir::{ConfigDir, ConfigError, ConfigWriter, FileSpec, Layout, Remedy};

/// The age up to which names are shown.
const AGE: TimeDelta = TimeDelta::minutes(5);

/// The time in which a rack is not asked again in the background.
const PAUSE: TimeDelta = TimeDelta::seconds(10);

const FILE: &str = "completions.json";

/// A name that can be completed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    /// The name or the id.
    pub name: String,
    /// What it is; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
}

/// What is known of one list of names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    /// When the rack returned the names.
    #[serde(default)]
    read_at: Option<DateTime<Utc>>,
    /// When the rack was last asked in the background.
    #[serde(default)]
    asked_at: Option<DateTime<Utc>>,
    #[serde(default)]
    names: Vec<Name>,
}

impl Entry {
    fn is_readable(&self, now: DateTime<Utc>) -> bool {
        self.read_at.is_some_and(|at| (TimeDelta::zero()..=AGE).contains(&(now - at)))
    }

    fn was_asked(&self, now: DateTime<Utc>) -> bool {
        self.asked_at.is_some_and(|at| (TimeDelta::zero()..PAUSE).contains(&(now - at)))
    }
}

type Entries = BTreeMap<String, Entry>;

impl ConfigDir {
    fn entries(&self) -> Entries {
        const SPEC: FileSpec = FileSpec { expected: "lists of names", remedy: Remedy::RunAgain };
        self.json(FILE, SPEC).ok().flatten().unwrap_or_default()
    }

    /// Returns the cached names of a list; `None` if there are none or they are too old.
    pub fn cached_names(&self, list: &str, now: DateTime<Utc>) -> Option<Vec<Name>> {
        let entry = self.entries().remove(list)?;
        entry.is_readable(now).then_some(entry.names)
    }

    /// Returns whether the list may be asked for in the background: not twice within a few seconds.
    pub fn may_ask(&self, list: &str, now: DateTime<Utc>) -> bool {
        !self.entries().get(list).is_some_and(|entry| entry.was_asked(now))
    }

    /// Returns whether storing these names would change anything that matters: others are cached, or
    /// none, or they are about to become too old.
    pub fn are_news(&self, list: &str, names: &[Name], now: DateTime<Utc>) -> bool {
        let known = self.entries().remove(list);
        known.is_none_or(|entry| entry.names != names || !entry.is_readable(now + AGE / 2))
    }
}

impl ConfigWriter<'_> {
    /// Caches the names of a list.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn store_names(
        &self,
        list: &str,
        names: &[Name],
        now: DateTime<Utc>,
    ) -> Result<(), ConfigError> {
        self.update_entry(list, now, |entry| {
            entry.read_at = Some(now);
            entry.names = names.to_vec();
        })
    }

    /// Remembers that the list is being asked for in the background.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn store_asked(&self, list: &str, now: DateTime<Utc>) -> Result<(), ConfigError> {
        self.update_entry(list, now, |entry| entry.asked_at = Some(now))
    }

    /// Changes an entry, and drops those that nobody will read any more.
    fn update_entry(
        &self,
        list: &str,
        now: DateTime<Utc>,
        change: impl FnOnce(&mut Entry),
    ) -> Result<(), ConfigError> {
        let mut entries = self.config().entries();
        change(entries.entry(list.to_owned()).or_default());
        entries.retain(|_, entry| entry.is_readable(now) || entry.was_asked(now));
        self.write_json(FILE, &entries, Layout::Compact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_770_000_000 + seconds, 0).unwrap()
    }

    fn names(names: &[&str]) -> Vec<Name> {
        let name = |name: &&str| Name { name: (*name).to_owned(), about: String::new() };
        names.iter().map(name).collect()
    }

    #[test]
    fn names_are_cached_for_a_few_minutes_in_a_private_file() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let config = ConfigDir::new(Some(home.path().to_owned()));
        assert_eq!(config.cached_names("apps north", at(0)), None);
        config.writer().store_names("apps north", &names(&["web"]), at(0)).unwrap();
        assert_eq!(config.cached_names("apps north", at(299)), Some(names(&["web"])));
        assert_eq!(config.cached_names("apps south", at(299)), None);
        for too_late_or_early in [301, -1] {
            assert_eq!(config.cached_names("apps north", at(too_late_or_early)), None);
        }
        let file = home.path().join(FILE);
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        config.writer().store_names("apps south", &names(&["job"]), at(400)).unwrap();
        assert!(!std::fs::read_to_string(file).unwrap().contains("web"), "it is dropped");
    }

    #[test]
    fn only_news_are_worth_a_write() {
        let home = tempfile::tempdir().unwrap();
        let config = ConfigDir::new(Some(home.path().to_owned()));
        assert!(config.are_news("apps", &[], at(0)));
        config.writer().store_names("apps", &names(&["web"]), at(0)).unwrap();
        assert!(!config.are_news("apps", &names(&["web"]), at(100)));
        assert!(config.are_news("apps", &names(&["web"]), at(200)));
        assert!(config.are_news("apps", &names(&["web", "job"]), at(100)));
    }

    #[test]
    fn a_rack_is_not_asked_again_within_seconds() {
        let home = tempfile::tempdir().unwrap();
        let config = ConfigDir::new(Some(home.path().to_owned()));
        assert!(config.may_ask("apps", at(0)));
        config.writer().store_asked("apps", at(0)).unwrap();
        assert!(!config.may_ask("apps", at(9)));
        assert!(config.may_ask("apps", at(10)));
        assert_eq!(config.cached_names("apps", at(1)), None);
        config.writer().write_text(FILE, "[1]").unwrap();
        assert!(config.may_ask("apps", at(1)), "a damaged file reads as empty");
    }
}
