use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use serde::Serialize;

use crate::app_archive::AppArchive;
use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::flows::app::{wait_until_running, wait_until_updated};
use crate::flows::destination::unreadable;
use crate::flows::import::{import_build, import_resource};
use crate::flows::transfer::Source;
use crate::outcome::Outcome;
use crate::signals;
use convox_client::rack::{CreateApp, CreateRelease, Rack};
use convox_package::unpack::Limits;
use convox_wire::{App, AppName, Environment, ReleaseId, ResourceName};

/// Create an app of an exported one
///
/// The archive is read and checked before anything is created. Without --file, it is read from
/// stdin, which must not be a terminal.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox apps import convox-guide --file guide.tgz\n  \
                        convox apps import convox-guide -r staging < guide.tgz")]
pub(crate) struct Args {
    /// Name of the new app, instead of --app
    #[arg(value_name = "APP", value_hint = clap::ValueHint::Other)]
    name: Option<AppName>,
    /// File to read
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let archive = archive(&args, cx).await?;
    let exported = archive.app()?;
    let name = cx.app_or(args.name.as_ref())?;
    let rack = cx.rack().await?;
    let import = Import { cx, rack: &rack, app: &name, archive: &archive };
    let release = import.all(exported).await?;
    Ok(Outcome::json(Imported { app: name, release }))
}

/// Unpacks the archive of `--file`, or of the standard input.
async fn archive(args: &Args, cx: &Context) -> Result<AppArchive, CommandError> {
    let reader: Box<dyn Read + Send> = match args.file.as_deref() {
        Some(file) if file.as_os_str() != "-" => {
            let opened = std::fs::File::open(cx.path(file)?);
            Box::new(opened.map_err(|error| unreadable(file, error))?)
        }
        _ if cx.can_ask() => {
            return Err(CommandError::new("pipe a file into this command or specify --file"));
        }
        _ => {
            let (read, rest) = cx.ui.input().detach().map_err(|error| {
                CommandError::while_doing("can't read the standard input", error)
            })?;
            let start = std::io::Cursor::new(read);
            match rest {
                Some(rest) => Box::new(start.chain(rest)),
                None => Box::new(start),
            }
        }
    };
    let temp_dir = cx.settings.temp_dir();
    let unpack = move || AppArchive::unpack(reader, &temp_dir, &Limits::default());
    tokio::select! {
        unpacked = tokio::task::spawn_blocking(unpack) => Ok(unpacked.map_err(CommandError::new)??),
        signal = signals::received() => Err(CommandError::ended(signal)),
    }
}

struct Import<'a> {
    cx: &'a Context,
    rack: &'a Rack,
    app: &'a AppName,
    archive: &'a AppArchive,
}

impl Import<'_> {
    /// Creates the app and imports what the archive has. A failure after the rack has created the
    /// app, or a signal, says how to remove it.
    async fn all(&self, exported: App) -> Result<Option<ReleaseId>, CommandError> {
        let options = CreateApp { generation: exported.generation.clone(), timeout: None };
        let is_created = Cell::new(false);
        let work = async {
            let create = async {
                self.rack.create_app(self.app, &options).await?;
                is_created.set(true);
                wait_until_running(self.cx, self.rack, self.app, self.cx.wait_limit()).await
            };
            self.cx.step(format!("Creating app {}", self.app), create).await?;
            self.parts(exported.parameters).await
        };
        let _claim = signals::claim();
        let ended = tokio::select! {
            biased;
            done = work => done,
            signal = signals::received() => Err(CommandError::ended(signal)),
        };
        ended.map_err(|error| match is_created.get() {
            true => {
                let remove = Hint::command("remove what was imported with", "apps delete");
                error.hint(remove.arg(self.app))
            }
            false => error,
        })
    }

    /// Imports what the archive has. Returns the release that the app runs then.
    async fn parts(
        &self,
        parameters: BTreeMap<String, String>,
    ) -> Result<Option<ReleaseId>, CommandError> {
        let mut release = None;
        if self.archive.has_build() {
            release = self.build().await?;
        }
        if let Some(env) = self.archive.env()? {
            release = Some(self.env(env).await?);
        }
        if let Some(release) = &release {
            self.promote(release).await?;
        }
        for name in self.archive.resources()? {
            self.resource(&name).await?;
        }
        self.parameters(parameters).await?;
        Ok(release)
    }

    async fn build(&self) -> Result<Option<ReleaseId>, CommandError> {
        let source = Source::file(&self.archive.build()).await?;
        Ok(import_build(self.cx, self.rack, self.app, &source).await?.release)
    }

    async fn env(&self, env: Environment) -> Result<ReleaseId, CommandError> {
        let create = async {
            let before = self.rack.releases_before(self.app).await?;
            let options = CreateRelease { env: Some(env), ..CreateRelease::default() };
            Ok(self.rack.create_release(self.app, &options, &before).await?.id)
        };
        self.cx.step_with("Importing env", create, |id| Some(id.to_string())).await
    }

    async fn promote(&self, release: &ReleaseId) -> Result<(), CommandError> {
        let promote = async {
            let before = self.rack.app(self.app).await?;
            self.rack.promote(&before, release, None).await?;
            self.updated().await
        };
        self.cx.step(format!("Promoting {release}"), promote).await
    }

    async fn resource(&self, name: &str) -> Result<(), CommandError> {
        let source = Source::file(&self.archive.resource(name)).await?;
        let resource = ResourceName::from_rack(name);
        let work = import_resource(self.cx, self.rack, self.app, &resource, &source);
        self.cx.step(format!("Importing resource {name}"), work).await
    }

    /// Sets the parameters if any differs.
    async fn parameters(&self, wanted: BTreeMap<String, String>) -> Result<(), CommandError> {
        if wanted.is_empty() {
            return Ok(());
        }
        let current = self.rack.app_parameters(self.app).await?;
        if wanted.iter().all(|(name, value)| current.get(name) == Some(value)) {
            return Ok(());
        }
        let set = async {
            self.rack.set_app_parameters(self.app, &wanted).await?;
            self.updated().await
        };
        self.cx.step("Updating parameters", set).await
    }

    async fn updated(&self) -> Result<(), CommandError> {
        wait_until_updated(self.cx, self.rack, self.app, self.cx.wait_limit()).await.map(drop)
    }
}

#[derive(Serialize)]
struct Imported {
    app: AppName,
    release: Option<ReleaseId>,
}
