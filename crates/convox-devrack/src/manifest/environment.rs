//! `environment`: a list of `KEY` and `KEY=value`, or a map.

use super::yaml::{Entry, Node, Value};
use super::{EnvironmentEntry, ManifestError};

/// Reads an `environment` at `path`. A later entry of the same key replaces an earlier one.
pub(super) fn read(node: &Node, path: &str) -> Result<Vec<EnvironmentEntry>, ManifestError> {
    let entries = match &node.value {
        Value::Null => Vec::new(),
        Value::List(items) => {
            items.iter().map(|item| from_item(item, path)).collect::<Result<_, _>>()?
        }
        Value::Map(entries) => {
            entries.iter().map(|e| from_entry(e, path)).collect::<Result<_, _>>()?
        }
        Value::Scalar(_) => {
            let reason =
                format!("{path}: a list of KEY and KEY=value expected, not a single value");
            return Err(ManifestError::at(node.line, reason));
        }
    };
    Ok(last_of_each(entries.into_iter().flatten()))
}

fn last_of_each(entries: impl Iterator<Item = EnvironmentEntry>) -> Vec<EnvironmentEntry> {
    let mut kept: Vec<EnvironmentEntry> = Vec::new();
    for entry in entries {
        kept.retain(|earlier| earlier.key() != entry.key());
        kept.push(entry);
    }
    kept
}

fn from_item(item: &Node, path: &str) -> Result<Option<EnvironmentEntry>, ManifestError> {
    let Value::Scalar(text) = &item.value else {
        let reason = format!("{path}: KEY or KEY=value expected, not {}", item.value.kind());
        return Err(ManifestError::at(item.line, reason));
    };
    // On real racks `*` lets every variable of the release through; here all get through anyway.
    if text == "*" {
        return Ok(None);
    }
    let (key, value) = match text.split_once('=') {
        Some((key, value)) => (key.trim(), Some(value)),
        None => (text.trim(), None),
    };
    entry(key, value, item.line, path).map(Some)
}

fn from_entry(pair: &Entry, path: &str) -> Result<Option<EnvironmentEntry>, ManifestError> {
    let value = match &pair.node.value {
        Value::Null => None,
        Value::Scalar(text) => Some(text.as_str()),
        other => {
            let reason = format!("{path}.{}: a value expected, not {}", pair.key, other.kind());
            return Err(ManifestError::at(pair.line, reason));
        }
    };
    entry(pair.key.trim(), value, pair.line, path).map(Some)
}

fn entry(
    key: &str,
    value: Option<&str>,
    line: usize,
    path: &str,
) -> Result<EnvironmentEntry, ManifestError> {
    let refused = |why: &str| Err(ManifestError::at(line, format!("{path}: {why}")));
    if key.is_empty() {
        return refused("the name of a variable is empty");
    }
    if key.contains(|c: char| c.is_whitespace() || c.is_control() || c == '=') {
        return refused(&format!("{key:?} is not the name of a variable"));
    }
    match value {
        // The system can't pass it to a program.
        Some(value) if value.contains('\0') => {
            refused(&format!("the value of {key} contains a NUL"))
        }
        Some(value) => Ok(EnvironmentEntry::Default(key.to_owned(), value.to_owned())),
        None => Ok(EnvironmentEntry::Required(key.to_owned())),
    }
}
