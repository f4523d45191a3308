use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::event::Event;
use crate::flows::starter::{Starter, StarterService};
use crate::outcome::Outcome;

/// The name of the manifest.
const MANIFEST: &str = "convox.yml";

/// Write a first convox.yml for a directory
///
/// The commands and the port of the services come from the directory's Procfile, package.json,
/// requirements.txt and Dockerfile. Asks nothing, and never replaces an existing file.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox init\n  convox init services/api")]
pub(crate) struct Args {
    /// Directory of the app
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let dir = cx.path(&args.dir)?;
    if !dir.is_dir() {
        return Err(CommandError::new(format!("no such directory: {}", args.dir.display())));
    }
    let starter = Starter::detect(&dir)?;
    let is_here = args.dir == Path::new(".");
    let name = if is_here { MANIFEST.into() } else { args.dir.join(MANIFEST) };
    let path = dir.join(MANIFEST);
    write(&path, &name, &starter.manifest())?;
    cx.emit(Event::Line(format!("Wrote {}, with {}", name.display(), summary(&starter))))?;
    for notice in &starter.notices {
        cx.notice(notice);
    }
    let deploy = Hint::command("try it on the development rack with", "deploy").arg("--create");
    let deploy = if is_here { deploy } else { deploy.arg(args.dir.display()) };
    cx.notice_with("the app is not deployed yet", [deploy.arg("-r").arg("dev")]);
    Ok(Outcome::json(Initialized { path, services: starter.services, sources: starter.sources }))
}

/// The services, and where they come from.
fn summary(starter: &Starter) -> String {
    let names: Vec<&str> = starter.services.iter().map(|service| service.name.as_str()).collect();
    let noun = if names.len() == 1 { "service" } else { "services" };
    let summary = format!("the {noun} {}", names.join(", "));
    match starter.sources.as_slice() {
        [] => summary,
        sources => format!("{summary} (from {})", sources.join(", ")),
    }
}

/// Writes a file that does not exist yet. `name` is how the command line names it.
fn write(path: &Path, name: &Path, text: &str) -> Result<(), CommandError> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    match file.and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(CommandError::new(format!("{} exists already", name.display()))
                .hint("it was not changed; remove it first to get a new one"))
        }
        Err(error) => {
            Err(CommandError::while_doing(format!("{} can't be written", name.display()), error))
        }
    }
}

#[derive(Serialize)]
struct Initialized {
    path: PathBuf,
    services: Vec<StarterService>,
    /// The files that the services were found in.
    sources: Vec<&'static str>,
}
