//! A terminal emulator that is sufficient for lines that are redrawn in place.

/// The lines of the screen after these bytes, without colors and trailing blanks.
pub fn screen(bytes: &str) -> String {
    let mut screen = Screen { lines: vec![Vec::new()], row: 0, column: 0 };
    let mut left = bytes.chars().peekable();
    while let Some(one) = left.next() {
        match one {
            '\r' => screen.column = 0,
            '\n' => screen.down(1),
            '\u{1b}' if left.next_if_eq(&'[').is_some() => {
                let mut number = String::new();
                while let Some(digit) = left.next_if(|one| one.is_ascii_digit() || *one == ';') {
                    number.push(digit);
                }
                screen.control(left.next().unwrap_or(' '), &number);
            }
            other => screen.put(other),
        }
    }
    screen.text()
}

struct Screen {
    lines: Vec<Vec<char>>,
    row: usize,
    column: usize,
}

impl Screen {
    fn put(&mut self, one: char) {
        let line = &mut self.lines[self.row];
        if line.len() <= self.column {
            line.resize(self.column + 1, ' ');
        }
        line[self.column] = one;
        self.column += 1;
    }

    fn down(&mut self, steps: usize) {
        self.row += steps;
        if self.lines.len() <= self.row {
            self.lines.resize(self.row + 1, Vec::new());
        }
    }

    fn control(&mut self, what: char, number: &str) {
        let count = number.parse().unwrap_or(1);
        match what {
            'A' => self.row = self.row.saturating_sub(count),
            'B' => self.down(count),
            'C' => self.column += count,
            'D' => self.column = self.column.saturating_sub(count),
            'K' if number == "2" => self.lines[self.row].clear(),
            'K' => self.lines[self.row].truncate(self.column),
            'J' => self.lines.truncate(self.row + 1),
            'H' => (self.row, self.column) = (0, 0),
            'm' => {}
            other => panic!("unsupported control sequence: {other:?}"),
        }
    }

    fn text(&self) -> String {
        let line = |line: &Vec<char>| line.iter().collect::<String>().trim_end().to_owned();
        let lines: Vec<String> = self.lines.iter().map(line).collect();
        lines.join("\n").trim_end().to_owned() + "\n"
    }
}
