use serde::Serialize;

use super::parse;
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;

/// Create a resource of a rack
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack resources create postgres storage=40\n  \
                        convox rack resources create postgres -n database")]
pub(crate) struct Args {
    /// Type of the resource
    #[arg(value_name = "TYPE")]
    kind: String,
    /// Options of the resource
    #[arg(value_name = "NAME=VALUE")]
    options: Vec<String>,
    /// Name of the resource; the rack's choice by default
    #[arg(short, long, value_name = "NAME")]
    name: Option<String>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let options = parse(&args.options)?;
    let rack = cx.rack().await?;
    let name = args.name.as_deref();
    let create =
        async { Ok(rack.create_rack_resource(&args.kind, name, &options).await?.resource.name) };
    let name = cx.step_with("Creating resource", create, |name| Some(name.clone())).await?;
    Ok(Outcome::json(Created { resource: name, kind: args.kind }))
}

#[derive(Serialize)]
struct Created {
    resource: String,
    #[serde(rename = "type")]
    kind: String,
}
