//! Flags that several commands share. What they mean is decided once, in `run`.

use clap::Args;

use crate::settings::Style;
use convox_wire::duration::GoDuration;

// Comments instead of documentation: clap would take it for the command's own help.

// On every command.
#[derive(Args)]
pub(crate) struct Everywhere {
    /// Print JSON: one document, or one line for each event of a stream
    #[arg(long, help_heading = "Everywhere")]
    json: bool,
    /// Print a line on stderr for each request and socket, never a secret
    #[arg(long, help_heading = "Everywhere")]
    debug: bool,
    /// Do not verify the rack's certificate (warns each time)
    #[arg(long, help_heading = "Everywhere")]
    insecure: bool,
}

// The rack.
#[derive(Args)]
pub(crate) struct RackFlag {
    /// Rack name, whole or a part that fits one only; `dev` is the development rack
    #[arg(short, long, value_name = "NAME")]
    rack: Option<String>,
    // Scripts of 3.x clients give it everywhere; there it has no effect.
    #[arg(short = 'w', long = "wait", id = "ignored_wait", hide = true)]
    ignored_wait: bool,
}

// The rack, on commands that wait.
#[derive(Args)]
struct RackFlagOnly {
    /// Rack name, whole or a part that fits one only; `dev` is the development rack
    #[arg(short, long, value_name = "NAME")]
    rack: Option<String>,
}

// The app.
#[derive(Args)]
struct AppFlag {
    /// App name; without it that in .convox/app, or the folder's name
    #[arg(short, long, value_name = "NAME")]
    app: Option<String>,
}

// App and rack.
#[derive(Args)]
pub(crate) struct OfApp {
    #[command(flatten)]
    app: AppFlag,
    #[command(flatten)]
    rack: RackFlag,
}

// App and rack, on commands that wait.
#[derive(Args)]
pub(crate) struct OfAppOnly {
    #[command(flatten)]
    app: AppFlag,
    #[command(flatten)]
    rack: RackFlagOnly,
}

// Waiting, where it is a choice.
#[derive(Args)]
pub(crate) struct WaitFlags {
    /// Stay until the app runs the release
    #[arg(short, long)]
    wait: bool,
    #[command(flatten)]
    limit: WaitLimitFlag,
}

// Waiting, where it is none.
#[derive(Args)]
pub(crate) struct WaitLimitFlag {
    /// Wait at most this long, for example 10m, and then exit with 124
    #[arg(long, value_name = "TIME")]
    wait_timeout: Option<GoDuration>,
}

// The form of the output.
#[derive(Args)]
pub(crate) struct StyleFlag {
    /// Style of output and waiting: classic (the default) or v3
    #[arg(long, value_name = "STYLE")]
    style: Option<Style>,
}

// Ids for scripts.
#[derive(Args)]
pub(crate) struct IdFlag {
    /// Print the release's id alone on stdout, everything else on stderr
    #[arg(long)]
    id: bool,
}

// Again and again.
#[derive(Args)]
pub(crate) struct WatchFlag {
    /// Run again every N seconds, until interrupted
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    watch: Option<u64>,
}

// Secrets on terminals.
#[derive(Args)]
pub(crate) struct RevealFlag {
    /// Render masked values on a terminal
    #[arg(long)]
    reveal: bool,
}
