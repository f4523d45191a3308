//! A first `convox.yml` for a directory, from what is in it: a Procfile, a package.json, a
//! requirements.txt and a Dockerfile.

mod dockerfile;
mod node;
mod procfile;
mod python;
mod yaml;

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use serde::Serialize;

use crate::error::{CommandError, Hint};

/// Files that are larger are not what their names say.
const MAX_FILE: u64 = 1024 * 1024;

/// The port of a service that states none.
const DEFAULT_PORT: u16 = 3000;

/// The contents of a first manifest.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Starter {
    /// At least one.
    pub(crate) services: Vec<StarterService>,
    /// The files that it was made from.
    pub(crate) sources: Vec<&'static str>,
    /// What people should know about it.
    pub(crate) notices: Vec<String>,
}

/// A service of a first manifest.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct StarterService {
    pub(crate) name: String,
    pub(crate) command: Option<String>,
    pub(crate) port: Option<u16>,
    /// What only the development rack does.
    #[serde(skip)]
    pub(crate) dev: Option<Dev>,
}

/// The keys of `x-dev`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Dev {
    pub(crate) build: Option<String>,
    pub(crate) cache: Option<&'static str>,
    pub(crate) command: Option<String>,
}

/// What a language's own files say about how to run the app.
struct Runtime {
    source: &'static str,
    command: Option<String>,
    port: u16,
    dev: Option<Dev>,
}

impl Starter {
    /// Looks at a directory.
    ///
    /// # Errors
    /// One of the files can't be read.
    pub(crate) fn detect(dir: &Path) -> Result<Self, CommandError> {
        let files = Files(dir);
        let mut starter = Self::default();
        let runtime = match node::detect(&files, &mut starter.notices)? {
            Some(runtime) => Some(runtime),
            None => python::detect(&files)?,
        };
        let image = files.read("Dockerfile")?.map(|text| dockerfile::read(&text));
        match files.read("Procfile")? {
            Some(text) => starter.add_procfile(&text),
            None => starter.services.push(StarterService::web()),
        }
        starter.complete(runtime, image.as_ref());
        Ok(starter)
    }

    fn add_procfile(&mut self, text: &str) {
        let processes = procfile::read(text, &mut self.notices);
        if processes.is_empty() {
            self.services.push(StarterService::web());
        } else {
            self.sources.push("Procfile");
            self.services.extend(processes);
        }
    }

    /// Adds what the language and the Dockerfile say to what the Procfile says, which wins.
    fn complete(&mut self, runtime: Option<Runtime>, image: Option<&dockerfile::Image>) {
        let port = image.and_then(|image| image.port);
        let port = port.or(runtime.as_ref().map(|runtime| runtime.port)).unwrap_or(DEFAULT_PORT);
        for service in &mut self.services {
            if service.name == "web" {
                service.port = Some(port);
            }
            if let Some(runtime) = &runtime {
                service.run_with(runtime);
            }
            if let Some(image) = image {
                service.run_in(image);
            }
        }
        self.sources.extend(runtime.map(|runtime| runtime.source));
        match image {
            Some(_) => self.sources.push("Dockerfile"),
            None => self.notices.push(
                "racks build services from a Dockerfile, and there is none yet; the development \
                 rack needs none"
                    .to_owned(),
            ),
        }
        if self.services.iter().any(|service| service.command.is_none() && service.dev.is_none()) {
            self.notices.push(
                "the development rack needs a command for each service: add it to convox.yml"
                    .to_owned(),
            );
        }
    }

    /// The text of the manifest.
    pub(crate) fn manifest(&self) -> String {
        yaml::write(&self.services)
    }
}

impl StarterService {
    fn web() -> Self {
        Self { name: "web".to_owned(), ..Self::default() }
    }

    fn run_with(&mut self, runtime: &Runtime) {
        let from_procfile = self.command.is_some();
        if !from_procfile {
            self.command.clone_from(&runtime.command);
        }
        self.dev.clone_from(&runtime.dev);
        if let Some(dev) = self.dev.as_mut().filter(|_| from_procfile) {
            // Packages that were installed for this rack are found by `python::with_packages` only.
            dev.command =
                dev.command.as_ref().and(self.command.as_deref().map(python::with_packages));
        }
    }

    fn run_in(&mut self, image: &dockerfile::Image) {
        if self.command.is_some() {
            return;
        }
        if image.has_entrypoint {
            let dev = self.dev.get_or_insert_default();
            dev.command = dev.command.take().or_else(|| image.command.clone());
        } else {
            self.command.clone_from(&image.command);
        }
    }
}

/// Adds advice to the error about a directory without a manifest. `given` is how it was named.
pub(crate) fn advise(error: CommandError, given: &Path, dir: &Path) -> CommandError {
    // If a file can't be read, `init` says so.
    let Ok(starter) = Starter::detect(dir) else { return error };
    let init = Hint::command("write this one with", "init");
    let init = if given == Path::new(".") { init } else { init.arg(given.display()) };
    let others = error.hints().to_vec();
    let manifest = starter.manifest();
    let lines = manifest.lines().map(|line| Hint::from(format!("  {line}")));
    let hints: Vec<Hint> = std::iter::once(init).chain(lines).chain(others).collect();
    error.with_hints(hints)
}

/// The files of a directory.
struct Files<'a>(&'a Path);

impl Files<'_> {
    fn has(&self, name: &str) -> bool {
        self.0.join(name).is_file()
    }

    /// The text of a file; `None` if there is no regular file of this name.
    fn read(&self, name: &str) -> Result<Option<String>, CommandError> {
        let path = self.0.join(name);
        if !path.is_file() {
            return Ok(None);
        }
        let failed = |error: io::Error| CommandError::while_doing(path.display(), error);
        let file = fs::File::open(&path).map_err(failed)?;
        let mut bytes = Vec::new();
        file.take(MAX_FILE).read_to_end(&mut bytes).map_err(failed)?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }
}

/// A command for a manifest, which is run without a shell: one that needs a shell starts it.
/// `${NAME}` would be replaced in the manifest, `$NAME` is left to the shell.
fn in_shell(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("${") {
        plain.push_str(before);
        match after.split_once('}') {
            Some((inner, after)) if !name_of(inner).is_empty() => {
                plain.push('$');
                plain.push_str(name_of(inner));
                if after.starts_with(|next: char| next == '_' || next.is_ascii_alphanumeric()) {
                    plain.push_str("''");
                }
                rest = after;
            }
            _ => {
                plain.push_str("${");
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    let needs_shell = plain.contains(['$', '`', '|', '&', ';', '<', '>', '*', '?', '~'])
        || plain.split(' ').next().is_some_and(|first| first.contains('='));
    if needs_shell { format!("sh -c {}", shell_words::quote(&plain)) } else { plain }
}

/// The variable of `NAME` or `NAME:-default`. A default would be lost with the braces.
fn name_of(inner: &str) -> &str {
    let end = inner.find(|one: char| one != '_' && !one.is_ascii_alphanumeric());
    &inner[..end.unwrap_or(inner.len())]
}

#[cfg(test)]
mod tests;
