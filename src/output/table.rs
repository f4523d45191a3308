//! Tables: a header and rows, with two spaces between columns. Cells are never truncated or
//! wrapped.
//!
//! comfy-table draws them. Since it takes 0.8 s of CPU and 150 MB for 100,000 rows of five columns,
//! long tables are written by a loop that produces the same bytes in 0.1 s and 10 MB.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, presets};
use unicode_width::UnicodeWidthStr;

use super::color::{Color, Role};
use super::sanitize::sanitize;

/// A table. Cells are sanitized when added and stored in one contiguous string.
#[derive(Debug, Clone)]
pub struct Table {
    text: String,
    ends: Vec<usize>,
    widths: Vec<usize>,
}

/// A table with more rows is long.
const MANY_ROWS: usize = 1_000;
/// A table with a wider column counts as long: comfy-table measures width in 16 bits.
const WIDE: usize = 10_000;
const GAP: usize = 2;

impl Table {
    /// Creates a table with these headers, none of which is empty.
    pub fn new<'a>(headers: impl IntoIterator<Item = &'a str>) -> Self {
        let mut table = Self { text: String::new(), ends: Vec::new(), widths: Vec::new() };
        for header in headers {
            table.widths.push(0);
            table.push(header, table.widths.len() - 1);
        }
        table
    }

    /// Adds a row. Missing cells are empty; extra cells are dropped.
    pub fn row<C: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = C>) -> &mut Self {
        let mut cells = cells.into_iter();
        for column in 0..self.widths.len() {
            match cells.next() {
                Some(cell) => self.push(cell.as_ref(), column),
                None => self.push("", column),
            }
        }
        self
    }

    /// Writes the table. Each line is colored as a whole.
    ///
    /// # Errors
    /// The stream can't be written to.
    pub fn write(&self, color: Color, out: &mut impl Write) -> io::Result<()> {
        if self.widths.is_empty() {
            return Ok(());
        }
        let is_long = self.ends.len() > MANY_ROWS * self.widths.len();
        if is_long || self.widths.iter().any(|width| *width > WIDE) {
            return write_long(self, color, out);
        }
        write_short(self, color, out)
    }

    fn push(&mut self, cell: &str, column: usize) {
        let cell = sanitize(cell);
        self.text.push_str(&cell);
        self.ends.push(self.text.len());
        self.widths[column] = self.widths[column].max(display_width(&cell));
    }

    /// Returns the cells of the header and of each row.
    fn rows(&self) -> impl Iterator<Item = impl Iterator<Item = &str>> {
        let columns = self.widths.len();
        let cell = |index: usize| {
            let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
            &self.text[start..self.ends[index]]
        };
        (0..self.ends.len() / columns)
            .map(move |row| (row * columns..(row + 1) * columns).map(cell))
    }
}

/// Returns the display width of a text.
fn display_width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.width() }
}

fn write_short(table: &Table, color: Color, out: &mut impl Write) -> io::Result<()> {
    let mut drawn = comfy_table::Table::new();
    drawn.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    let mut rows = table.rows();
    if let Some(header) = rows.next() {
        drawn.set_header(header);
    }
    for row in rows {
        drawn.add_row(row);
    }
    for column in drawn.column_iter_mut() {
        column.set_padding((0, 2));
    }
    for (number, line) in drawn.lines().enumerate() {
        write_line(number, line.trim_end_matches(' '), color, out)?;
    }
    Ok(())
}

fn write_long(table: &Table, color: Color, out: &mut impl Write) -> io::Result<()> {
    let mut line = String::new();
    for (number, row) in table.rows().enumerate() {
        line.clear();
        let mut padding = 0;
        for (cell, width) in row.zip(&table.widths) {
            if !cell.is_empty() {
                line.extend(std::iter::repeat_n(' ', padding));
                line.push_str(cell);
                padding = 0;
            }
            padding += width - display_width(cell) + GAP;
        }
        write_line(number, line.trim_end_matches(' '), color, out)?;
    }
    Ok(())
}

fn write_line(number: usize, line: &str, color: Color, out: &mut impl Write) -> io::Result<()> {
    if color == Color::Off {
        out.write_all(line.as_bytes())?;
        return out.write_all(b"\n");
    }
    let role = if number == 0 { Role::Heading } else { Role::Value };
    writeln!(out, "{}{line}{}", color.start(role), color.end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut bytes = Vec::new();
        write(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn releases() -> Table {
        let mut table = Table::new(["ID", "CREATED", "BUILD", "STATUS"]);
        table.row(["RZBZBKXSPYV", "37 seconds ago", "BCSWGHMOTTQ", "active"]);
        table.row(["RZYWJKKRDLI", "15 minutes ago", "BXFGHCQLZGQ", ""]);
        table
    }

    #[test]
    fn releases_are_printed_as_in_the_guide() {
        let expected = "\
ID           CREATED         BUILD        STATUS
RZBZBKXSPYV  37 seconds ago  BCSWGHMOTTQ  active
RZYWJKKRDLI  15 minutes ago  BXFGHCQLZGQ
";
        assert_eq!(text(|out| releases().write(Color::Off, out)), expected);
    }

    #[test]
    fn an_empty_table_prints_its_header() {
        let table = Table::new(["NAME", "PROVIDER", "STATUS"]);
        assert_eq!(text(|out| table.write(Color::Off, out)), "NAME  PROVIDER  STATUS\n");
        assert_eq!(text(|out| Table::new([]).write(Color::Off, out)), "");
    }

    #[test]
    fn each_line_is_colored_as_a_whole() {
        let mut table = Table::new(["APP", "STATUS", "RELEASE"]);
        table.row(["quarry", "running", ""]);
        let expected = "\u{1b}[38;5;244mAPP     STATUS   RELEASE\u{1b}[0m\n\
                        \u{1b}[38;5;251mquarry  running\u{1b}[0m\n";
        assert_eq!(text(|out| table.write(Color::On, out)), expected);
    }

    #[test]
    fn columns_are_aligned_by_display_width_and_cells_are_sanitized() {
        let mut table = Table::new(["NAME", "X"]);
        table.row(["日本", "●"]).row(["é—", "b"]).row(["a\nb\u{1b}", "c"]);
        let expected = "NAME      X\n日本      ●\né—        b\na\\nb\\x1b  c\n";
        assert_eq!(text(|out| table.write(Color::Off, out)), expected);
    }

    #[test]
    fn short_rows_are_filled_up_and_long_ones_cut_to_the_header() {
        let mut table = Table::new(["A", "B"]);
        table.row(["1"]).row(["1", "2", "3"]).row::<&str>([]);
        assert_eq!(text(|out| table.write(Color::Off, out)), "A  B\n1\n1  2\n\n");
    }

    #[test]
    fn a_very_wide_cell_is_neither_truncated_nor_wrapped() {
        let wide = "x".repeat(100_000);
        let mut table = Table::new(["A", "B"]);
        table.row([wide.as_str(), "y"]);
        let written = text(|out| table.write(Color::Off, out));
        assert_eq!(written.lines().nth(1), Some(format!("{wide}  y").as_str()));
    }

    #[test]
    fn a_long_table_is_complete() {
        let mut table = Table::new(["A", "B"]);
        for row in 0..5_000 {
            table.row([row.to_string().as_str(), "b"]);
        }
        let written = text(|out| table.write(Color::Off, out));
        assert_eq!(written.lines().count(), 5_001);
        assert_eq!(written.lines().last(), Some("4999  b"));
    }

    proptest! {
        #[test]
        fn the_loop_for_long_tables_writes_the_same_bytes(
            headers in proptest::collection::vec("[A-Z][A-Z ]{0,8}", 1..5),
            rows in proptest::collection::vec(
                proptest::collection::vec(prop_oneof!["[ -~]{0,12}", "\\PC{0,8}", any::<String>()], 0..6),
                0..12,
            ),
            color in prop_oneof![Just(Color::On), Just(Color::Off)],
        ) {
            let mut table = Table::new(headers.iter().map(String::as_str));
            for row in &rows {
                table.row(row);
            }
            let short = text(|out| write_short(&table, color, out));
            prop_assert_eq!(text(|out| write_long(&table, color, out)), short.clone());
            prop_assert_eq!(short.lines().count(), rows.len() + 1);
        }
    }
}
