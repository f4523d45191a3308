//! `rack resources …`: the resources of a rack itself (v2 racks; hidden).

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod info;
pub(crate) mod link;
pub(crate) mod list;
pub(crate) mod options;
pub(crate) mod proxy;
pub(crate) mod types;
pub(crate) mod unlink;
pub(crate) mod update;
pub(crate) mod url;
mod wait;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::{CommandError, Hint};
use convox_client::rack::{Error, Rack};
use convox_wire::RackResourceName;

/// Parses `NAME=VALUE` arguments; of equal names the last one counts.
fn parse(pairs: &[String]) -> Result<BTreeMap<String, String>, CommandError> {
    let parsed = pairs.iter().map(|pair| match pair.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        // A value may be a secret.
        Some(_) => Err(CommandError::new("Name=Value expected: the name before = is empty")),
        None => Err(CommandError::new(format!("Name=Value expected: {pair}"))),
    });
    parsed.collect()
}

/// A request about a resource that the rack may not have.
fn not_there(error: Error) -> CommandError {
    CommandError::about_named(error, Hint::command("list resources with", "rack resources"))
}

/// The URL of a resource.
async fn url_of(rack: &Rack, name: &RackResourceName) -> Result<String, CommandError> {
    let mut resource = rack.rack_resource(name).await.map_err(not_there)?.resource;
    // Old racks have it among the parameters.
    let url = resource.url.or_else(|| resource.parameters.remove("Url"));
    url.ok_or_else(|| {
        CommandError::new(format!("no url for resource: {name}"))
            .hint(Hint::command("show it with", "rack resources info").arg(name))
    })
}

/// The resource that was changed.
#[derive(Serialize)]
struct Changed {
    resource: RackResourceName,
}
