//! A requirements.txt: the web server that it names, or the main file.

use super::{Dev, Files, Runtime, in_shell};
use crate::error::CommandError;

/// Where packages are installed for the development rack. It copies directories, which a virtual
/// environment does not survive.
const PACKAGES: &str = ".packages";

const INSTALL: &str = "python3 -m pip install -r requirements.txt --target .packages --upgrade";

/// Finds out how a Python app is run.
pub(super) fn detect(files: &Files<'_>) -> Result<Option<Runtime>, CommandError> {
    let Some(text) = files.read("requirements.txt")? else { return Ok(None) };
    let names: Vec<String> = text.lines().filter_map(requirement).collect();
    let has = |name: &str| names.iter().any(|one| one == name);
    let module = ["app", "main", "web", "wsgi", "server"]
        .into_iter()
        .find(|name| files.has(&format!("{name}.py")));
    let (line, port) = match module {
        _ if files.has("manage.py") => {
            (Some("python3 manage.py runserver 0.0.0.0:$PORT".to_owned()), 8000)
        }
        Some(module) if has("gunicorn") => {
            (Some(format!("python3 -m gunicorn --bind 0.0.0.0:$PORT {module}:app")), 8000)
        }
        Some(module) if has("uvicorn") || has("fastapi") => {
            (Some(format!("python3 -m uvicorn {module}:app --host 0.0.0.0 --port $PORT")), 8000)
        }
        Some(module) if has("flask") => {
            (Some(format!("python3 -m flask --app {module} run --host 0.0.0.0 --port $PORT")), 5000)
        }
        Some(module) => (Some(format!("python3 {module}.py")), 8000),
        None => (None, 8000),
    };
    let dev = (!names.is_empty()).then(|| Dev {
        build: Some(INSTALL.to_owned()),
        cache: Some(PACKAGES),
        command: line.as_deref().map(with_packages),
    });
    let command = line.as_deref().map(in_shell);
    Ok(Some(Runtime { source: "requirements.txt", command, port, dev }))
}

/// The name in a line of a requirements.txt, in lower case.
fn requirement(line: &str) -> Option<String> {
    let line = line.trim();
    let end = line.find(|one: char| !(one.is_ascii_alphanumeric() || "-_.".contains(one)));
    let name = &line[..end.unwrap_or(line.len())];
    name.starts_with(|one: char| one.is_ascii_alphanumeric()).then(|| name.to_lowercase())
}

/// A command that finds the installed packages.
pub(super) fn with_packages(line: &str) -> String {
    in_shell(&format!("PYTHONPATH={PACKAGES} exec {line}"))
}
