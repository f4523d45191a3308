use serde::Serialize;

use super::parse;
use super::wait::{Goal, until_done};
use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::outcome::Outcome;
use convox_wire::RackResourceName;

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
    let create = async {
        let types = Hint::command("list the types with", "rack resources types");
        let created = rack.create_rack_resource(&args.kind, name, &options).await;
        let created = created.map_err(|error| CommandError::about_named(error, types))?;
        let name = RackResourceName::from_rack(created.resource.name);
        until_done(cx, &rack, &name, Goal::Running).await?;
        Ok(name)
    };
    let name = cx.step_with("Creating resource", create, |name| Some(name.to_string())).await?;
    Ok(Outcome::json(Created { resource: name, kind: args.kind }))
}

#[derive(Serialize)]
struct Created {
    resource: RackResourceName,
    #[serde(rename = "type")]
    kind: String,
}
