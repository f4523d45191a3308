//! Ids, ports, process names and times differ from run to run. Transcripts show placeholders of the
//! same width, numbered in order of appearance: `RAAAAAAAAAA`, `RBBBBBBBBBB`; `127.0.0.1:10001`.

use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::{Captures, Regex};

static VARYING: LazyLock<Regex> = LazyLock::new(|| {
    let parts = [
        r"(?P<id>\b[RB][A-Z]{10}\b)",
        r"(?P<process>\b(?:web|job|worker)-[a-z0-9]{6}\b)",
        r"(?P<time>\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)",
        r"(?P<bar>(?m)^Uploading: (?:[\d.]+ K?B) / (?:[\d.]+ K?B) \[=+\] 100\.00 % \d+s$)",
        r"(?P<listening>listening on \d{4,5}\b)",
        r"(?P<size>entries, [\d.]+ K?B\b)",
        r"(?P<port>127\.0\.0\.1:\d{4,5}\b)",
        r"(?P<word>\b\d{5}\b)",
    ];
    Regex::new(&parts.join("|")).expect("a pattern")
});

/// The placeholders of one story.
#[derive(Debug, Default)]
pub struct Redactions(Mutex<Vec<(String, String)>>);

impl Redactions {
    /// Replaces what varies by placeholders, and `directory` by `/story`.
    pub fn redact(&self, text: &str, directory: &Path) -> String {
        let text = text.replace(&*directory.to_string_lossy(), "/story");
        VARYING.replace_all(&text, |found: &Captures<'_>| self.placeholder(found)).into_owned()
    }

    /// Replaces placeholders by what they stand for.
    pub fn resolve(&self, text: &str) -> String {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .iter()
            .fold(text.to_owned(), |text, (real, placeholder)| text.replace(placeholder, real))
    }

    /// What is replaced and its placeholder, in order of appearance.
    pub fn pairs(&self) -> Vec<(String, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn placeholder(&self, found: &Captures<'_>) -> String {
        let real = &found[0];
        if found.name("time").is_some() {
            return "TIME".to_owned();
        }
        if found.name("bar").is_some() {
            assert_eq!(real.len(), 70, "a bar of another width: {real}");
            return "Uploading: SIZE / SIZE [=====] 100.00 % 0s".to_owned();
        }
        if found.name("listening").is_some() {
            return "listening on PORT".to_owned();
        }
        if found.name("size").is_some() {
            return "entries, SIZE".to_owned();
        }
        if found.name("word").is_some() {
            return self
                .known(&format!("127.0.0.1:{real}"))
                .map_or(real.to_owned(), |placeholder| {
                    placeholder.trim_start_matches("127.0.0.1:").to_owned()
                });
        }
        self.known(real).unwrap_or_else(|| self.add(found, real))
    }

    fn known(&self, real: &str) -> Option<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|(other, _)| other == real).map(|(_, placeholder)| placeholder.clone())
    }

    fn add(&self, found: &Captures<'_>, real: &str) -> String {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let prefix = match real.split_once('-') {
            Some((service, _)) => format!("{service}-"),
            None if found.name("port").is_some() => "127.0.0.1:1".to_owned(),
            None => real[..1].to_owned(),
        };
        let before =
            known.iter().filter(|(_, placeholder)| placeholder.starts_with(&prefix)).count();
        let letter = u8::try_from(before).ok().filter(|before| *before < 26).expect("few ids");
        let placeholder = if found.name("port").is_some() {
            format!("127.0.0.1:{}", 10_001 + before)
        } else if found.name("process").is_some() {
            prefix + &char::from(b'a' + letter).to_string().repeat(6)
        } else {
            prefix + &char::from(b'A' + letter).to_string().repeat(10)
        };
        known.push((real.to_owned(), placeholder.clone()));
        placeholder
    }
}
