use crate::context::Context;
use crate::error::CommandError;
use crate::flows::proxy::{Target, serve};
use crate::outcome::Outcome;

/// Make ports in the rack's network available on this machine
///
/// Listens on 127.0.0.1, on the same port unless another one is given, until it is interrupted.
/// Any number of connections may be open at once.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox proxy db.internal:5432\n  \
                        convox proxy 15432:db.internal:5432 6379:cache.internal:6379")]
pub(crate) struct Args {
    /// Where to connect, after the local port if that is another: [PORT:]HOST:PORT
    #[arg(value_name = "ADDRESS", required = true)]
    targets: Vec<String>,
    #[arg(short = 't', long, hide = true)]
    tls: bool,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let targets = args.targets.iter().map(|text| text.parse());
    let targets: Vec<Target> = targets.collect::<Result<_, _>>()?;
    serve(cx, &cx.rack().await?, targets).await?;
    Ok(Outcome::streamed())
}
