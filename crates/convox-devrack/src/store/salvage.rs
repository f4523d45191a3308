//! Reads what can still be read of a damaged database.
//!
//! redb trusts its pages and panics on damaged ones, which ends a process that aborts on panics. So
//! each [`Step`] is meant for a process of its own, reads one table in one direction, and stores
//! each record as soon as it is read. [`finish`] then makes the records agree with each other.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use redb::{Database, Durability, Key, ReadableDatabase, ReadableTable, TableDefinition, Value};

use super::{AppRecord, BuildRecord, META, ReleaseRecord, Store, StoreError, apps, runtime, table};
use convox_wire::AppName;

/// A table to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    Meta,
    Apps,
    Rows,
    Ports,
    Settings,
}

/// A part of the work, for a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    table: Table,
    /// From the last record to the first, to reach those behind a damaged page.
    is_backward: bool,
}

impl Step {
    /// All steps, with their names.
    pub const ALL: [(&str, Self); 8] = [
        ("meta", Self { table: Table::Meta, is_backward: false }),
        ("apps", Self { table: Table::Apps, is_backward: false }),
        ("apps-backward", Self { table: Table::Apps, is_backward: true }),
        ("rows", Self { table: Table::Rows, is_backward: false }),
        ("rows-backward", Self { table: Table::Rows, is_backward: true }),
        ("ports", Self { table: Table::Ports, is_backward: false }),
        ("settings", Self { table: Table::Settings, is_backward: false }),
        ("settings-backward", Self { table: Table::Settings, is_backward: true }),
    ];

    /// Copies records of the database at `damaged`, which this may change, into the one at
    /// `salvaged`, which it creates.
    pub(crate) fn run(self, damaged: &Path, salvaged: &Path) -> Result<(), StoreError> {
        let open = |result: Result<Database, redb::DatabaseError>, path: &Path| {
            result.map_err(|error| StoreError::Damaged(path.into(), error.to_string()))
        };
        let from = open(Database::open(damaged), damaged)?;
        let to = open(Database::create(salvaged), salvaged)?;
        match self.table {
            Table::Meta => self.copy(&from, &to, META),
            Table::Apps => self.copy(&from, &to, apps::APPS),
            Table::Rows => self.copy(&from, &to, table::ROWS),
            Table::Ports => self.copy(&from, &to, runtime::PORTS),
            Table::Settings => self.copy(&from, &to, runtime::SETTINGS),
        }
    }

    /// Copies until a record can't be read.
    fn copy<K: Key + 'static, V: Value + 'static>(
        self,
        from: &Database,
        to: &Database,
        table: TableDefinition<'static, K, V>,
    ) -> Result<(), StoreError> {
        let records = from.begin_read()?.open_table(table)?;
        let mut records = records.iter()?;
        loop {
            let next = if self.is_backward { records.next_back() } else { records.next() };
            let Some(Ok((key, value))) = next else { break };
            let mut tx = to.begin_write()?;
            // A crash of this process loses nothing that the system has, and the last step syncs.
            tx.set_durability(Durability::None).map_err(redb::Error::from)?;
            tx.open_table(table)?.insert(key.value(), value.value())?;
            tx.commit()?;
        }
        let tx = to.begin_write()?;
        Ok(tx.commit()?)
    }
}

/// A name that is none of a [`Step`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a step of the recovery")]
pub struct UnknownStep;

impl FromStr for Step {
    type Err = UnknownStep;

    fn from_str(name: &str) -> Result<Self, UnknownStep> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, step)| *step).ok_or(UnknownStep)
    }
}

/// What was saved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// The number of apps.
    pub apps: usize,
    /// The number of builds.
    pub builds: usize,
    /// The number of releases.
    pub releases: usize,
}

/// Drops records that can't be decoded, and makes the others agree: an app that was lost is made
/// again from its builds and releases, and an active release that was lost is replaced by the one
/// that was promoted last.
pub(crate) fn finish(salvaged: &Path) -> Result<Salvaged, StoreError> {
    let store = Store::open(salvaged)?;
    store.write_now(|tx| {
        let mut found: BTreeMap<AppName, AppRecord> = BTreeMap::new();
        tx.open_table(apps::APPS)?.retain(|_, text| match serde_json::from_slice(text) {
            Ok(app) => keep(&mut found, app),
            Err(_) => false,
        })?;
        let (mut builds, mut releases) = (Vec::<BuildRecord>::new(), Vec::<ReleaseRecord>::new());
        tx.open_table(table::ROWS)?.retain(|(kind, ..), text| match kind {
            <BuildRecord as table::Record>::TABLE => push(&mut builds, text),
            <ReleaseRecord as table::Record>::TABLE => push(&mut releases, text),
            _ => true,
        })?;
        let mut number = 0;
        for build in &builds {
            number = number.max(build.number);
            table::put(tx, build)?;
            app_of(&mut found, &build.app, build.started);
        }
        for release in &releases {
            number = number.max(release.number);
            table::put(tx, release)?;
            app_of(&mut found, &release.app, release.created);
        }
        for app in found.values_mut() {
            agree(app, &releases);
            apps::put_app(tx, app)?;
        }
        let mut meta = tx.open_table(META)?;
        let known = meta.get("number")?.map_or(0, |known| known.value());
        meta.insert("number", number.max(known))?;
        Ok(Salvaged { apps: found.len(), builds: builds.len(), releases: releases.len() })
    })
}

fn keep(found: &mut BTreeMap<AppName, AppRecord>, app: AppRecord) -> bool {
    found.insert(app.name.clone(), app);
    true
}

fn push<R: serde::de::DeserializeOwned>(records: &mut Vec<R>, text: &[u8]) -> bool {
    serde_json::from_slice(text).map(|record| records.push(record)).is_ok()
}

fn app_of(
    found: &mut BTreeMap<AppName, AppRecord>,
    name: &AppName,
    created: chrono::DateTime<chrono::Utc>,
) {
    found.entry(name.clone()).or_insert_with(|| AppRecord::new(name.clone(), created));
}

/// Makes an app name only releases that were saved.
fn agree(app: &mut AppRecord, releases: &[ReleaseRecord]) {
    let of_app = || releases.iter().filter(|release| release.app == app.name);
    let is_known = |id: &_| of_app().any(|release| release.id == *id);
    let is_lost = !app.active.as_ref().is_some_and(is_known);
    let has_rollout = app.rollout.as_ref().is_some_and(|rollout| is_known(&rollout.release));
    if is_lost {
        let last = of_app().filter(|release| release.promoted.is_some());
        app.active = last.max_by_key(|release| release.promoted).map(|last| last.id.clone());
    }
    if !has_rollout {
        app.rollout = None;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use proptest::prelude::*;

    use super::*;
    use crate::store;
    use convox_wire::Environment;

    const RELEASES: u64 = 200;

    /// A database with an app and its releases.
    fn database(path: &Path) {
        let store = Store::open(path).unwrap();
        let app: AppName = "web".parse().unwrap();
        let created = chrono::DateTime::UNIX_EPOCH;
        store
            .write_now(|tx| {
                let mut record = AppRecord::new(app.clone(), created);
                record.active = Some("R7".parse().unwrap());
                store::put_app(tx, &record)?;
                for _ in 0..RELEASES {
                    let number = store::next_number(tx)?;
                    let release = ReleaseRecord {
                        number,
                        id: format!("R{number}").parse().unwrap(),
                        app: app.clone(),
                        build: None,
                        environment: Environment::parse(&format!("N={number}\n")),
                        manifest: Some("services: {}\n".repeat(20)),
                        description: None,
                        created,
                        failure: None,
                        promoted: Some(created + chrono::TimeDelta::seconds(number.cast_signed())),
                    };
                    store::put(tx, &release)?;
                }
                Ok::<(), StoreError>(())
            })
            .unwrap();
    }

    /// All steps, each of which may panic, and the end.
    fn salvage(directory: &Path) -> Salvaged {
        let (damaged, scratch, salvaged) =
            (directory.join("rack.redb"), directory.join("scratch"), directory.join("salvaged"));
        for (_, step) in Step::ALL {
            fs::copy(&damaged, &scratch).unwrap();
            let _ended = catch_unwind(AssertUnwindSafe(|| step.run(&scratch, &salvaged)));
        }
        finish(&salvaged).unwrap()
    }

    #[test]
    fn everything_is_saved_from_a_database_whose_checksums_are_wrong() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rack.redb");
        database(&path);
        let mut bytes = fs::read(&path).unwrap();
        let at = bytes.windows(6).position(|text| text == b"N=100\\").unwrap();
        bytes[at + 2] = b'9';
        fs::write(&path, bytes).unwrap();
        assert!(matches!(Store::open(&path), Err(StoreError::Damaged(..))));
        let found = salvage(directory.path());
        assert_eq!(found, Salvaged { apps: 1, builds: 0, releases: 200 });
        let store = Store::open(&directory.path().join("salvaged")).unwrap();
        let app = store.read(|tx| store::app(tx, &"web".parse().unwrap())).unwrap().unwrap();
        assert_eq!(app.active.unwrap().as_str(), "R7");
        assert_eq!(store.write_now(store::next_number).unwrap(), RELEASES + 1);
    }

    #[test]
    fn an_app_that_was_lost_is_made_again_from_its_releases() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rack.redb");
        database(&path);
        let (_, rows) = Step::ALL[3];
        rows.run(&path, &directory.path().join("salvaged")).unwrap();
        let found = finish(&directory.path().join("salvaged")).unwrap();
        assert_eq!((found.apps, found.releases), (1, 200));
        let store = Store::open(&directory.path().join("salvaged")).unwrap();
        let app = store.read(|tx| store::app(tx, &"web".parse().unwrap())).unwrap().unwrap();
        assert_eq!(app.active.unwrap().as_str(), "R200", "the one that was promoted last");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn what_is_saved_of_any_damage_is_a_sound_database(
            flips in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..20),
            length in proptest::option::of(any::<proptest::sample::Index>()),
        ) {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("rack.redb");
            database(&path);
            let mut bytes = fs::read(&path).unwrap();
            for (at, byte) in flips {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if let Some(length) = length {
                bytes.truncate(length.index(bytes.len()));
            }
            fs::write(&path, bytes).unwrap();
            let found = salvage(directory.path());
            prop_assert!(found.apps <= 1 || found.releases <= 200);
            let store = Store::open(&directory.path().join("salvaged")).unwrap();
            let apps = store.read(store::all_apps).unwrap();
            for app in &apps {
                let releases: Vec<ReleaseRecord> =
                    store.read(|tx| store::newest(tx, &app.name, usize::MAX)).unwrap();
                let active = app.active.as_ref();
                let is_known = active.is_none_or(|id| releases.iter().any(|one| one.id == *id));
                prop_assert!(is_known);
            }
        }
    }
}
