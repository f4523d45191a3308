//! Manual pages: what `--help` prints, as roff.

use std::io;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::{Body, Section, TOPICS, Topic, sections_of, topic};
use crate::cli::{find, full_command};
use crate::context::ManualPage;

/// The page of a command or a topic.
pub(crate) fn page(words: &[String]) -> io::Result<Option<ManualPage>> {
    let tree = tree();
    let mut command = Some(&tree);
    for word in words {
        command = command.and_then(|command| command.find_subcommand(word));
    }
    match (command, topic(&words.join(" "))) {
        (Some(command), _) => of_command(command).map(Some),
        (None, Some(topic)) => of_topic(topic).map(Some),
        (None, None) => Ok(None),
    }
}

/// The pages of all commands and topics.
pub(crate) fn pages() -> io::Result<Vec<ManualPage>> {
    let mut pages = Vec::new();
    commands(&tree(), &mut pages)?;
    for topic in TOPICS.iter().filter(|topic| find(topic.name).is_none()) {
        pages.push(of_topic(topic)?);
    }
    Ok(pages)
}

/// The program. The generated `help` subcommands explain the others: they need no pages.
fn tree() -> Command {
    let mut tree = without_help(full_command());
    tree.build();
    tree
}

fn without_help(command: Command) -> Command {
    command.disable_help_subcommand(true).mut_subcommands(without_help)
}

fn commands(command: &Command, pages: &mut Vec<ManualPage>) -> io::Result<()> {
    pages.push(of_command(command)?);
    let below = command.get_subcommands().filter(|below| !below.is_hide_set());
    below.into_iter().try_for_each(|below| commands(below, pages))
}

/// Returns the page of a command of a tree that was built.
fn of_command(command: &Command) -> io::Result<ManualPage> {
    let man = Man::new(command.clone()).manual("convox").source(version());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.get_arguments().any(|arg| !arg.is_hide_set()) {
        man.render_options_section(&mut page)?;
    }
    if command.get_subcommands().any(|below| !below.is_hide_set()) {
        man.render_subcommands_section(&mut page)?;
    }
    let mut sections = Roff::new();
    for section in sections_of(path(command), command) {
        render(&mut sections, &section);
    }
    sections.to_writer(&mut page)?;
    let help = command.clone().render_long_help().to_string();
    Ok(ManualPage { file: man.get_filename(), roff: text(page), text: help })
}

/// Returns the page of a topic, in section 7 of the manual.
fn of_topic(topic: &Topic) -> io::Result<ManualPage> {
    let name = format!("convox-{}", topic.name);
    let mut page = Roff::new();
    page.control("TH", [name.as_str(), "7", "", &version(), "convox"]);
    page.control("SH", ["NAME"]);
    page.text([roman(format!("{name} - {}", topic.about))]);
    render(&mut page, &Section { title: "Description", body: topic.body() });
    let mut written = Vec::new();
    page.to_writer(&mut written)?;
    Ok(ManualPage { file: format!("{name}.7"), roff: text(written), text: topic.text() })
}

fn version() -> String {
    format!("convox {}", env!("CARGO_PKG_VERSION"))
}

fn text(page: Vec<u8>) -> String {
    String::from_utf8_lossy(&page).trim_end().to_owned()
}

/// The words of a command without the program.
fn path(command: &Command) -> &str {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    name.split_once(' ').map_or("", |(_, path)| path)
}

fn render(page: &mut Roff, section: &Section) {
    page.control("SH", [section.title.to_uppercase().as_str()]);
    match &section.body {
        Body::List(entries) => {
            for (name, what) in entries {
                page.control("TP", []);
                page.text([bold(name.as_str())]);
                page.text([roman(what.as_str())]);
            }
        }
        Body::Code(lines) | Body::Text(lines) => {
            page.control("nf", []);
            lines.iter().for_each(|line| {
                page.text([roman(line.as_str())]);
            });
            page.control("fi", []);
        }
    }
}
