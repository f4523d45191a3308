//! Manual pages: what `--help` prints, as roff.

use std::io;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::cli::help::{Body, Section, TOPICS, Topic, sections_of};

/// A page with the name of its file.
pub(crate) struct ManPage {
    pub(crate) file: String,
    pub(crate) text: String,
}

/// Returns the pages of all commands below `tree`, of `tree` itself, and of the topics.
pub(crate) fn pages(tree: &Command) -> io::Result<Vec<ManPage>> {
    let mut pages = Vec::new();
    commands(tree, &mut pages)?;
    for topic in TOPICS.iter().filter(|topic| crate::cli::find(topic.name).is_none()) {
        pages.push(of_topic(topic)?);
    }
    Ok(pages)
}

fn commands(command: &Command, pages: &mut Vec<ManPage>) -> io::Result<()> {
    pages.push(of_command(command)?);
    let below = command.get_subcommands().filter(|below| !below.is_hide_set());
    below.into_iter().try_for_each(|below| commands(below, pages))
}

/// Returns the page of a command of a tree that was built.
pub(crate) fn of_command(command: &Command) -> io::Result<ManPage> {
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
    Ok(ManPage { file: man.get_filename(), text: text(page) })
}

/// Returns the page of a topic, in section 7 of the manual.
pub(crate) fn of_topic(topic: &Topic) -> io::Result<ManPage> {
    let name = format!("convox-{}", topic.name);
    let mut page = Roff::new();
    page.control("TH", [name.as_str(), "7", "", &version(), "convox"]);
    page.control("SH", ["NAME"]);
    page.text([roman(format!("{name} - {}", topic.about))]);
    render(&mut page, &Section { title: "Description", body: topic.body() });
    let mut written = Vec::new();
    page.to_writer(&mut written)?;
    Ok(ManPage { file: format!("{name}.7"), text: text(written) })
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
