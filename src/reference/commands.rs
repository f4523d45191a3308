//! The page of commands: what `--help` prints, as Markdown.

use clap::{Arg, ArgAction, Command};

use super::documents::shape;
use super::markdown::{after_help, prose, table};
use crate::cli;

pub(super) fn body(tree: &Command) -> String {
    let mut tree = without_help(tree.clone());
    tree.build();
    let global = global_options(&tree);
    let mut text = String::from(
        "`convox help COMMAND` or `convox COMMAND --help` prints more about one \
         command: also the variables and files that it uses, and its exit codes. `convox help racks`, \
         `environment`, `exit-codes`, `manifest` and `scripts` explain these topics.\n\n",
    );
    let all: Vec<&Command> =
        descendants(&tree).into_iter().filter(|command| !is_variant(command)).collect();
    let rows = all.iter().filter(|command| has_run(command)).map(|command| {
        let name = path(command);
        [format!("[`{name}`](#{})", name.replace(' ', "-")), about(command)]
    });
    text.push_str(&table(["command", "description"], rows));
    text.push_str("\n## Global options\n\nEvery command has these options.\n\n");
    text.push_str(&options(&global));
    text.push_str("| `-h`, `--help` | Print help |\n");
    for command in &all {
        text.push('\n');
        text.push_str(&section(command, &global));
    }
    text
}

/// The generated `help` subcommands explain the others.
fn without_help(command: Command) -> Command {
    command.disable_help_subcommand(true).mut_subcommands(without_help)
}

/// The visible commands below one, each before its own subcommands.
fn descendants(command: &Command) -> Vec<&Command> {
    let visible = command.get_subcommands();
    let visible = visible.filter(|below| !below.is_hide_set() && below.get_name() != "help");
    visible.flat_map(|below| [vec![below], descendants(below)].concat()).collect()
}

/// Returns whether a command, or all that a group contains, is described with the command of which
/// it is the variant for machines.
fn is_variant(command: &Command) -> bool {
    match cli::original_of(words(&path(command))) {
        Some(_) => true,
        None => !has_run(command) && command.get_subcommands().all(is_variant),
    }
}

/// A name without the program.
fn words(path: &str) -> &str {
    path.strip_prefix("convox ").unwrap_or(path)
}

/// The commands of which a group contains the variants, with links.
fn variants_in(command: &Command) -> Option<String> {
    let below = descendants(command);
    let originals = below.iter().filter_map(|command| cli::original_of(words(&path(command))));
    let links = originals.map(|path| format!("[`{path}`](#convox-{})", path.replace(' ', "-")));
    let links: Vec<String> = links.collect();
    (!links.is_empty()).then(|| {
        format!(
            "\n`convox cloud X` is `convox X` with `--machine` instead of `--rack`. These commands \
             have such a variant: {}.\n",
            links.join(", ")
        )
    })
}

/// Returns whether a command does something by itself, rather than only group others.
fn has_run(command: &Command) -> bool {
    !command.is_subcommand_required_set()
}

/// The name with all words, as it is typed.
fn path(command: &Command) -> String {
    command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned()
}

fn about(command: &Command) -> String {
    command.get_about().map(|about| prose(&about.to_string())).unwrap_or_default()
}

/// Options under a heading of their own that every command has.
fn global_options(tree: &Command) -> Vec<Arg> {
    let all: Vec<&Command> =
        descendants(tree).into_iter().filter(|command| has_run(command)).collect();
    let everywhere = |arg: &Arg| {
        let same =
            |other: &Arg| other.get_id() == arg.get_id() && other.get_help() == arg.get_help();
        all.iter().all(|command| command.get_arguments().any(same))
    };
    let first = all.first().map(|command| command.get_arguments());
    let found = first.into_iter().flatten().filter(|arg| arg.get_help_heading().is_some());
    found.filter(|arg| everywhere(arg)).cloned().collect()
}

fn section(command: &Command, global: &[Arg]) -> String {
    let path = path(command);
    let level = "#".repeat(path.split(' ').count().min(4));
    let mut text = format!("{level} {path}\n\n{}\n", sentence(&about(command)));
    if let Some(detail) = detail(command) {
        text.push_str(&format!("\n{detail}\n"));
    }
    if let Some(variants) = variants_in(command).filter(|_| !has_run(command)) {
        text.push_str(&variants);
    }
    if has_run(command) {
        text.push_str(&format!("\n```text\n{}\n```\n", usage(command)));
        if let Some(spec) = cli::find(words(&path)) {
            text.push_str(&facts(spec));
        }
    }
    let is_own = |arg: &&Arg| {
        let is_help = matches!(
            arg.get_action(),
            ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong
        );
        !is_help && !arg.is_hide_set() && global.iter().all(|one| one.get_id() != arg.get_id())
    };
    let shown = command.get_arguments().filter(is_own).cloned();
    let (positional, flags): (Vec<Arg>, Vec<Arg>) = shown.partition(Arg::is_positional);
    if !positional.is_empty() {
        let rows = positional.iter().map(|arg| [format!("`{arg}`"), description(arg)]);
        text.push('\n');
        text.push_str(&table(["argument", "description"], rows));
    }
    if !flags.is_empty() {
        text.push('\n');
        text.push_str(&options(&flags));
    }
    if let Some(after) = command.get_after_help() {
        text.push('\n');
        text.push_str(&after_help(&after.to_string()));
    }
    text
}

/// On which racks a command works, and what it prints with `--json`.
fn facts(spec: &cli::CommandSpec) -> String {
    let documents = "[JSON](json.md#documents)";
    let json = match (spec.json, shape(spec.path)) {
        (cli::JsonForm::Events, _) => "[JSON](json.md#events): events, one per line.".to_owned(),
        (cli::JsonForm::Document, Some(shape)) => {
            format!("{documents}: {}.", shape.trim_end_matches('.'))
        }
        (cli::JsonForm::Document, None) => "JSON: no document.".to_owned(),
    };
    format!("\nWorks on: {}.\n\n{json}\n", spec.works_on())
}

/// What the long help has beyond its first line.
fn detail(command: &Command) -> Option<String> {
    let long = command.get_long_about()?.to_string();
    let (_, rest) = long.split_once("\n\n")?;
    Some(prose(rest))
}

fn sentence(text: &str) -> String {
    if text.is_empty() || text.ends_with('.') { text.to_owned() } else { format!("{text}.") }
}

fn usage(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let lines = usage.lines().map(|line| line.trim_start_matches("Usage:").trim());
    lines.collect::<Vec<_>>().join("\n")
}

fn options(args: &[Arg]) -> String {
    table(["option", "description"], args.iter().map(|arg| [names(arg), description(arg)]))
}

/// `-r`, `--rack <NAME>`
fn names(arg: &Arg) -> String {
    let value = if takes_value(arg) {
        let names = arg.get_value_names().unwrap_or_default();
        names.iter().map(|name| format!(" <{name}>")).collect()
    } else {
        String::new()
    };
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().map(|long| format!("--{long}"));
    let mut names: Vec<String> = [short, long].into_iter().flatten().collect();
    if let Some(last) = names.last_mut() {
        last.push_str(&value);
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn takes_value(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Set | ArgAction::Append)
}

/// The help of an argument, with its values and default.
fn description(arg: &Arg) -> String {
    let help = arg.get_long_help().or_else(|| arg.get_help());
    let mut text = help.map(|help| prose(&help.to_string())).unwrap_or_default();
    let quoted = |names: Vec<String>| {
        names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    };
    let values = arg.get_possible_values();
    if takes_value(arg) && !values.is_empty() {
        let names = values.iter().map(|value| value.get_name().to_owned()).collect();
        text.push_str(&format!(" (one of {})", quoted(names)));
    }
    let defaults = arg.get_default_values();
    if takes_value(arg) && !defaults.is_empty() {
        let names = defaults.iter().map(|value| value.to_string_lossy().into_owned()).collect();
        text.push_str(&format!(" (default: {})", quoted(names)));
    }
    text
}
