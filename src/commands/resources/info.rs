use serde::Serialize;

use super::list::Row;
use super::{rack, without_password};
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::info::InfoBlock;
use crate::output::{Render, RenderContext, View};
use convox_wire::ResourceName;

/// Show a resource of an app
///
/// On a terminal, the password in the URL is hidden unless --reveal is given.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox resources info database\n  \
                        convox resources info database --reveal")]
pub(crate) struct Args {
    /// Name of the resource
    resource: ResourceName,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let resource = rack(cx).await?.resource(&app, &args.resource).await?;
    let resource = if cx.reveals() { resource } else { without_password(resource) };
    Ok(Outcome::render(ResourceInfo(resource.into())))
}

#[derive(Serialize)]
#[serde(transparent)]
struct ResourceInfo(Row);

impl Render for ResourceInfo {
    fn render(&self, _rc: &RenderContext) -> View {
        let Row { name, kind, url } = &self.0;
        let mut info = InfoBlock::new();
        info.entry("Name", name);
        info.entry("Type", kind);
        if let Some(url) = url {
            info.entry("URL", url);
        }
        View::Info(info)
    }
}
