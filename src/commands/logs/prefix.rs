//! The beginning of a line of a log: when, and where from.

use chrono::{DateTime, Utc};

use convox_wire::{LogLine, ServiceLogLine};

/// What the rack puts before a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LogPrefix<'a> {
    /// When the line was written.
    pub(super) time: DateTime<Utc>,
    /// Where it is from: `service/web/web-6d5f` in the log of an app, `web-6d5f` in the log of a
    /// service.
    pub(super) source: &'a str,
    /// The rest of the line.
    pub(super) message: &'a str,
}

impl<'a> LogPrefix<'a> {
    /// Parses a line of the log of an app (`<time> <stream> <message>`) or of a service
    /// (`[pod/<pod>/<container>] <time> <message>`); `None` if it has neither form.
    pub(super) fn parse(line: &'a str) -> Option<Self> {
        if let Some(of_service) = ServiceLogLine::parse(line) {
            let ServiceLogLine { time, message, .. } = of_service;
            return Some(Self { time, source: of_service.process(), message });
        }
        let LogLine { time, stream, message } = LogLine::parse(line)?;
        Some(Self { time, source: stream, message })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_apps_and_of_services_have_a_time_and_a_source() {
        let app = LogPrefix::parse("2026-02-03T04:05:06Z service/web/web-1 GET / 200").unwrap();
        assert_eq!((app.source, app.message), ("service/web/web-1", "GET / 200"));
        let service = LogPrefix::parse("[pod/web-1/web] 2026-02-03T04:05:06.5Z GET / 200").unwrap();
        assert_eq!((service.source, service.message), ("web-1", "GET / 200"));
        assert!(service.time > app.time);
        for other in ["", "  at main.js:1", "[pod/web-1/web] soon", "[pod/web"] {
            assert_eq!(LogPrefix::parse(other), None, "{other:?}");
        }
    }
}
