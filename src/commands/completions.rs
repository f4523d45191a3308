use clap_complete::Shell;
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::{Render, RenderContext, View};

/// Print completions for a shell
///
/// In bash, zsh and fish, the names of apps, builds, processes, racks, releases, resources and
/// services are completed, too. The rack is asked for them, or a cache if it takes longer than 150
/// ms.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  convox completions bash > ~/.local/share/bash-completion/completions/convox\n  \
                        convox completions fish > ~/.config/fish/completions/convox.fish"
)]
pub(crate) struct Args {
    /// Shell to print completions for
    shell: Shell,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let script = cx.command_line.completions(args.shell).trim_end().to_owned();
    Ok(Outcome::render(Script { shell: args.shell.to_string(), script }))
}

#[derive(Serialize)]
struct Script {
    shell: String,
    script: String,
}

impl Render for Script {
    fn render(&self, _rc: &RenderContext) -> View {
        View::Text(self.script.clone())
    }
}
