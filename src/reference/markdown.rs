//! Markdown from texts that were written for a terminal.

/// Returns a table with these headers; the cells are Markdown.
pub(super) fn table(headers: [&str; 2], rows: impl IntoIterator<Item = [String; 2]>) -> String {
    let mut text = format!("| {} | {} |\n| --- | --- |\n", headers[0], headers[1]);
    for [first, second] in rows {
        text.push_str(&format!("| {} | {} |\n", cell(&first), cell(&second)));
    }
    text
}

/// Returns text that fits into the cell of a table: `|` would end it.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// Returns prose as Markdown: flags, variables, paths and addresses in it become code, unless it
/// has backticks already.
pub(super) fn prose(text: &str) -> String {
    let mut words = Vec::new();
    let mut in_code = false;
    for word in text.split(' ') {
        let begins_in_code = in_code;
        in_code ^= word.matches('`').count() % 2 == 1;
        let plain = begins_in_code || word.contains('`');
        words.push(if plain { word.to_owned() } else { escape(word) });
    }
    words.join(" ")
}

fn escape(word: &str) -> String {
    let opening = word.len() - word.trim_start_matches('(').len();
    let (before, rest) = word.split_at(opening);
    let core = rest.trim_end_matches(['.', ',', ';', ':', ')']);
    let after = &rest[core.len()..];
    if is_code(core) {
        return format!("{before}`{core}`{after}");
    }
    // Anything else with a special meaning in Markdown is meant literally.
    let mut escaped = String::new();
    for one in word.chars() {
        if matches!(one, '*' | '_' | '<' | '[' | '\\') {
            escaped.push('\\');
        }
        escaped.push(one);
    }
    escaped
}

/// Whether a word is one for a computer: `--flag`, `NAME_OF_VARIABLE`, `KEY=VALUE`, `~/path`,
/// `.convox/app`, `https://…`.
fn is_code(word: &str) -> bool {
    let is_name = |word: &str| {
        word.contains('_')
            && word
                .chars()
                .all(|one| one.is_ascii_uppercase() || one.is_ascii_digit() || one == '_')
    };
    let is_flag = word.starts_with('-')
        && word.trim_start_matches('-').starts_with(|one: char| one.is_ascii_lowercase());
    is_flag
        || is_name(word)
        || word.split_once('=').is_some_and(|(key, value)| is_word(key) && is_word(value))
        || word.contains("://")
        || word.starts_with("~/")
        || (word.starts_with('.') && word.len() > 1 && !word.ends_with('.'))
        || (word.contains('.')
            && word.ends_with(|one: char| one.is_ascii_lowercase())
            && !word.contains(' '))
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|one| one.is_ascii_alphanumeric() || one == '_')
}

/// Returns the text below a command's options: indented lines become blocks of code.
pub(super) fn after_help(text: &str) -> String {
    let mut out = String::new();
    let mut in_block = false;
    for line in text.lines() {
        let indented = line.starts_with("  ");
        if indented != in_block {
            out.push_str(if indented { "\n```sh\n" } else { "```\n\n" });
            in_block = indented;
        }
        let line = if indented { line.trim_start().to_owned() } else { prose(line) };
        out.push_str(&line);
        out.push('\n');
    }
    if in_block {
        out.push_str("```\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_a_computer_become_code_and_punctuation_stays_outside() {
        let cases = [
            ("as `--debug` does", "as `--debug` does"),
            ("The rack if --rack is not given.", "The rack if `--rack` is not given."),
            (
                "in XDG_CONFIG_HOME, or ~/.config (macOS: ~/Library)",
                "in `XDG_CONFIG_HOME`, or `~/.config` (macOS: `~/Library`)",
            ),
            ("at https://convox:PASSWORD@HOST; it", "at `https://convox:PASSWORD@HOST`; it"),
            (
                "reads KEY=VALUE lines for an argument -, if",
                "reads `KEY=VALUE` lines for an argument -, if",
            ),
            ("those in .convox/app. It", "those in `.convox/app`. It"),
            ("show as ****", "show as \\*\\*\\*\\*"),
            ("`a --flag b` --c", "`a --flag b` `--c`"),
            ("(with --service)", "(with `--service`)"),
            ("v3 style; v2 racks. The end...", "v3 style; v2 racks. The end..."),
        ];
        for (text, expected) in cases {
            assert_eq!(prose(text), expected, "{text}");
        }
    }

    #[test]
    fn a_bar_in_a_cell_does_not_end_it() {
        let table = table(["a", "b"], [["x | y".to_owned(), "two\nlines".to_owned()]]);
        assert_eq!(table, "| a | b |\n| --- | --- |\n| x \\| y | two lines |\n");
    }

    #[test]
    fn indented_lines_below_the_options_become_blocks() {
        assert_eq!(
            after_help("Example:\n  convox apps\n\nNo need for --wait"),
            "Example:\n\n```sh\nconvox apps\n```\n\n\nNo need for `--wait`\n"
        );
    }
}
