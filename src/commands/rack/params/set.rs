use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::Serialize;

use super::checks::{self, RequestedParams};
use super::v2;
use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::flows::managed_rack::ManagedRack;
use crate::flows::rack_update;
use crate::outcome::Outcome;
use crate::settings::ExposeSecret;
use convox_client::rack::SystemUpdate;

/// Set parameters of a rack
///
/// Returns once the change is accepted; with --wait, once it is done. On a rack that Terraform
/// manages on this machine, Terraform applies the change, and its output is shown.
///
/// The value of a parameter that is a JSON document is the document, the name of a file that ends in
/// `.json`, or the document in base64.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack params set idle_timeout=7200\n  \
                        convox rack params set node_type=t3.large node_disk=50 -r staging\n  \
                        convox rack params set additional_node_groups_config=groups.json\n  \
                        convox rack params set docker_hub_username=ada --stdin docker_hub_password < token")]
pub(crate) struct Args {
    /// Parameters to set
    #[arg(value_name = "KEY=VALUE")]
    pairs: Vec<String>,
    /// Set this parameter to the first line of stdin, so that a password is not on the command line
    #[arg(long, value_name = "KEY")]
    stdin: Option<String>,
    /// Set unknown and managed parameters, too
    #[arg(short, long)]
    force: bool,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let mut given = parse(&args.pairs)?;
    if let Some(name) = args.stdin {
        let line = cx.read_secret_line().await?;
        let line = line.ok_or_else(|| CommandError::usage("no value was given on stdin"))?;
        given.insert(name, line.expose_secret().to_owned());
    }
    if given.is_empty() {
        return Err(
            CommandError::usage("no parameter was given").hint("give KEY=VALUE, or --stdin KEY")
        );
    }
    let managed = ManagedRack::find(cx).await?;
    let current = managed.current().await?;
    let read = |file: &str| {
        let path = cx.path(Path::new(file)).map_err(|error| io::Error::other(error.message()))?;
        std::fs::read(path)
    };
    let mut call = RequestedParams::new(given, &current, args.force, &read);
    let checked = checks::check(&mut call).await;
    let adds_balancer = v2::adds_balancer(&call);
    let RequestedParams { new: parameters, warnings, .. } = call;
    for warning in &warnings {
        warn(cx, warning);
    }
    checked?;
    let update = SystemUpdate { parameters: parameters.clone(), ..SystemUpdate::default() };
    rack_update::step(cx, &managed, "Updating parameters", update).await?;
    if adds_balancer {
        cx.notice_with(
            "NLB provisioning typically takes 5-10 minutes",
            [Hint::command("check its status with", "rack")],
        );
    }
    Ok(Outcome::json(Set { parameters }))
}

/// Prints a warning. What follows its first line is on lines of its own.
fn warn(cx: &Context, warning: &str) {
    let mut lines = warning.lines();
    cx.warn(lines.next().unwrap_or_default());
    lines.for_each(|line| cx.ui.error_line(line));
}

/// Parses `KEY=VALUE` arguments; of equal keys the last one counts.
fn parse(pairs: &[String]) -> Result<BTreeMap<String, String>, CommandError> {
    let parsed = pairs.iter().map(|pair| match pair.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.to_owned(), value.to_owned())),
        Some(_) => {
            Err(CommandError::new(format!("invalid parameter \"{pair}\", key must not be empty")))
        }
        None => Err(CommandError::new(format!(
            "invalid parameter \"{pair}\", expected Key=Value format (use -r to specify rack)"
        ))),
    });
    parsed.collect()
}

#[derive(Serialize)]
struct Set {
    parameters: BTreeMap<String, String>,
}
