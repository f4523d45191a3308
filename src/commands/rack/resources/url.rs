use serde::Serialize;

use super::url_of;
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::{Render, RenderContext, View};
use convox_wire::RackResourceName;

/// Print the URL of a resource of a rack
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack resources url database\n  \
                        convox rack resources url database --json")]
pub(crate) struct Args {
    /// Name of the resource
    resource: RackResourceName,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let name = args.resource;
    let url = url_of(&cx.rack().await?, &name).await?;
    Ok(Outcome::render(Url { name, url }))
}

#[derive(Serialize)]
struct Url {
    name: RackResourceName,
    url: String,
}

impl Render for Url {
    fn render(&self, _rc: &RenderContext) -> View {
        View::Data(self.url.clone())
    }
}
