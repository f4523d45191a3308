//! Info blocks: the properties of one thing, one line each.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::color::{Color, Role};
use super::sanitize::sanitize;

/// Names and values in two columns. Further lines of a value are indented to its column; a name
/// with an empty value stands alone.
#[derive(Debug, Clone, Default)]
pub struct InfoBlock {
    entries: Vec<(String, String)>,
}

impl InfoBlock {
    /// Creates an empty block, which prints nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a property.
    pub fn entry(&mut self, name: &str, value: impl Into<String>) -> &mut Self {
        self.entries.push((sanitize(name).into_owned(), value.into()));
        self
    }

    /// Writes the block.
    ///
    /// # Errors
    /// The stream can't be written to.
    pub fn write(&self, color: Color, out: &mut impl Write) -> io::Result<()> {
        let widest = self.entries.iter().map(|(name, _)| name.width()).max().unwrap_or(0);
        for (name, value) in &self.entries {
            write_entry(name, value, widest, color, out)?;
        }
        Ok(())
    }
}

fn write_entry(
    name: &str,
    value: &str,
    widest: usize,
    color: Color,
    out: &mut impl Write,
) -> io::Result<()> {
    let padding = widest - name.width();
    let mut lines = value.lines();
    match lines.next().filter(|first| !first.is_empty()) {
        Some(first) => {
            let name = format!("{name}{:padding$}", "");
            let first = color.paint(Role::Value, &sanitize(first));
            writeln!(out, "{}  {first}", color.paint(Role::Heading, &name))?;
        }
        None => writeln!(out, "{}", color.paint(Role::Heading, name))?,
    }
    for line in lines {
        let indent = if line.is_empty() { 0 } else { widest + 2 };
        writeln!(out, "{:indent$}{}", "", color.paint(Role::Value, &sanitize(line)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(entries: &[(&str, &str)], color: Color) -> String {
        let mut info = InfoBlock::new();
        for (name, value) in entries {
            info.entry(name, *value);
        }
        let mut bytes = Vec::new();
        info.write(color, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn names_are_padded_and_further_lines_of_values_indented() {
        let entries = [("Name", "dev"), ("Router", "a.test (external)\nb.test (internal)")];
        let expected = "\
Name    dev
Router  a.test (external)
        b.test (internal)
";
        assert_eq!(written(&entries, Color::Off), expected);
    }

    #[test]
    fn an_empty_value_has_no_trailing_spaces_and_an_empty_block_prints_nothing() {
        let entries = [("Description", ""), ("Id", "B1")];
        assert_eq!(written(&entries, Color::Off), "Description\nId           B1\n");
        assert_eq!(written(&[], Color::On), "");
    }

    #[test]
    fn names_are_aligned_by_display_width() {
        assert_eq!(written(&[("名前", "x"), ("é", "y")], Color::Off), "名前  x\né     y\n");
    }

    #[test]
    fn values_are_sanitized() {
        assert_eq!(written(&[("Id", "\u{1b}[2J")], Color::Off), "Id  \\x1b[2J\n");
    }

    #[test]
    fn names_and_values_are_colored_and_the_gap_is_not() {
        let expected = "\u{1b}[38;5;244mId    \u{1b}[0m  \u{1b}[38;5;251mB1\u{1b}[0m\n\
                        \u{1b}[38;5;244mStatus\u{1b}[0m  \u{1b}[38;5;251mcomplete\u{1b}[0m\n";
        assert_eq!(written(&[("Id", "B1"), ("Status", "complete")], Color::On), expected);
    }
}
