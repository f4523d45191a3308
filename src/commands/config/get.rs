use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::{Render, RenderContext, View};

/// Print a config of an app
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox config get nginx.conf\n  \
                        convox config get nginx.conf > nginx.conf")]
pub(crate) struct Args {
    /// Name of the config
    name: String,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let config = cx.rack().await?.config(&app, &args.name).await?;
    Ok(Outcome::render(Config { name: args.name, value: config.value }))
}

#[derive(Serialize)]
struct Config {
    name: String,
    value: String,
}

impl Render for Config {
    fn render(&self, _rc: &RenderContext) -> View {
        View::Data(self.value.clone())
    }
}
