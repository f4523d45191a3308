//! Parameters that are JSON documents, stored as base64.

mod config;
mod node_groups;
mod node_pools;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::checks::RequestedParams;
use super::values::POOL_LABEL;
use crate::error::CommandError;

const NODE_GROUPS: &str = "additional_node_groups_config";
const BUILD_GROUPS: &str = "additional_build_groups_config";
const NODE_POOLS: &str = "additional_karpenter_nodepools_config";
const CONFIG: &str = "karpenter_config";

/// The parameters.
pub(super) const DOCUMENTS: [&str; 4] = [NODE_GROUPS, BUILD_GROUPS, NODE_POOLS, CONFIG];

/// Checks the documents and gives them their stored form.
pub(super) fn check_and_encode(call: &mut RequestedParams<'_>) -> Result<(), CommandError> {
    for name in [NODE_GROUPS, BUILD_GROUPS] {
        replace(call, name, |text, call| node_groups::check(name, text, call))?;
    }
    if call.is_on("karpenter_enabled")
        && let Some(groups) = call.value(NODE_GROUPS)
    {
        node_groups::check_dedicated(&decoded(groups)).map_err(CommandError::new)?;
    }
    replace(call, NODE_POOLS, |text, call| node_pools::check(NODE_POOLS, text, call.force))?;
    replace(call, CONFIG, |text, _| config::check(CONFIG, text))
}

/// Replaces the value of a parameter, if the call sets it, by what `check` makes of the document.
fn replace(
    call: &mut RequestedParams<'_>,
    name: &str,
    check: impl Fn(&[u8], &RequestedParams<'_>) -> Result<Vec<u8>, String>,
) -> Result<(), CommandError> {
    let Some(value) = call.new.get(name) else { return Ok(()) };
    let json = document(name, value, call)
        .and_then(|document| check(&document, call))
        .map_err(CommandError::new)?;
    call.new.insert(name.to_owned(), STANDARD.encode(json));
    Ok(())
}

/// The document that a value is, names or encodes.
fn document(name: &str, value: &str, call: &RequestedParams<'_>) -> Result<Vec<u8>, String> {
    let (empty, opening) = if name == CONFIG { ("{}", '{') } else { ("[]", '[') };
    let value = value.trim();
    if value.is_empty() || value == "\"\"" {
        return Ok(empty.into());
    }
    if value.ends_with(".json") {
        return (call.read)(value).map_err(|error| {
            format!("invalid param '{name}' value, failed to read the file: {error}")
        });
    }
    if value.starts_with(opening) {
        return Ok(value.into());
    }
    STANDARD.decode(value).map_err(|error| invalid(name, error))
}

/// The document in a stored value. Older clients have stored it as it is.
pub(super) fn decoded(value: &str) -> Vec<u8> {
    STANDARD.decode(value).unwrap_or_else(|_| value.into())
}

/// A stored value as people read it; `None` if it is not text.
pub(super) fn shown(value: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(value).ok()?).ok()
}

/// The problem of a document that sets [`POOL_LABEL`].
fn label_of_the_rack() -> String {
    format!("the label '{POOL_LABEL}' is set by the rack")
}

fn parse<T: DeserializeOwned>(name: &str, document: &[u8]) -> Result<T, String> {
    serde_json::from_slice(document).map_err(|error| invalid(name, error))
}

fn encode(name: &str, value: &impl Serialize) -> Result<Vec<u8>, String> {
    serde_json::to_vec(value).map_err(|error| invalid(name, error))
}

fn invalid(name: &str, error: impl std::fmt::Display) -> String {
    format!("invalid param '{name}' value: {error}")
}

/// Checks that a document has no fields that are not known here, unless they are set all the same:
/// a rack that is newer than this program may know them.
fn no_others(others: &Map<String, Value>, force: bool) -> Result<(), String> {
    match others.keys().next() {
        Some(other) if !force => Err(format!("unknown field '{other}' (use --force to set it)")),
        _ => Ok(()),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io;

    use super::*;
    use crate::commands::rack::params::checks::Parameters;
    use crate::flows::managed_rack::Current;

    /// Sets a document; returns the stored one.
    pub(in super::super) fn set(
        name: &str,
        value: &str,
        current: &[(&str, &str)],
    ) -> Result<String, String> {
        let map = |pairs: &[(&str, &str)]| -> Parameters {
            pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
        };
        let current = Current { parameters: map(current), provider: Some("aws".into()) };
        let read = |file: &str| match file {
            "groups.json" => Ok(br#"[{"type":"t3.small"}]"#.to_vec()),
            _ => Err(io::Error::new(io::ErrorKind::NotFound, "no such file")),
        };
        let mut call = RequestedParams::new(map(&[(name, value)]), &current, false, &read);
        check_and_encode(&mut call).map_err(|error| error.message())?;
        Ok(String::from_utf8(decoded(&call.new[name])).unwrap())
    }

    #[test]
    fn a_document_is_a_value_a_file_or_base64() {
        for (name, value, expected) in [
            (NODE_GROUPS, "", "[]"),
            (BUILD_GROUPS, "\"\"", "[]"),
            (NODE_POOLS, "", "[]"),
            (CONFIG, "\"\"", "{}"),
            (CONFIG, r#"{ "nodePool": {} }"#, r#"{"nodePool":{}}"#),
            (NODE_GROUPS, "groups.json", r#"[{"id":0,"type":"t3.small"}]"#),
            (NODE_GROUPS, "W3sidHlwZSI6ImEifV0=", r#"[{"id":0,"type":"a"}]"#),
        ] {
            assert_eq!(set(name, value, &[]).as_deref(), Ok(expected), "{value}");
        }
        for (value, expected) in [
            (
                "other.json",
                "invalid param 'karpenter_config' value, failed to read the file: no such file",
            ),
            ("%%", "invalid param 'karpenter_config' value: "),
            ("{", "invalid param 'karpenter_config' value: EOF while parsing"),
        ] {
            let error = set(CONFIG, value, &[]).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
