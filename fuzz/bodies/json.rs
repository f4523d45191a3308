//! Responses of racks: JSON for each type of the wire.

use std::fmt::Debug;

use convox_wire::{
    App, AppBudget, AppConfig, AppCost, Balancer, Build, Certificate, Diagnosis, DismissedRecovery,
    ErrorBody, Instance, LetsEncryptConfig, Object, Overview, Process, Registry, Release,
    ReleaseSummary, Resource, Service, ShutdownSimulation, ShutdownState, System,
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
    kept::<AppConfig>(bytes);
    kept::<Balancer>(bytes);
    kept::<Certificate>(bytes);
    kept::<Diagnosis>(bytes);
    kept::<DismissedRecovery>(bytes);
    kept::<LetsEncryptConfig>(bytes);
    kept::<Overview>(bytes);
    kept::<Registry>(bytes);
    kept::<Resource>(bytes);
    kept::<ShutdownState>(bytes);
    // Their fractions may differ in the last digit once they are written.
    read::<AppBudget>(bytes);
    read::<AppCost>(bytes);
    read::<Instance>(bytes);
    read::<ShutdownSimulation>(bytes);
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
