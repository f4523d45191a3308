use serde::Serialize;

use super::{rack, url_of};
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::{Render, RenderContext, View};
use convox_wire::ResourceName;

/// Print the URL of a resource, with its password
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox resources url database\n  \
                        psql \"$(convox resources url database)\"")]
pub(crate) struct Args {
    /// Name of the resource
    resource: ResourceName,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let url = url_of(&rack(cx).await?, &app, &args.resource).await?;
    Ok(Outcome::render(Url { name: args.resource, url }))
}

#[derive(Serialize)]
struct Url {
    name: ResourceName,
    url: String,
}

impl Render for Url {
    fn render(&self, _rc: &RenderContext) -> View {
        View::Data(self.url.clone())
    }
}
