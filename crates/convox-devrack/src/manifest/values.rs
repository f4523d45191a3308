//! Values of a service: commands, ports and names.

use std::path::{Component, Path};

use super::ManifestError;
use super::yaml::{Entry, Node, Value};

/// Refuses a `command` that is not a string, as v3 racks do.
pub(super) fn check_is_text(node: &Node, path: &str) -> Result<(), ManifestError> {
    match &node.value {
        Value::Null | Value::Scalar(_) => Ok(()),
        Value::List(_) | Value::Map(_) => Err(wrong(node, path, "a string")),
    }
}

/// Reads a single word.
pub(super) fn word(node: &Node, path: &str) -> Result<String, ManifestError> {
    match &node.value {
        Value::Scalar(text) => Ok(text.clone()),
        _ => Err(wrong(node, path, "a word")),
    }
}

/// Reads a program and its arguments: a list, or a string that is split with the quoting rules of a
/// shell.
pub(super) fn command(node: &Node, path: &str) -> Result<Option<Vec<String>>, ManifestError> {
    let words = match &node.value {
        Value::Null => return Ok(None),
        Value::Scalar(text) => split(text, node.line, path)?,
        Value::List(items) => list(items, path)?,
        Value::Map(_) => return Err(wrong(node, path, "a string or a list")),
    };
    if words.iter().any(|word| word.contains('\0')) {
        return Err(ManifestError::at(node.line, format!("{path}: contains a NUL")));
    }
    Ok(Some(words).filter(|words| words.first().is_some_and(|program| !program.is_empty())))
}

/// Reads a build step: a list is run as it is, a string by `sh -c`.
pub(super) fn step(node: &Node, path: &str) -> Result<Option<Vec<String>>, ManifestError> {
    let Value::Scalar(text) = &node.value else { return command(node, path) };
    if text.contains('\0') {
        return Err(ManifestError::at(node.line, format!("{path}: contains a NUL")));
    }
    let by_shell = || vec!["sh".to_owned(), "-c".to_owned(), text.clone()];
    Ok((!text.trim().is_empty()).then(by_shell))
}

/// Reads directories inside the source: one, or a list.
pub(super) fn directories(node: &Node, path: &str) -> Result<Vec<String>, ManifestError> {
    let names = match &node.value {
        Value::Null => Vec::new(),
        Value::Scalar(text) => vec![text.clone()],
        Value::List(items) => list(items, path)?,
        Value::Map(_) => return Err(wrong(node, path, "a directory or a list")),
    };
    let is_inside = |name: &str| {
        let mut parts = Path::new(name).components();
        !name.is_empty()
            && !name.contains('\0')
            && parts.all(|part| matches!(part, Component::Normal(_)))
    };
    match names.iter().find(|name| !is_inside(name)) {
        Some(name) => {
            let reason =
                format!("{path}: {name:?} is not a directory in the source, such as node_modules");
            Err(ManifestError::at(node.line, reason))
        }
        None => Ok(names),
    }
}

fn split(text: &str, line: usize, path: &str) -> Result<Vec<String>, ManifestError> {
    shell_words::split(text)
        .map_err(|_| ManifestError::at(line, format!("{path}: a quote is not closed in {text:?}")))
}

fn list(items: &[Node], path: &str) -> Result<Vec<String>, ManifestError> {
    items
        .iter()
        .map(|item| match &item.value {
            Value::Scalar(text) => Ok(text.clone()),
            _ => Err(wrong(item, path, "a word")),
        })
        .collect()
}

/// Returns whether a command relies on a shell, but is run without one.
pub(super) fn wants_a_shell(node: &Node) -> bool {
    let Value::Scalar(text) = &node.value else { return false };
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some('"'), '$' | '`') | (None, '$' | '`' | '|' | '&' | ';' | '<' | '>') => {
                // `sh -c '…'` starts a shell itself.
                return !text.trim_start().starts_with("sh -c");
            }
            (None, '\'' | '"') => quote = Some(c),
            _ => {}
        }
    }
    false
}

/// Reads a port: `3000`, `"3000"`, `http:3000` or a map with `port`, as on real racks.
pub(super) fn port(node: &Node, path: &str) -> Result<Option<u16>, ManifestError> {
    match &node.value {
        Value::Null => Ok(None),
        Value::Scalar(text) => number(text, node.line, path).map(Some),
        Value::Map(entries) => port_of_map(node, entries, path),
        Value::List(_) => Err(wrong(node, path, "a port")),
    }
}

/// Returns the scheme of a port, if it has one.
pub(super) fn scheme(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Scalar(text) => text.rsplit_once(':').map(|(scheme, _)| scheme),
        Value::Map(entries) => {
            match &entries.iter().find(|entry| entry.key == "scheme")?.node.value {
                Value::Scalar(scheme) => Some(scheme),
                _ => None,
            }
        }
        _ => None,
    }
}

fn port_of_map(node: &Node, entries: &[Entry], path: &str) -> Result<Option<u16>, ManifestError> {
    let inner = entries.iter().find(|entry| entry.key == "port");
    match inner.map(|entry| &entry.node) {
        Some(Node { line, value: Value::Scalar(text) }) => {
            number(text, *line, &format!("{path}.port")).map(Some)
        }
        _ => Err(ManifestError::at(node.line, format!("{path}: its own `port` is missing"))),
    }
}

fn number(text: &str, line: usize, path: &str) -> Result<u16, ManifestError> {
    let digits = match text.rsplit_once(':') {
        Some((scheme, digits)) if is_scheme(scheme) => digits,
        Some(_) => "",
        None => text,
    };
    match digits.parse::<u16>() {
        Ok(port) if port > 0 && !digits.starts_with('+') => Ok(port),
        _ => {
            let reason = format!("{path}: {text:?} is not a port, for example 3000 or http:3000");
            Err(ManifestError::at(line, reason))
        }
    }
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
}

/// Returns whether a text can be the name of a service, which is part of host names on real racks.
pub(super) fn is_service_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.len() <= 63
        && text.chars().all(fits)
}

fn wrong(node: &Node, path: &str, expected: &str) -> ManifestError {
    ManifestError::at(node.line, format!("{path}: {expected} expected, not {}", node.value.kind()))
}
