//! `scale`: lists the scale of services, or changes that of one.

mod list;
mod set;

use super::scale_flags::ScaleFlags;
use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::outcome::Outcome;
use convox_client::rack::ServiceUpdate;
use convox_wire::ServiceName;

/// Show or change how many processes a service has, and their size
///
/// Without options, lists the services with what they should have and what they have. With options,
/// changes a service and waits until the change is rolled out.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox scale\n  \
                        convox scale web --count 3\n  \
                        convox scale web --cpu 256 --memory 512")]
pub(crate) struct Args {
    /// Service to change, or the only one to list
    #[arg(value_name = "SERVICE")]
    service: Option<ServiceName>,
    #[command(flatten)]
    flags: ScaleFlags,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let update = ServiceUpdate::from(args.flags);
    if update == ServiceUpdate::default() {
        cx.only_asks();
        return list::run(args.service, cx).await;
    }
    let app = cx.app()?;
    let service = args.service.ok_or_else(|| {
        CommandError::new("service name required")
            .hint(Hint::command("list the services with", "services").app(&app))
    })?;
    set::run(service, update, cx).await
}
