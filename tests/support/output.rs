//! The output of a command, and assertions about it.

use std::time::Duration;

use snapbox::IntoData;

use super::rack::PASSWORD;

/// What a command printed, with placeholders, and how it ended.
#[derive(Debug, Clone)]
pub struct Output {
    pub line: String,
    /// That of a signal is 128 and its number.
    pub code: i32,
    pub out: String,
    pub err: String,
    pub took: Duration,
}

impl Output {
    /// Checks what has to be true of every output: it has no password, no panic and no debug output.
    pub fn new(line: &str, code: i32, out: String, err: String) -> Self {
        let ran = Self { line: line.to_owned(), code, out, err, took: Duration::ZERO };
        for text in [&ran.out, &ran.err] {
            assert!(!text.contains(PASSWORD), "the password is shown by {ran}");
            assert!(!text.contains("panicked at"), "{ran}");
        }
        for debug in ["Error {", "Some(", "Err(", "Os {", "kind: ", "reqwest::", "hyper"] {
            assert!(!ran.err.contains(debug), "{debug} in {ran}");
        }
        ran
    }

    /// The same with the time that the command took.
    pub(crate) fn with_time(self, took: Duration) -> Self {
        Self { took, ..self }
    }

    /// It succeeded, with nothing on stderr.
    #[track_caller]
    pub fn ok(&self) -> &Self {
        self.code(0).err("")
    }

    /// It succeeded, with this on stdout and nothing on stderr.
    #[track_caller]
    pub fn prints(&self, expected: impl IntoData) -> &Self {
        self.ok().out(expected)
    }

    /// It failed: exit code 1, an error on stderr, and perhaps hints.
    #[track_caller]
    pub fn fails(&self, expected: impl IntoData) -> &Self {
        self.fails_with(1, expected)
    }

    /// It failed: this exit code, an error on stderr, and perhaps hints.
    #[track_caller]
    pub fn fails_with(&self, code: i32, expected: impl IntoData) -> &Self {
        self.code(code).err(expected).is_error()
    }

    /// stderr is one line of error, perhaps with indented lines of a log, and perhaps hints.
    #[track_caller]
    pub fn is_error(&self) -> &Self {
        let mut lines = self.err.lines();
        assert!(lines.next().is_some_and(|line| line.starts_with("ERROR: ")), "{self}");
        let belongs = |line: &str| line.starts_with("HINT: ") || line.starts_with("  ");
        assert!(lines.all(belongs), "{self}");
        self
    }

    /// The exit code.
    #[track_caller]
    pub fn code(&self, expected: i32) -> &Self {
        assert_eq!(self.code, expected, "{self}");
        self
    }

    /// All of stdout.
    #[track_caller]
    pub fn out(&self, expected: impl IntoData) -> &Self {
        compare("stdout", &self.out, expected, self);
        self
    }

    /// All of stderr.
    #[track_caller]
    pub fn err(&self, expected: impl IntoData) -> &Self {
        compare("stderr", &self.err, expected, self);
        self
    }

    /// A part of stdout.
    #[track_caller]
    pub fn stdout_contains(&self, part: &str) -> &Self {
        assert!(self.out.contains(part), "{part:?} is not in {self}");
        self
    }

    /// A part of stderr.
    #[track_caller]
    pub fn stderr_contains(&self, part: &str) -> &Self {
        assert!(self.err.contains(part), "{part:?} is not in {self}");
        self
    }

    /// stdout as one JSON document.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        self.ok();
        assert_eq!(self.out.matches('\n').count(), 1, "one document on one line: {self}");
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in {self}"))
    }

    /// stdout as events: one JSON document per line.
    #[track_caller]
    pub fn events(&self) -> Vec<serde_json::Value> {
        let event =
            |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line} in {self}"));
        self.out.lines().map(event).collect()
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { line, code, out, err, .. } = self;
        write!(f, "`{line}` (exit code {code})\n--- stdout\n{out}--- stderr\n{err}---")
    }
}

/// Compares a stream with a snapshot, literally but for the newline at its end. With
/// `SNAPSHOTS=overwrite`, rewrites the snapshot in the test.
#[track_caller]
fn compare(stream: &str, actual: &str, expected: impl IntoData, ran: &Output) {
    assert!(actual.is_empty() || actual.ends_with('\n'), "{stream} has an open line: {ran}");
    let actual = actual.strip_suffix('\n').unwrap_or(actual).to_owned();
    let compared = snapbox::Assert::new().action_env("SNAPSHOTS").try_eq(
        Some(&stream),
        actual.into_data(),
        expected.raw(),
    );
    if let Err(difference) = compared {
        panic!("{difference}\n{ran}");
    }
}
