use std::path::PathBuf;

use clap::Command;
use clap_mangen::Man;
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::{Render, RenderContext, View};

/// Print a manual page, or write all of them to a directory
#[derive(clap::Args)]
#[command(after_help = "Example:\n  convox man releases promote | man -l -")]
pub(crate) struct Args {
    /// Command to print the page of; defaults to the program itself
    #[arg(value_name = "COMMAND")]
    words: Vec<String>,
    /// Write all pages to this directory instead
    #[arg(long, value_name = "DIR", conflicts_with = "words")]
    dir: Option<PathBuf>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let mut tree = without_help((cx.full_command)());
    tree.build();
    if let Some(dir) = args.dir {
        let dir = cx.path(&dir)?;
        let failed = |error: std::io::Error| CommandError::while_doing(dir.display(), error);
        std::fs::create_dir_all(&dir).map_err(failed)?;
        clap_mangen::generate_to(tree, &dir).map_err(failed)?;
        return Ok(Outcome::streamed());
    }
    let mut command: &Command = &tree;
    for word in &args.words {
        command = command.find_subcommand(word).ok_or_else(|| {
            CommandError::usage(format!("no such command: {}", args.words.join(" ")))
        })?;
    }
    let mut page = Vec::new();
    Man::new(command.clone())
        .render(&mut page)
        .map_err(|error| CommandError::while_doing("the page cannot be made", error))?;
    Ok(Outcome::render(Page { page: String::from_utf8_lossy(&page).trim_end().to_owned() }))
}

/// `help` explains the others: it needs no pages.
fn without_help(command: Command) -> Command {
    command.disable_help_subcommand(true).mut_subcommands(without_help)
}

#[derive(Serialize)]
struct Page {
    page: String,
}

impl Render for Page {
    fn render(&self, _rc: &RenderContext) -> View {
        View::Text(self.page.clone())
    }
}
