use chrono::{DateTime, Utc};

/// A line of an app's log with `Prefix: true`: `<RFC 3339 time> <stream> <message>` (v2, v3).
/// Times are whole seconds on real racks, nanoseconds on the development rack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLine<'a> {
    /// When it was written.
    pub time: DateTime<Utc>,
    /// The source, such as `service/web/web-6d5f` or `system/deploy`.
    pub stream: &'a str,
    /// The message.
    pub message: &'a str,
}

impl<'a> LogLine<'a> {
    /// Parses a line without its newline; `None` if it has another format.
    pub fn parse(line: &'a str) -> Option<Self> {
        let (time, rest) = line.split_once(' ')?;
        let (stream, message) = rest.split_once(' ').unwrap_or((rest, ""));
        let time = DateTime::parse_from_rfc3339(time).ok()?.to_utc();
        Some(Self { time, stream, message })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_at_its_first_two_spaces() {
        let line = LogLine::parse("2026-02-03T04:05:06Z system/deploy rolling gate").unwrap();
        assert_eq!((line.stream, line.message), ("system/deploy", "rolling gate"));
        assert_eq!(LogLine::parse("no time here"), None);
    }
}
