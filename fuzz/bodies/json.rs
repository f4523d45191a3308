//! Responses of racks: JSON for each type of the wire.

use std::fmt::Debug;

use convox_wire::{
    App, Build, ErrorBody, Object, Process, Release, ReleaseSummary, Service, System,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) fn check(bytes: &[u8]) {
    kept::<App>(bytes);
    kept::<Build>(bytes);
    kept::<Object>(bytes);
    kept::<Process>(bytes);
    kept::<Release>(bytes);
    kept::<Service>(bytes);
    kept::<System>(bytes);
    read::<ErrorBody>(bytes);
    read::<ReleaseSummary>(bytes);
    read::<Option<Vec<ReleaseSummary>>>(bytes);
    read::<Option<Vec<App>>>(bytes);
    read::<Option<Vec<Build>>>(bytes);
    read::<Option<Vec<Process>>>(bytes);
    read::<Option<Vec<Service>>>(bytes);
}

fn read<T: DeserializeOwned>(bytes: &[u8]) {
    drop(serde_json::from_slice::<T>(bytes));
}

/// A value stays the same when it is written and read again.
fn kept<T: DeserializeOwned + Serialize + PartialEq + Debug>(bytes: &[u8]) {
    let Ok(value) = serde_json::from_slice::<T>(bytes) else { return };
    let again = serde_json::to_vec(&value).unwrap();
    assert_eq!(serde_json::from_slice::<T>(&again).unwrap(), value);
}
