//! A Dockerfile: the port that it exposes, and the command of the image.

use super::in_shell;

/// What the last stage of a Dockerfile says about the image.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) port: Option<u16>,
    /// What the image runs, entry point included.
    pub(super) command: Option<String>,
    /// The image has an entry point, to which a command in the manifest would be passed.
    pub(super) has_entrypoint: bool,
}

/// Reads a Dockerfile. What it builds up in variables is not known.
pub(super) fn read(text: &str) -> Image {
    let (mut port, mut entrypoint, mut cmd) = (None, None, None);
    for line in logical_lines(text) {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
        match word.to_ascii_uppercase().as_str() {
            "FROM" => (port, entrypoint, cmd) = (None, None, None),
            "EXPOSE" => port = port.or_else(|| exposed(rest)),
            "ENTRYPOINT" => (entrypoint, cmd) = (words(rest), None),
            "CMD" => cmd = words(rest),
            _ => (),
        }
    }
    let has_entrypoint = entrypoint.is_some();
    let all: Vec<String> = entrypoint.into_iter().chain(cmd).collect();
    Image { port, command: (!all.is_empty()).then(|| all.join(" ")), has_entrypoint }
}

/// The lines, joined where they end in a backslash, without comments.
fn logical_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut current = String::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        match line.strip_suffix('\\') {
            Some(part) => current.push_str(part),
            None => lines.push(std::mem::take(&mut current) + line),
        }
    }
    lines.push(current);
    lines
}

fn exposed(rest: &str) -> Option<u16> {
    rest.split_whitespace().next()?.split('/').next()?.parse().ok().filter(|port| *port > 0)
}

/// A command in its JSON form, or a line for a shell.
fn words(rest: &str) -> Option<String> {
    let rest = rest.trim();
    match serde_json::from_str::<Vec<String>>(rest) {
        Ok(words) if words.is_empty() => None,
        Ok(words) => Some(shell_words::join(words)),
        Err(_) if rest.is_empty() => None,
        Err(_) => Some(in_shell(rest)),
    }
}
