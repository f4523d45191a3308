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

/// A line of a service's log: `[pod/<process>/<container>] <RFC 3339 time> <message>` (v3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceLogLine<'a> {
    /// What stands in brackets, such as `pod/web-6d5f/web`.
    pub source: &'a str,
    /// When it was written.
    pub time: DateTime<Utc>,
    /// The message.
    pub message: &'a str,
}

impl<'a> ServiceLogLine<'a> {
    /// Parses a line without its newline; `None` if it has another format.
    pub fn parse(line: &'a str) -> Option<Self> {
        let (source, rest) = line.strip_prefix('[')?.split_once("] ")?;
        let (time, message) = rest.split_once(' ').unwrap_or((rest, ""));
        let time = DateTime::parse_from_rfc3339(time).ok()?.to_utc();
        Some(Self { source, time, message })
    }

    /// The process, such as `web-6d5f`.
    pub fn process(&self) -> &'a str {
        let pod = self.source.strip_prefix("pod/").unwrap_or(self.source);
        pod.split_once('/').map_or(pod, |(process, _)| process)
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

    #[test]
    fn a_line_of_a_service_names_its_process() {
        let line = ServiceLogLine::parse("[pod/web-1/web] 2026-02-03T04:05:06Z GET / 200").unwrap();
        assert_eq!((line.source, line.process()), ("pod/web-1/web", "web-1"));
        assert_eq!(line.message, "GET / 200");
        for other in ["", "[pod/web", "[x] y", "[x] y z", "x] 2026-02-03T04:05:06Z y"] {
            assert_eq!(ServiceLogLine::parse(other), None, "{other}");
        }
    }
}
