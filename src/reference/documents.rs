//! What commands print with `--json`, from the table of the page `json.md`.

const PAGE: &str = include_str!("../../docs/src/reference/json.md");

/// Returns the description of a command's document, in Markdown, if the table has one.
pub(super) fn shape(path: &str) -> Option<&'static str> {
    let name = format!("`{path}`");
    rows().find_map(|(names, shape)| names.split(", ").any(|one| one == name).then_some(shape))
}

/// The rows: names of commands, and what they print.
fn rows() -> impl Iterator<Item = (&'static str, &'static str)> {
    let table = PAGE.lines().skip_while(|line| !line.starts_with("| command | document |"));
    let rows = table.skip(2).take_while(|line| line.starts_with('|'));
    rows.filter_map(|row| row.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "))
}
