use serde::Serialize;

use super::config;
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::{Render, RenderContext, View};

/// Print the role of a rack's certificate manager
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  convox letsencrypt dns route53 role\n  convox letsencrypt dns route53 role -r acme/production"
)]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let role = config(&cx.rack().await?).await?.role;
    Ok(Outcome::render(Role { role }))
}

#[derive(Serialize)]
struct Role {
    role: String,
}

impl Render for Role {
    fn render(&self, _rc: &RenderContext) -> View {
        View::Data(self.role.clone())
    }
}
