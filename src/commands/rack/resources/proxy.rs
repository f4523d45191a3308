use super::url_of;
use crate::commands::resources::proxy::target;
use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::flows::proxy::serve;
use crate::outcome::Outcome;
use convox_wire::RackResourceName;

/// Make a resource of a rack available on this machine
///
/// Listens on 127.0.0.1, on the port of the resource unless another one is given, until it is
/// interrupted.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack resources proxy database\n  \
                        convox rack resources proxy database --port 15432")]
pub(crate) struct Args {
    /// Name of the resource
    resource: RackResourceName,
    /// Local port
    #[arg(short, long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    #[arg(short, long, hide = true)]
    tls: bool,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let rack = cx.rack().await?;
    let url = url_of(&rack, &args.resource).await?;
    let target = target(&url, args.port).ok_or_else(|| {
        CommandError::new(format!("unknown port for the url of resource {}", args.resource))
            .hint(Hint::command("print it with", "rack resources url").arg(&args.resource))
    })?;
    serve(cx, &rack, vec![target]).await?;
    Ok(Outcome::streamed())
}
