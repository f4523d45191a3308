use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::flows::environment::{AfterChange, Change, change};
use crate::outcome::Outcome;
use convox_wire::{AppName, EnvVar, Release, ReleaseId};

/// Set environment variables in a new release
///
/// Reads KEY=VALUE lines from stdin if there are no arguments, for an argument -, or if stdin is a
/// file.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox env set COLOR=teal --promote\n  \
                        convox env set - < production.env")]
pub(crate) struct Args {
    /// Variables to set
    #[arg(value_name = "KEY=VALUE")]
    pairs: Vec<String>,
    /// Remove all other variables
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    then: ThenFlags,
}

// What follows a change.
#[derive(clap::Args)]
pub(super) struct ThenFlags {
    /// Promote the new release and wait until it is running
    #[arg(short, long)]
    promote: bool,
    /// Start from the environment of this release instead of the newest
    #[arg(long, value_name = "RELEASE")]
    release: Option<ReleaseId>,
}

impl ThenFlags {
    pub(super) fn then(self) -> AfterChange {
        AfterChange { base: self.release, promote: self.promote }
    }
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let pairs = pairs(cx, &args.pairs).await?;
    let wanted = if args.replace { Change::Replace(pairs) } else { Change::Set(pairs) };
    let rack = cx.rack().await?;
    let release = change(cx, &rack, &app, wanted, args.then.then()).await?;
    Ok(outcome(app, release))
}

/// The variables of the arguments, then those of the standard input.
async fn pairs(cx: &Context, given: &[String]) -> Result<Vec<EnvVar>, CommandError> {
    let arguments = given.iter().filter(|text| *text != "-");
    let mut pairs: Vec<EnvVar> = arguments
        .map(|text| text.parse())
        .collect::<Result<_, _>>()
        .map_err(CommandError::usage)?;
    if let Some(text) = cx.requested_input(given).await? {
        let lines = EnvVar::parse_lines(&text).map_err(CommandError::usage)?;
        warn_of_quotes(cx, &lines);
        pairs.extend(lines);
    }
    if pairs.is_empty() {
        return Err(CommandError::usage(
            "nothing to set: give KEY=VALUE, or lines of it on the standard input",
        ));
    }
    Ok(pairs)
}

/// A shell would have removed the quotes.
fn warn_of_quotes(cx: &Context, lines: &[EnvVar]) {
    let quoted = lines.iter().filter(|line| line.is_quoted()).map(EnvVar::key);
    let quoted = quoted.collect::<Vec<_>>().join(", ");
    if !quoted.is_empty() {
        cx.warn(format!("the quotes around the value are kept as part of it: {quoted}"));
    }
}

/// The result of `env set` and `env unset`.
pub(super) fn outcome(app: AppName, release: Option<Release>) -> Outcome {
    let id = release.map(|release| release.id);
    let outcome = Outcome::json(Changed { app, release: id.clone() });
    match id {
        Some(id) => outcome.with_id(&id),
        None => outcome,
    }
}

#[derive(Serialize)]
struct Changed {
    app: AppName,
    release: Option<ReleaseId>,
}
