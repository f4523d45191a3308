use serde::Serialize;

use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::event::Event;
use crate::outcome::Outcome;
use convox_wire::ResourceName;

/// Delete a database that no app has any more
///
/// The database is one of RDS, which a v2 rack has kept. It is deleted at once.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox resources db delete old-database\n  \
                        convox resources db delete old-database -r staging")]
pub(crate) struct Args {
    /// Identifier of the database
    #[arg(value_name = "DATABASE")]
    database: ResourceName,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let database = args.database;
    cx.rack().await?.delete_database(&database).await.map_err(|error| {
        CommandError::about_named(
            error,
            Hint::command("list the resources of an app with", "resources"),
        )
    })?;
    cx.emit(Event::Done(None))?;
    Ok(Outcome::json(Deleted { database }))
}

#[derive(Serialize)]
struct Deleted {
    database: ResourceName,
}
