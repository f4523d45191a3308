//! `--wait=true`: scripts of the existing clients write switches so.

use std::ffi::{OsStr, OsString};

use clap::{ArgAction, Command};

/// The arguments with every `--switch=WORD` of the command made plain: `true` and `1` leave
/// `--switch`, `false` and `0` nothing. Other words are left to clap, which refuses them.
pub(super) fn normalize(tree: &Command, args: &[OsString]) -> Vec<OsString> {
    let switches = switches(tree, args);
    let mut over = false;
    let plain = |arg: &OsString| {
        over |= arg == "--";
        if over { Some(arg.clone()) } else { plain_one(&switches, arg) }
    };
    args.iter().filter_map(plain).collect()
}

fn plain_one(switches: &[String], arg: &OsStr) -> Option<OsString> {
    let given =
        arg.to_str().and_then(|arg| arg.strip_prefix("--")).and_then(|arg| arg.split_once('='));
    match given {
        Some((name, word)) if switches.iter().any(|switch| switch == name) => match word {
            "true" | "1" => Some(format!("--{name}").into()),
            "false" | "0" => None,
            _ => Some(arg.to_owned()),
        },
        _ => Some(arg.to_owned()),
    }
}

/// The long names of the switches of the command that the arguments name.
fn switches(tree: &Command, args: &[OsString]) -> Vec<String> {
    let mut command = tree;
    for word in args.iter().skip(1).filter_map(|arg| arg.to_str()) {
        match command.find_subcommand(word) {
            Some(below) => command = below,
            None => break,
        }
    }
    let is_switch = |arg: &&clap::Arg| matches!(arg.get_action(), ArgAction::SetTrue);
    let names = command.get_arguments().filter(is_switch).filter_map(clap::Arg::get_long);
    names.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::full_command;

    fn made_plain(line: &str) -> String {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let plain = normalize(&full_command(), &args);
        plain.join(OsStr::new(" ")).into_string().unwrap()
    }

    #[test]
    fn a_switch_may_have_a_word() {
        assert_eq!(made_plain("convox deploy --wait=true --id=false ."), "convox deploy --wait .");
        assert_eq!(
            made_plain("convox logs --no-follow=1 -a web"),
            "convox logs --no-follow -a web"
        );
    }

    #[test]
    fn values_and_other_words_stay_as_they_are() {
        for line in [
            "convox deploy --wait=yes",
            "convox deploy --app=true",
            "convox env set -- --wait=true",
            "convox env set A=true",
        ] {
            assert_eq!(made_plain(line), line);
        }
    }
}
