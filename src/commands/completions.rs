use clap_complete::Shell;
use serde::Serialize;

use crate::cli::whole_tree;
use crate::context::Context;
use crate::outcome::{Failure, Outcome};
use crate::output::{Show, Shown, Sight};

/// Print a shell's completions
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  convox completions bash > ~/.local/share/bash-completion/completions/convox"
)]
pub(crate) struct Args {
    /// Shell to print them for
    shell: Shell,
}

pub(crate) async fn run(args: Args, _cx: &Context) -> Result<Outcome, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut whole_tree(), "convox", &mut script);
    let script = String::from_utf8_lossy(&script).trim_end().to_owned();
    Ok(Outcome::show(Script { shell: args.shell.to_string(), script }))
}

#[derive(Serialize)]
struct Script {
    shell: String,
    script: String,
}

impl Show for Script {
    fn show(&self, _sight: &Sight) -> Shown {
        Shown::Text(self.script.clone())
    }
}
