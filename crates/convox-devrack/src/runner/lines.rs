//! The output of a child process, line by line.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, BufReader};

/// Longer lines are split, in bytes.
const MAX_LINE: usize = 64 * 1024;

/// The number of lines kept for the report of a failure.
const MAX_TAIL: usize = 20;

/// Calls `take` with each line of `from`, without its line ending. Invalid UTF-8 is replaced. The
/// last line may lack a line ending.
pub(crate) async fn each_line(from: impl AsyncRead + Unpin, mut take: impl FnMut(&str)) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while next_line(&mut from, &mut line).await {
        take(&String::from_utf8_lossy(&line));
        line.clear();
    }
}

/// Reads a line. Returns `false` at the end of the input, or if reading fails.
async fn next_line(from: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> bool {
    loop {
        let Ok(bytes) = from.fill_buf().await else { return !line.is_empty() };
        if bytes.is_empty() {
            return !line.is_empty();
        }
        let remaining = MAX_LINE - line.len();
        let available = &bytes[..bytes.len().min(remaining)];
        if let Some(end) = available.iter().position(|byte| *byte == b'\n') {
            line.extend_from_slice(&available[..end]);
            from.consume(end + 1);
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return true;
        }
        let taken = available.len();
        line.extend_from_slice(available);
        from.consume(taken);
        if line.len() >= MAX_LINE {
            return true;
        }
    }
}

/// Returns the first non-blank line of a text, with ` …` if more follow.
pub(crate) fn one_line(text: &str) -> String {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    if lines.next().is_some() { format!("{first} …") } else { first.to_owned() }
}

/// The last lines of a process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tail(Arc<Mutex<VecDeque<String>>>);

impl Tail {
    /// Adds a line, dropping the oldest if there are too many.
    pub(crate) fn push(&self, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == MAX_TAIL {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    }

    /// Returns the lines, oldest first.
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
    async fn every_line_is_passed_on_once_whatever_its_ending() {
        assert_eq!(lines(b"a\r\n\nb\xff\nlast").await, ["a", "", "b\u{fffd}", "last"]);
        assert!(lines(b"").await.is_empty());
    }

    #[tokio::test]
    async fn an_endless_line_is_split() {
        let text = vec![b'x'; MAX_LINE * 2 + 5];
        let lengths: Vec<usize> = lines(&text).await.iter().map(String::len).collect();
        assert_eq!(lengths, [MAX_LINE, MAX_LINE, 5]);
    }

    #[test]
    fn a_multi_line_text_is_abbreviated_to_its_first_line() {
        assert_eq!(one_line("\n  set -e\nmake\n"), "set -e …");
        assert_eq!(one_line("make \n"), "make");
        assert_eq!(one_line(""), "");
    }

    #[test]
    fn a_tail_keeps_the_newest_lines() {
        let tail = Tail::default();
        (0..25).for_each(|n| tail.push(&n.to_string()));
        assert_eq!(tail.lines().len(), MAX_TAIL);
        assert_eq!(tail.lines()[0], "5");
    }
}
