//! Ids, ports, process names and times are different in every run. Transcripts show stand-ins of
//! the same width, given in order of appearance: `RAAAAAAAAAA`, `RBBBBBBBBBB`; `127.0.0.1:10001`.

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

/// What stands for what in one story.
#[derive(Debug, Default)]
pub struct Redactions(Mutex<Vec<(String, String)>>);

impl Redactions {
    /// Puts stand-ins for what varies; `folder` reads `/story`.
    pub fn put(&self, text: &str, folder: &Path) -> String {
        let text = text.replace(&*folder.to_string_lossy(), "/story");
        VARYING.replace_all(&text, |found: &Captures<'_>| self.stand_in(found)).into_owned()
    }

    /// The other way: what a stand-in in a command line stands for.
    pub fn resolve(&self, text: &str) -> String {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().fold(text.to_owned(), |text, (real, stand_in)| text.replace(stand_in, real))
    }

    /// What stands for what, in order of appearance.
    pub fn pairs(&self) -> Vec<(String, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn stand_in(&self, found: &Captures<'_>) -> String {
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
            return self.known(&format!("127.0.0.1:{real}")).map_or(real.to_owned(), |stand_in| {
                stand_in.trim_start_matches("127.0.0.1:").to_owned()
            });
        }
        self.known(real).unwrap_or_else(|| self.add(found, real))
    }

    fn known(&self, real: &str) -> Option<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|(other, _)| other == real).map(|(_, stand_in)| stand_in.clone())
    }

    fn add(&self, found: &Captures<'_>, real: &str) -> String {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let prefix = match real.split_once('-') {
            Some((service, _)) => format!("{service}-"),
            None if found.name("port").is_some() => "127.0.0.1:1".to_owned(),
            None => real[..1].to_owned(),
        };
        let before = known.iter().filter(|(_, stand_in)| stand_in.starts_with(&prefix)).count();
        let letter = u8::try_from(before).ok().filter(|before| *before < 26).expect("few ids");
        let stand_in = if found.name("port").is_some() {
            format!("127.0.0.1:{}", 10_001 + before)
        } else if found.name("process").is_some() {
            prefix + &char::from(b'a' + letter).to_string().repeat(6)
        } else {
            prefix + &char::from(b'A' + letter).to_string().repeat(10)
        };
        known.push((real.to_owned(), stand_in.clone()));
        stand_in
    }
}
