//! The help of the variants for machines, which have that of the commands themselves: `convox X`
//! in it becomes `convox cloud X`.

use crate::cli::cloud;
use crate::cli::normalize::path_length;

/// The machine in examples.
const MACHINE: &str = "production";

/// The examples of a command as those of its variant. One that needs another command which has no
/// variant is left out, with its comment.
pub(super) fn examples(lines: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for line in lines {
        if line.starts_with('#') {
            // A comment without an example below it is replaced by the next.
            kept.pop_if(|last| last.starts_with('#'));
            kept.push(line.clone());
        } else if let Some(line) = on_machine(line) {
            kept.push(line);
        }
    }
    kept.pop_if(|last| last.starts_with('#'));
    kept
}

fn on_machine(line: &str) -> Option<String> {
    let mut parts = line.split("convox ");
    let mut drawn = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let words: Vec<_> = part.split(' ').map(Into::into).collect();
        let (path, rest) = split_at_word(part, path_length(&words));
        let variant = cloud::variant_of(path)?;
        let service = if cloud::needs_service(variant) { " -s web" } else { "" };
        drawn.push_str(&format!("convox {variant} -i {MACHINE}{service}{}", without_rack(rest)));
    }
    Some(drawn)
}

/// Splits a text behind so many words.
fn split_at_word(text: &str, count: usize) -> (&str, &str) {
    let end =
        text.match_indices(' ').map(|(at, _)| at).chain([text.len()]).nth(count.saturating_sub(1));
    text.split_at(end.unwrap_or(text.len()))
}

/// Leaves out `-r NAME`, but not the parenthesis that may end it.
fn without_rack(words: &str) -> String {
    let Some((before, after)) = words.split_once(" -r ") else { return words.to_owned() };
    let end = after.find([' ', ')']).unwrap_or(after.len());
    format!("{before}{}", &after[end..])
}

/// The variants of these commands, as far as there are any, and the list of machines.
pub(super) fn related(paths: &[&'static str]) -> Vec<&'static str> {
    let variants = paths.iter().filter_map(|path| cloud::variant_of(path));
    let mut found: Vec<&str> = Vec::new();
    for path in variants.chain(["cloud machines"]) {
        if !found.contains(&path) {
            found.push(path);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_acts_on_a_machine_or_is_left_out() {
        for (line, expected) in [
            ("convox deploy", Some("convox cloud deploy -i production")),
            (
                "release=$(convox build --id -r dev) && convox releases promote \"$release\"",
                Some(
                    "release=$(convox cloud build -i production --id) && convox cloud releases promote -i production \"$release\"",
                ),
            ),
            ("convox logs --tail 9", Some("convox cloud logs -i production -s web --tail 9")),
            ("convox build && convox rack logs", None),
        ] {
            assert_eq!(on_machine(line).as_deref(), expected, "{line}");
        }
        let lines =
            ["# one", "convox rack", "# two", "convox ps", "# three", "convox deploy-debug"];
        let lines = lines.map(str::to_owned);
        assert_eq!(examples(&lines)[..], ["# two", "convox cloud ps -i production"]);
    }
}
