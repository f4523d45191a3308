use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::context::{Context, ManualPage};
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::{Render, RenderContext, View};
use crate::programs::pager;

/// Show a manual page, or write all of them to a directory
///
/// On a terminal, shows the page with the program man or, if that is not installed, its text with
/// PAGER. Otherwise prints the source of the page.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox man releases promote\n  \
                        convox man environment\n  \
                        convox man --dir ~/.local/share/man/man1")]
pub(crate) struct Args {
    /// Command or topic; defaults to the program itself
    #[arg(value_name = "COMMAND|TOPIC")]
    words: Vec<String>,
    /// Write all pages to this directory instead
    #[arg(long, value_name = "DIR", conflicts_with = "words")]
    dir: Option<PathBuf>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    if let Some(dir) = args.dir {
        write_all(cx, &cx.path(&dir)?)?;
        return Ok(Outcome::streamed());
    }
    let page = cx.command_line.manual_page(&args.words).map_err(not_made)?;
    let page = page.ok_or_else(|| {
        CommandError::usage(format!("no such command: {}", args.words.join(" ")))
            .hint("list the commands and topics with: convox help")
    })?;
    if cx.ui.is_terminal() && !cx.args.json && show(cx, &page).await? {
        return Ok(Outcome::streamed());
    }
    Ok(Outcome::render(Page { page: page.roff }))
}

/// Shows a page on the terminal. Returns whether there was a program for it.
async fn show(cx: &Context, page: &ManualPage) -> Result<bool, CommandError> {
    let failed = |error| CommandError::while_doing("the page can't be shown", error);
    if pager::show_manual_page(&page.roff).await.map_err(failed)? {
        return Ok(true);
    }
    let pager = cx.settings.env.pager.as_deref();
    pager::show_text(pager, &page.text).await.map_err(failed)
}

fn write_all(cx: &Context, dir: &Path) -> Result<(), CommandError> {
    let failed = |error: std::io::Error| CommandError::while_doing(dir.display(), error);
    std::fs::create_dir_all(dir).map_err(failed)?;
    for page in cx.command_line.manual_pages().map_err(not_made)? {
        std::fs::write(dir.join(&page.file), page.roff + "\n").map_err(failed)?;
    }
    Ok(())
}

fn not_made(error: std::io::Error) -> CommandError {
    CommandError::while_doing("the page can't be made", error)
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
