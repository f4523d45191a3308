use std::collections::BTreeMap;

use serde::Serialize;

use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::event::Event;
use crate::flows::update::roll_out;
use crate::outcome::Outcome;
use convox_wire::{App, AppName};

/// Set parameters of an app
///
/// Waits until the app runs with them. A parameter that the rack does not take is an error.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox apps params set BuildMem=2048\n  \
                        convox apps params set BuildMem=2048 BuildCpu=512 -a convox-guide")]
pub(crate) struct Args {
    /// Parameters to set
    #[arg(value_name = "KEY=VALUE", required = true)]
    pairs: Vec<String>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let parameters = parse(&args.pairs)?;
    let app = cx.app()?;
    let rack = cx.rack().await?;
    let set = rack.set_app_parameters(&app, &parameters);
    let updated = roll_out(cx, &rack, &app, "Updating parameters", set).await?;
    check(&updated, &parameters)?;
    cx.emit(Event::Done(None))?;
    Ok(Outcome::json(Set { app, parameters }))
}

/// Racks ignore parameters that they do not know.
fn check(app: &App, wanted: &BTreeMap<String, String>) -> Result<(), CommandError> {
    let is_ignored = |(name, value): &(&String, &String)| app.parameters.get(*name) != Some(*value);
    let ignored: Vec<&str> =
        wanted.iter().filter(is_ignored).map(|(name, _)| name.as_str()).collect();
    if ignored.is_empty() {
        return Ok(());
    }
    let lead = format!("the rack has not taken {}; see", ignored.join(", "));
    Err(CommandError::new("failed to set params")
        .hint(Hint::command(lead, "apps params").arg(&app.name)))
}

/// Parses `KEY=VALUE` arguments; of equal keys the last one counts.
fn parse(pairs: &[String]) -> Result<BTreeMap<String, String>, CommandError> {
    let parsed = pairs.iter().map(|pair| match pair.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        // A value may be a secret.
        Some(_) => Err(CommandError::new("Key=Value expected: the name before = is empty")),
        None => Err(CommandError::new(format!("Key=Value expected: {pair}"))),
    });
    parsed.collect()
}

#[derive(Serialize)]
struct Set {
    app: AppName,
    parameters: BTreeMap<String, String>,
}
