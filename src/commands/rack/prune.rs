use serde::Serialize;

use crate::context::{Context, dev};
use crate::error::CommandError;
use crate::event::Event;
use crate::outcome::Outcome;
use crate::output::humanize;
use convox_devrack::daemon;

/// Free disk space of the development rack
///
/// Removes what no kept release needs: old releases and builds, uploads that were never built, and
/// the uploaded archives of finished builds. The rack keeps an app's active release and its newest
/// releases. It need not be running.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack prune\n  \
                        convox rack prune --json")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let data = dev::data_dir(cx)?;
    let freed = daemon::prune(&data).await?;
    cx.emit(Event::Line(format!("Freed {}", humanize::size(freed))))?;
    Ok(Outcome::json(Pruned { freed }))
}

#[derive(Serialize)]
struct Pruned {
    /// In bytes.
    freed: u64,
}
