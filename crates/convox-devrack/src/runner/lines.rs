//! The output of a child, line by line.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, BufReader};

/// A longer line is cut into several.
const LONGEST: usize = 64 * 1024;

/// How many lines are remembered for a failure's report.
const REMEMBERED: usize = 20;

/// Hands each line of `from` to `take`, without its line end. Bytes that are not UTF-8 are
/// replaced; a last line without an end counts.
pub(crate) async fn each_line(from: impl AsyncRead + Unpin, mut take: impl FnMut(&str)) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while next_line(&mut from, &mut line).await {
        take(&String::from_utf8_lossy(&line));
        line.clear();
    }
}

/// Fills `line`; false at the end. A pipe that breaks has ended as well.
async fn next_line(from: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> bool {
    loop {
        let Ok(bytes) = from.fill_buf().await else { return !line.is_empty() };
        if bytes.is_empty() {
            return !line.is_empty();
        }
        let room = LONGEST - line.len();
        let reach = &bytes[..bytes.len().min(room)];
        if let Some(end) = reach.iter().position(|byte| *byte == b'\n') {
            line.extend_from_slice(&reach[..end]);
            from.consume(end + 1);
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return true;
        }
        let taken = reach.len();
        line.extend_from_slice(reach);
        from.consume(taken);
        if line.len() >= LONGEST {
            return true;
        }
    }
}

/// A text in one line: its first that is not blank, with `…` for what follows.
pub(crate) fn one_line(text: &str) -> String {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    if lines.next().is_some() { format!("{first} …") } else { first.to_owned() }
}

/// The last lines of a process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tail(Arc<Mutex<VecDeque<String>>>);

impl Tail {
    /// Remembers a line, and forgets the oldest if there are too many.
    pub(crate) fn push(&self, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == REMEMBERED {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    }

    /// The lines, oldest first.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(text: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        each_line(text, |line| lines.push(line.to_owned())).await;
        lines
    }

    #[tokio::test]
    async fn every_line_comes_once_whatever_its_end() {
        assert_eq!(lines(b"a\r\n\nb\xff\nlast").await, ["a", "", "b\u{fffd}", "last"]);
        assert!(lines(b"").await.is_empty());
    }

    #[tokio::test]
    async fn an_endless_line_is_cut() {
        let text = vec![b'x'; LONGEST * 2 + 5];
        let lengths: Vec<usize> = lines(&text).await.iter().map(String::len).collect();
        assert_eq!(lengths, [LONGEST, LONGEST, 5]);
    }

    #[test]
    fn a_text_of_many_lines_is_shown_in_one() {
        assert_eq!(one_line("\n  set -e\nmake\n"), "set -e …");
        assert_eq!(one_line("make \n"), "make");
        assert_eq!(one_line(""), "");
    }

    #[test]
    fn a_tail_keeps_the_newest() {
        let tail = Tail::default();
        (0..25).for_each(|n| tail.push(&n.to_string()));
        assert_eq!(tail.lines().len(), REMEMBERED);
        assert_eq!(tail.lines()[0], "5");
    }
}
