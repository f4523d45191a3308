//! A package.json: `npm start`, or the main file.

use serde::Deserialize;

use super::{DEFAULT_PORT, Dev, Files, Runtime};
use crate::error::CommandError;

#[derive(Default, Deserialize)]
struct Package {
    #[serde(default)]
    scripts: Scripts,
    main: Option<String>,
}

#[derive(Default, Deserialize)]
struct Scripts {
    start: Option<String>,
}

/// Files that say which package manager an app uses, with its command to install what they lock.
const MANAGERS: &[(&str, &str, &str)] = &[
    ("pnpm-lock.yaml", "pnpm", "pnpm install --frozen-lockfile"),
    ("yarn.lock", "yarn", "yarn install --frozen-lockfile"),
    ("package-lock.json", "npm", "npm ci"),
];

/// Finds out how a Node app is run.
pub(super) fn detect(
    files: &Files<'_>,
    notices: &mut Vec<String>,
) -> Result<Option<Runtime>, CommandError> {
    let Some(text) = files.read("package.json")? else { return Ok(None) };
    let package: Package = match serde_json::from_str(&text) {
        Ok(package) => package,
        Err(error) => {
            notices.push(format!("package.json can't be read: {error}"));
            Package::default()
        }
    };
    let (_, program, install) =
        MANAGERS.iter().find(|(lock, ..)| files.has(lock)).unwrap_or(&("", "npm", "npm install"));
    let main = package.main.filter(|main| files.has(main));
    let main = main.or_else(|| {
        ["server.js", "index.js", "app.js"]
            .iter()
            .find(|name| files.has(name))
            .map(ToString::to_string)
    });
    let command = match package.scripts.start {
        Some(_) => Some(format!("{program} start")),
        None => main.map(|main| format!("node {}", shell_words::quote(&main))),
    };
    let dev =
        Dev { build: Some((*install).to_owned()), cache: Some("node_modules"), command: None };
    Ok(Some(Runtime { source: "package.json", command, port: DEFAULT_PORT, dev: Some(dev) }))
}
