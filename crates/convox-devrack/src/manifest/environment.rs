//! `environment`: a list of `KEY`, `KEY=value` and `*`.

use super::yaml::{Node, Value};
use super::{EnvironmentEntry, ManifestError};

/// Reads an `environment` at `path`. As on v3 racks, lists in the list are flattened once, so that
/// an alias can stand for several entries.
pub(super) fn read(node: &Node, path: &str) -> Result<Vec<EnvironmentEntry>, ManifestError> {
    let items = match &node.value {
        Value::Null => return Ok(Vec::new()),
        Value::List(items) => items,
        other => {
            let reason =
                format!("{path}: a list of KEY and KEY=value expected, not {}", other.kind());
            return Err(ManifestError::at(node.line, reason));
        }
    };
    let flat = items.iter().flat_map(|item| match &item.value {
        Value::List(nested) => nested.iter(),
        _ => std::slice::from_ref(item).iter(),
    });
    flat.map(|item| entry(item, path)).collect()
}

fn entry(item: &Node, path: &str) -> Result<EnvironmentEntry, ManifestError> {
    let refused = |why: &str| Err(ManifestError::at(item.line, format!("{path}: {why}")));
    let Value::Scalar(text) = &item.value else {
        return refused(&format!("KEY or KEY=value expected, not {}", item.value.kind()));
    };
    let (key, value) = match text.split_once('=') {
        Some((key, value)) => (key.trim(), Some(value)),
        None => (text.trim(), None),
    };
    if key.is_empty() {
        return refused("the name of a variable is empty");
    }
    if key.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return refused(&format!("{key:?} is not the name of a variable"));
    }
    match value {
        // The system can't pass it to a program.
        Some(value) if value.contains('\0') => {
            refused(&format!("the value of {key} contains a NUL"))
        }
        Some(value) => Ok(EnvironmentEntry::Default(key.to_owned(), value.to_owned())),
        None if key == "*" => Ok(EnvironmentEntry::All),
        None => Ok(EnvironmentEntry::Required(key.to_owned())),
    }
}
