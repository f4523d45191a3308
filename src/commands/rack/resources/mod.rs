//! `rack resources …`: the resources of a rack itself (v2 racks; hidden).

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod info;
pub(crate) mod link;
pub(crate) mod list;
pub(crate) mod options;
pub(crate) mod types;
pub(crate) mod unlink;
pub(crate) mod update;
pub(crate) mod url;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::CommandError;
use convox_wire::RackResourceName;

/// Parses `NAME=VALUE` arguments; of equal names the last one counts.
fn parse(pairs: &[String]) -> Result<BTreeMap<String, String>, CommandError> {
    let parsed = pairs.iter().map(|pair| match pair.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(CommandError::new(format!("Name=Value expected: {pair}"))),
    });
    parsed.collect()
}

/// The resource that was changed.
#[derive(Serialize)]
struct Changed {
    resource: RackResourceName,
}
