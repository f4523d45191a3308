use std::path::PathBuf;

use serde::Serialize;

use crate::app_archive::AppArchive;
use crate::commands::exported;
use crate::context::Context;
use crate::error::CommandError;
use crate::flows::transfer::{Target, export, write_out};
use crate::outcome::Outcome;
use convox_client::rack::Rack;
use convox_wire::{App, AppName, BuildId, ReleaseId, ResourceName};

/// A value that a rack does not reveal.
const HIDDEN: &str = "****";
/// Parameters that v2 racks set themselves.
const SET_BY_V2_RACKS: [&str; 4] = ["LogBucket", "ParamPassword", "Rack", "ResourcePassword"];

/// Export an app: its parameters, environment, build and the data of its resources
///
/// `apps import` creates an app of the archive, on this or another rack. A file appears under its
/// name once all of it is written; it holds the environment, so that only its owner can read it.
/// Without --file, the archive goes to stdout, which must not be a terminal.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox apps export convox-guide --file guide.tgz\n  \
                        convox apps export -a convox-guide > guide.tgz")]
pub(crate) struct Args {
    /// App name, instead of --app
    #[arg(value_name = "APP")]
    name: Option<AppName>,
    /// File to write
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let target = Target::for_data(cx, args.file.as_deref())?;
    let name = cx.app_or(args.name.as_ref())?;
    let rack = cx.rack().await?;
    let archive = AppArchive::new(&cx.settings.temp_dir())?;
    let app = cx.step(format!("Exporting app {name}"), app(&rack, &name, &archive)).await?;
    let build = match &app.release {
        Some(release) => release_parts(cx, &rack, &name, release, &archive).await?,
        None => None,
    };
    let resources = resources(cx, &rack, &name, &archive).await?;
    let packing = write_out(cx, &target, move |out| archive.pack(out));
    cx.step("Packaging export", packing).await?;
    Ok(exported(&target, Exported { app: name, release: app.release, build, resources }))
}

async fn app(rack: &Rack, name: &AppName, archive: &AppArchive) -> Result<App, CommandError> {
    let mut app = rack.app(name).await?;
    let is_ours = |name: &str| !SET_BY_V2_RACKS.contains(&name);
    app.parameters.retain(|name, value| value != HIDDEN && is_ours(name));
    archive.put_app(&app)?;
    Ok(app)
}

/// Exports the environment and the build of the active release.
async fn release_parts(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    release: &ReleaseId,
    archive: &AppArchive,
) -> Result<Option<BuildId>, CommandError> {
    let env = async {
        let release = rack.release(app, release).await?;
        archive.put_env(&release.env)?;
        Ok(release.build)
    };
    let build = cx.step("Exporting env", env).await?;
    if let Some(build) = &build {
        let target = Target::File(archive.build());
        let step = format!("Exporting build {build}");
        export(cx, &step, rack.export_build(app, build), &target).await?;
    }
    Ok(build)
}

/// The kind of resource that only caches: racks refuse to export it.
const CACHE: &str = "memcached";

/// Exports the data of all resources. v2 racks have no route for that: their answer is a 404.
async fn resources(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    archive: &AppArchive,
) -> Result<Vec<String>, CommandError> {
    let mut exported = Vec::new();
    for resource in rack.resources(app).await? {
        let name = ResourceName::from_rack(resource.name.as_str());
        let download = rack.export_resource(app, &name).await;
        if download.as_ref().is_err_and(|error| error.status() == Some(404)) {
            cx.warn("this rack can't export the data of resources; the archive has none");
            break;
        }
        if resource.kind == CACHE && download.as_ref().is_err_and(|error| error.status().is_some())
        {
            cx.notice(format!("{} is a cache and has no data to export", resource.name));
            continue;
        }
        let target = Target::File(archive.resource(&resource.name));
        let step = format!("Exporting resource {}", resource.name);
        export(cx, &step, std::future::ready(download), &target).await?;
        exported.push(resource.name);
    }
    Ok(exported)
}

#[derive(Serialize)]
struct Exported {
    app: AppName,
    release: Option<ReleaseId>,
    build: Option<BuildId>,
    resources: Vec<String>,
}
