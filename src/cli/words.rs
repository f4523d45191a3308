//! What people type that is not a command, and what they mean by it.
//!
//! Words come from other tools and from older clients. Advice never names a command that does the
//! opposite of the word, as a search by spelling alone would: `undeploy` is close to `deploy`.

use super::tree::{COMMANDS, GROUPS};
use crate::error::Hint;

/// A word at the place of a command, and the commands that it may stand for.
#[rustfmt::skip] // a table
const WORDS: &[(&str, &[&str])] = &[
    ("add", &["apps create", "env set"]),
    ("app", &["apps info", "apps"]),
    ("attach", &["exec", "logs"]),
    ("bash", &["exec"]),
    ("cat", &["exec", "cp"]),
    ("config list", &["configs", "env"]),
    ("config unset", &["env unset"]),
    ("configuration", &["env"]),
    ("configure", &["env set"]),
    ("connect", &["exec", "proxy"]),
    ("console", &["exec"]),
    ("copy", &["cp"]),
    ("create", &["apps create"]),
    ("delete", &["apps delete"]),
    ("describe", &["apps info"]),
    ("destroy", &["apps delete"]),
    ("dev", &["rack start"]),
    ("download", &["cp"]),
    ("environment", &["env"]),
    ("forward", &["proxy"]),
    ("history", &["releases"]),
    ("info", &["apps info"]),
    ("kill", &["ps stop"]),
    ("launch", &["deploy"]),
    ("list", &["apps"]),
    ("log", &["logs"]),
    ("ls", &["apps"]),
    ("machine", &["cloud machines"]),
    ("machines", &["cloud machines"]),
    ("port-forward", &["proxy"]),
    ("processes", &["ps"]),
    ("publish", &["deploy", "releases promote"]),
    ("push", &["deploy"]),
    ("remove", &["apps delete"]),
    ("revert", &["releases rollback"]),
    ("rm", &["apps delete"]),
    ("secret", &["env"]),
    ("secrets", &["env"]),
    ("server", &["rack start"]),
    ("sh", &["exec"]),
    ("shell", &["exec"]),
    ("ship", &["deploy"]),
    ("show", &["apps info"]),
    ("signin", &["login"]),
    ("ssh", &["exec"]),
    ("start", &["rack start"]),
    ("stop", &["ps stop", "rack stop"]),
    ("tail", &["logs"]),
    ("target", &["switch"]),
    ("top", &["ps"]),
    ("undeploy", &["apps delete"]),
    ("undo", &["releases rollback"]),
    ("up", &["deploy"]),
    ("upload", &["deploy", "cp"]),
    ("url", &["services"]),
    ("urls", &["services"]),
    ("use", &["switch"]),
    ("variables", &["env"]),
    ("vars", &["env"]),
    ("whoami", &["racks", "switch"]),
];

/// Words that no command stands for, with what to do instead.
const SENTENCES: &[(&str, &str)] = &[
    (
        "logout",
        "to log out, remove the host from `auth` in the settings directory, ~/.config/convox",
    ),
    (
        "signout",
        "to log out, remove the host from `auth` in the settings directory, ~/.config/convox",
    ),
    ("down", "an app is stopped by deleting it, the development rack by `rack stop`"),
    ("update", "the program is updated in the way that it was installed"),
    ("upgrade", "the program is updated in the way that it was installed"),
];

/// Verbs that mean the same below a noun, for example `apps remove` and `apps delete`.
const VERBS: &[&[&str]] = &[
    &["delete", "remove", "rm", "del", "destroy", "unset", "stop", "kill", "terminate"],
    &["create", "add", "new", "set", "put", "init"],
    &["info", "show", "describe", "get", "inspect", "status", "view"],
    &["rollback", "revert", "undo"],
    &["promote", "activate", "release"],
    &["logs", "log", "tail"],
    &["start", "up", "run", "launch"],
    &["stop", "down", "halt", "shutdown"],
    &["prune", "gc", "clean", "cleanup"],
];

/// Words that list what the noun itself lists.
const LISTS: &[&str] = &["list", "ls", "all", "index"];

/// Returns advice for a word that is not a command below `path`, which is empty at the top.
pub(super) fn advice(path: &str, word: &str) -> Vec<Hint> {
    let word = word.to_lowercase();
    if let Some((_, sentence)) = SENTENCES.iter().find(|(known, _)| *known == nearest(path, &word))
    {
        return vec![Hint::from(*sentence)];
    }
    meant(path, &word).into_iter().map(|path| Hint::command("did you mean", path)).collect()
}

/// The commands that a word may stand for, best first.
fn meant(path: &str, word: &str) -> Vec<&'static str> {
    let exact = by_meaning(path, word);
    if !exact.is_empty() {
        return exact;
    }
    match nearest(path, word) {
        "" => Vec::new(),
        near => match children(path).find(|child| last(child) == near) {
            Some(child) => vec![child],
            None => by_meaning(path, near),
        },
    }
}

fn by_meaning(path: &str, word: &str) -> Vec<&'static str> {
    if path.is_empty() {
        return at_the_top(word);
    }
    let named = in_table(&format!("{path} {word}"));
    if !named.is_empty() {
        return named;
    }
    let itself = super::find(path).map(|spec| spec.path);
    if LISTS.contains(&word) {
        return itself.into_iter().collect();
    }
    let groups = VERBS.iter().filter(|group| group.contains(&word));
    let mut found: Vec<&str> = Vec::new();
    for child in
        groups.flat_map(|group| children(path).filter(|child| group.contains(&last(child))))
    {
        if !found.contains(&child) {
            found.push(child);
        }
    }
    found
}

/// What a word stands for where a noun is expected: what the table says, or the verbs of nouns.
fn at_the_top(word: &str) -> Vec<&'static str> {
    let named = in_table(word);
    if !named.is_empty() {
        return named;
    }
    let verbs = COMMANDS.iter().filter(|spec| !spec.hidden && spec.path.contains(' '));
    let verbs = verbs.filter(|spec| !spec.scope.has_machine());
    verbs.map(|spec| spec.path).filter(|path| last(path) == word).collect()
}

/// The commands that the table has for a word, or for a word below another.
fn in_table(words: &str) -> Vec<&'static str> {
    let table = WORDS.iter().find(|(known, _)| *known == words);
    let paths = table.into_iter().flat_map(|(_, paths)| paths.iter().copied());
    paths.filter(|path| super::find(path).is_some_and(|spec| !spec.hidden)).collect()
}

/// The words one below `path`: of commands, and of groups that are not commands themselves.
fn children(path: &str) -> impl Iterator<Item = &'static str> {
    super::words_below(path).into_iter().filter(|below| {
        let is_group = GROUPS.iter().any(|group| group.path == *below);
        (is_group || super::find(below).is_some()) && !super::is_hidden(below)
    })
}

fn last(path: &str) -> &str {
    path.rsplit(' ').next().unwrap_or(path)
}

/// The known word that is spelled most like this one; empty if none is close. Words with a meaning
/// of their own take part, so that a mistyped one is not taken for the opposite.
fn nearest(path: &str, word: &str) -> &'static str {
    let verbs =
        || VERBS.iter().flat_map(|group| group.iter().copied()).chain(LISTS.iter().copied());
    let top = || {
        let words = WORDS.iter().map(|(word, _)| *word).filter(|word| !word.contains(' '));
        words.chain(SENTENCES.iter().map(|(word, _)| *word))
    };
    let known: Vec<&'static str> = match path {
        "" => children(path).map(last).chain(top()).collect(),
        _ => children(path).map(last).chain(verbs()).collect(),
    };
    let distance = |known: &&str| strsim::osa_distance(known, word);
    let negates = |known: &&str| {
        ["un", "dis"].iter().any(|prefix| word.starts_with(prefix) && !known.starts_with(prefix))
    };
    let fitting = known.into_iter().filter(|known| !negates(known));
    let nearest = fitting.min_by_key(distance).unwrap_or_default();
    if distance(&nearest) <= word.len() / 3 { nearest } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_other_tools_lead_to_commands() {
        for (path, word, expected) in [
            ("", "destroy", vec!["apps delete"]),
            ("", "rollback", vec!["releases rollback"]),
            ("", "promote", vec!["releases promote"]),
            ("", "configuration", vec!["env"]),
            ("", "ssh", vec!["exec"]),
            ("", "SSH", vec!["exec"]),
            ("", "push", vec!["deploy"]),
            ("", "prune", vec!["rack prune"]),
            ("", "depoy", vec!["deploy"]),
            ("", "relases", vec!["releases"]),
            ("", "destory", vec!["apps delete"]),
            ("apps", "destroy", vec!["apps delete"]),
            ("apps", "list", vec!["apps"]),
            ("apps", "rmeove", vec!["apps delete"]),
            ("env", "remove", vec!["env unset"]),
            ("env", "add", vec!["env set"]),
            ("ps", "kill", vec!["ps stop"]),
            ("rack", "down", vec!["rack stop"]),
            ("releases", "promte", vec!["releases promote"]),
            ("", "xyzzy", vec![]),
            ("", "", vec![]),
        ] {
            assert_eq!(meant(path, &word.to_lowercase()), expected, "{path} {word}");
        }
    }

    #[test]
    fn a_command_that_does_the_opposite_is_never_advised() {
        for (path, word, opposite) in [
            ("", "undeploy", "deploy"),
            ("", "undeplyo", "deploy"),
            ("", "undepoy", "deploy"),
            ("", "logout", "login"),
            ("", "logut", "login"),
            ("", "signout", "login"),
            ("", "down", "deploy"),
            ("", "stop", "rack start"),
            ("", "start", "rack stop"),
            ("env", "unst", "env set"),
            ("env", "delete", "env set"),
            ("apps", "uncreate", "apps create"),
            ("rack", "halt", "rack start"),
        ] {
            let drawn =
                advice(path, word).iter().map(|hint| format!("{hint:?}")).collect::<String>();
            assert!(!drawn.contains(&format!("{opposite:?}")), "{path} {word}: {drawn}");
        }
    }

    #[test]
    fn each_word_of_the_table_leads_to_a_command_and_is_none() {
        for (word, paths) in WORDS {
            assert!(super::super::find(word).is_none(), "{word} is a command");
            assert!(paths.iter().any(|path| super::super::find(path).is_some()), "{word}");
        }
        assert!(SENTENCES.iter().all(|(word, _)| super::super::find(word).is_none()));
    }
}
