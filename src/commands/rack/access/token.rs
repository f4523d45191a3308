use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::{Render, RenderContext, View};
use crate::settings::ExposeSecret;

/// Print a RACK_URL with a token that expires
///
/// Whoever has it has the rights of the role until then. Unlike the rack's password, it can be made
/// invalid: see `rack access key rotate`.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack access --role read --duration-in-hours 2\n  \
                        eval export \"$(convox rack access --role write --duration-in-hours 1)\"")]
pub(crate) struct Args {
    /// read, write or admin (v3 racks)
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Hours until the token expires
    #[arg(long, value_name = "HOURS")]
    duration_in_hours: Option<u32>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let role = args.role.filter(|role| !role.is_empty()).ok_or_else(|| {
        CommandError::new("role is required").hint("choose one with --role: read, write or admin")
    })?;
    let hours = args.duration_in_hours.ok_or_else(|| {
        CommandError::new("duration is required").hint("give it in hours, with --duration-in-hours")
    })?;
    let rack = cx.rack().await?;
    let host = rack.system().await?.rack_domain;
    let host = host.ok_or_else(|| CommandError::new("the rack does not report its own address"))?;
    let token = rack.create_token(&role, hours).await?;
    let rack_url = format!("https://jwt:{}@{host}", token.expose_secret());
    Ok(Outcome::render(Access { rack_url, role }))
}

#[derive(Serialize)]
struct Access {
    rack_url: String,
    role: String,
}

impl Render for Access {
    fn render(&self, _rc: &RenderContext) -> View {
        View::Data(format!("RACK_URL={}", self.rack_url))
    }
}
