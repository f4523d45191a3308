use std::path::{Path, PathBuf};

use clap::Command;
use serde::Serialize;

use crate::cli::help;
use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::outcome::Outcome;
use crate::output::{Render, RenderContext, View};
use crate::programs::pager;
use crate::reference::man::{self, ManPage};

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
    let mut tree = without_help((cx.full_command)());
    tree.build();
    if let Some(dir) = args.dir {
        write_all(&tree, &cx.path(&dir)?)?;
        return Ok(Outcome::streamed());
    }
    let subject = find(&tree, &args.words)?;
    let ManPage { text, .. } = subject.page().map_err(not_made)?;
    if cx.ui.is_terminal() && !cx.args.json {
        cx.ui.flush()?;
        if show(cx, &text, &subject).await? {
            return Ok(Outcome::streamed());
        }
    }
    Ok(Outcome::render(Page { page: text }))
}

/// What a page is about.
enum Subject<'a> {
    Command(&'a Command),
    Topic(&'static help::Topic),
}

fn find<'a>(tree: &'a Command, words: &[String]) -> Result<Subject<'a>, CommandError> {
    let mut command = tree;
    for word in words {
        match command.find_subcommand(word) {
            Some(below) => command = below,
            None => {
                let name = words.join(" ");
                let topic = help::topic(&name).map(Subject::Topic);
                return topic.ok_or_else(|| {
                    CommandError::usage(format!("no such command: {name}")).hint(Hint::Sentence(
                        "list the commands and topics with: convox help".into(),
                    ))
                });
            }
        }
    }
    Ok(Subject::Command(command))
}

impl Subject<'_> {
    fn page(&self) -> std::io::Result<ManPage> {
        match self {
            Self::Command(command) => man::of_command(command),
            Self::Topic(topic) => man::of_topic(topic),
        }
    }

    /// What `help` prints.
    fn plain_text(&self) -> String {
        match self {
            Self::Command(command) => (*command).clone().render_long_help().to_string(),
            Self::Topic(topic) => topic.text(),
        }
    }
}

/// Shows a page on the terminal. Returns whether there was a program for it.
async fn show(cx: &Context, page: &str, subject: &Subject<'_>) -> Result<bool, CommandError> {
    let failed = |error| CommandError::while_doing("the page can't be shown", error);
    if pager::show_manual_page(page).await.map_err(failed)? {
        return Ok(true);
    }
    let pager = cx.settings.env.pager.as_deref();
    pager::show_text(pager, &subject.plain_text()).await.map_err(failed)
}

fn write_all(tree: &Command, dir: &Path) -> Result<(), CommandError> {
    let failed = |error: std::io::Error| CommandError::while_doing(dir.display(), error);
    std::fs::create_dir_all(dir).map_err(failed)?;
    for page in man::pages(tree).map_err(not_made)? {
        std::fs::write(dir.join(&page.file), page.text + "\n").map_err(failed)?;
    }
    Ok(())
}

fn not_made(error: std::io::Error) -> CommandError {
    CommandError::while_doing("the page can't be made", error)
}

/// The generated `help` subcommands explain the others: they need no pages.
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
