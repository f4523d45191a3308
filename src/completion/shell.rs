//! How shells split the line that is being typed, and how they take names.

use crate::output::sanitize::sanitize;
use crate::settings::Name;

/// The most characters of a description.
const ABOUT: usize = 60;

/// The characters at which bash splits words, besides blanks.
const BREAKS: [char; 2] = ['=', ':'];

/// A shell whose script asks for names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shell {
    Bash,
    Fish,
    Zsh,
}

impl Shell {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "bash" => Some(Self::Bash),
            "fish" => Some(Self::Fish),
            "zsh" => Some(Self::Zsh),
            _ => None,
        }
    }

    /// The line for a name; `None` if it does not begin with what is typed. zsh and fish compare
    /// that themselves, in the way that the user has chosen.
    pub(super) fn line(self, name: &Name, typed: &str, raw: &str) -> Option<String> {
        match self {
            Self::Bash if name.name.starts_with(typed) => Some(for_bash(&name.name, typed, raw)),
            Self::Bash => None,
            Self::Fish | Self::Zsh if name.about.is_empty() => Some(name.name.clone()),
            Self::Fish | Self::Zsh => Some(format!("{}\t{}", name.name, about(&name.about))),
        }
    }
}

/// A description on one line.
fn about(text: &str) -> String {
    let line = sanitize(text.lines().next().unwrap_or_default());
    if line.chars().count() <= ABOUT {
        return line.into_owned();
    }
    line.chars().take(ABOUT).chain(['…']).collect()
}

/// What bash puts in place of the word at the cursor, of which it knows only what comes after the
/// last `=` or `:`.
fn for_bash(name: &str, typed: &str, raw: &str) -> String {
    if raw.starts_with(['"', '\'']) {
        return name.to_owned(); // bash closes the quotes
    }
    let start = typed.rfind(BREAKS).map_or(0, |at| at + 1);
    escaped(name.get(start..).unwrap_or(name))
}

/// A word with a backslash before each character that means something to a shell.
fn escaped(word: &str) -> String {
    let mut escaped = String::with_capacity(word.len());
    for c in word.chars() {
        if c.is_ascii() && !c.is_ascii_alphanumeric() && !"_-./:=@%+,".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Joins words that bash has split at `=` and `:`. Returns the new index of the cursor, too.
pub(super) fn joined(words: Vec<String>, cursor: usize) -> (Vec<String>, usize) {
    let is_break = |word: &str| !word.is_empty() && word.chars().all(|c| BREAKS.contains(&c));
    let mut all: Vec<String> = Vec::new();
    let mut at = 0;
    let mut after_break = false;
    for (index, word) in words.into_iter().enumerate() {
        let breaks = is_break(&word);
        match all.last_mut() {
            Some(last) if (breaks || after_break) && index > 1 => last.push_str(&word),
            _ => all.push(word),
        }
        after_break = breaks;
        if index == cursor {
            at = all.len() - 1;
        }
    }
    (all, at)
}

/// A word without its quotes, which need not be closed yet.
pub(super) fn unquoted(word: &str) -> String {
    for end in ["", "'", "\""] {
        if let Ok(words) = shell_words::split(&format!("{word}{end}")) {
            return words.join(" ");
        }
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn words_that_bash_has_split_are_joined() {
        for (split, cursor, expected, at) in [
            (&["convox", "apps", "-a", "web"][..], 3, &["convox", "apps", "-a", "web"][..], 3),
            (&["convox", "logs", "--app", "=", "w"], 4, &["convox", "logs", "--app=w"], 2),
            (&["convox", "logs", "--app", "="], 3, &["convox", "logs", "--app="], 2),
            (&["convox", "exec", "a", ":", "b", "sh"], 4, &["convox", "exec", "a:b", "sh"], 2),
            (&["convox", "exec", "a", ":", "b", "sh"], 5, &["convox", "exec", "a:b", "sh"], 3),
            (&["convox", "logs", ""], 2, &["convox", "logs", ""], 2),
        ] {
            assert_eq!(joined(words(split), cursor), (words(expected), at), "{split:?}");
        }
    }

    #[test]
    fn quotes_are_removed_even_before_they_are_closed() {
        for (word, expected) in
            [("web", "web"), ("", ""), ("'my a", "my a"), ("\"my a", "my a"), ("my\\ a", "my a")]
        {
            assert_eq!(unquoted(word), expected);
        }
    }

    #[test]
    fn bash_gets_the_rest_of_the_word_with_quotes() {
        let line = |name: &str, typed: &str, raw: &str| {
            let name = Name { name: name.to_owned(), about: "it".to_owned() };
            Shell::Bash.line(&name, typed, raw)
        };
        assert_eq!(line("web", "w", "w").as_deref(), Some("web"));
        assert_eq!(line("web", "x", "x"), None);
        assert_eq!(line("my app", "my", "my").as_deref(), Some("my\\ app"));
        assert_eq!(line("my app", "my a", "'my a").as_deref(), Some("my app"));
        assert_eq!(line("a:b:c", "a:b", "a:b").as_deref(), Some("b:c"));
        assert_eq!(line("$(id)`", "", "").as_deref(), Some("\\$\\(id\\)\\`"));
    }

    #[test]
    fn descriptions_are_one_short_line() {
        let name = Name { name: "RA".to_owned(), about: "first\u{1b}[31m\nsecond".to_owned() };
        let line = Shell::Fish.line(&name, "", "").unwrap();
        assert!(line.starts_with("RA\tfirst") && !line.contains(['\n', '\u{1b}']), "{line:?}");
        let long = Name { name: "RA".to_owned(), about: "x".repeat(200) };
        assert!(Shell::Zsh.line(&long, "", "").unwrap().chars().count() < 70);
    }
}
