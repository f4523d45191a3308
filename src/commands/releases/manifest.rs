use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::{Render, RenderContext, View};
use convox_wire::ReleaseId;

/// Show the manifest of a release
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox releases manifest RZYWJKKRDLI\n  \
                        convox releases manifest RZYWJKKRDLI > convox.yml")]
pub(crate) struct Args {
    /// Release id
    release: ReleaseId,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let rack = cx.rack().await?;
    let release = rack.release(&app, &args.release).await?;
    let Some(build) = release.build else {
        return Err(CommandError::new(format!("no build for release: {}", args.release)));
    };
    let manifest = rack.build(&app, &build).await?.manifest.unwrap_or_default();
    Ok(Outcome::render(Manifest { release: args.release, manifest }))
}

#[derive(Serialize)]
struct Manifest {
    release: ReleaseId,
    manifest: String,
}

impl Render for Manifest {
    fn render(&self, _rc: &RenderContext) -> View {
        View::Data(self.manifest.trim().to_owned())
    }
}
