//! Which lines of an app's log a client receives, and in which format.

use chrono::{DateTime, Utc};

use super::app_log::stamp;

/// The lines that a client requested.
#[derive(Debug, Clone)]
pub(crate) struct Selection {
    shape: Shape,
    streams: Streams,
    filter: Option<String>,
    /// Earlier lines are skipped. Cleared once a later line was seen, as times only increase.
    since: String,
}

/// The format of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The message only.
    Bare,
    /// `<time> <stream> <message>`: app, process and system logs with `Prefix: true`.
    Prefixed,
    /// `[pod/<process>/<service>] <time> <message>`: service logs with `Prefix: true`.
    Pod,
}

/// The streams that a client requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Streams {
    /// All streams.
    All,
    /// The streams of a service: `service/<name>/…`.
    Service(String),
    /// The streams of a process: `service/…/<id>`.
    Process(String),
}

impl Streams {
    fn contain(&self, stream: &str) -> bool {
        match (self, service_and_process(stream)) {
            (Self::All, _) => true,
            (Self::Service(name), Some((service, _))) => name == service,
            (Self::Process(id), Some((_, process))) => id == process,
            _ => false,
        }
    }
}

fn service_and_process(stream: &str) -> Option<(&str, &str)> {
    stream.strip_prefix("service/")?.split_once('/')
}

impl Selection {
    /// Selects all lines since `since`.
    pub(crate) fn since(since: DateTime<Utc>, shape: Shape, streams: Streams) -> Self {
        Self { shape, streams, filter: None, since: stamp(since) }
    }

    /// Restricts the selection to lines whose message contains `text`, literally. (v3 racks pass it
    /// to a service with a pattern language, in which plain words mean the same.)
    pub(crate) fn containing(mut self, text: Option<String>) -> Self {
        self.filter = text.filter(|text| !text.is_empty());
        self
    }

    /// Returns the selected lines of `text`.
    pub(crate) fn apply(&mut self, text: String) -> String {
        if self.takes_all() {
            return text;
        }
        let mut chosen = String::new();
        for line in text.split_terminator('\n') {
            self.append(line, &mut chosen);
        }
        chosen
    }

    fn takes_all(&self) -> bool {
        self.since.is_empty()
            && self.shape == Shape::Prefixed
            && self.streams == Streams::All
            && self.filter.is_none()
    }

    fn append(&mut self, line: &str, to: &mut String) {
        let Some((time, rest)) = line.split_once(' ') else { return };
        if !self.since.is_empty() {
            if time < self.since.as_str() {
                return;
            }
            self.since.clear();
        }
        let (stream, message) = rest.split_once(' ').unwrap_or((rest, ""));
        let filtered = self.filter.as_ref().is_some_and(|text| !message.contains(text));
        if filtered || !self.streams.contain(stream) {
            return;
        }
        match (self.shape, service_and_process(stream)) {
            (Shape::Bare, _) => to.push_str(message),
            (Shape::Pod, Some((service, process))) => {
                to.push_str(&format!("[pod/{process}/{service}] {time} {message}"));
            }
            _ => to.push_str(line),
        }
        to.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "2026-01-01T00:00:01.000000000Z service/web/p1 GET /\n\
        2026-01-01T00:00:02.000000000Z system/rack rolled out\n\
        2026-01-01T00:00:03.000000000Z service/worker/p2 GET /jobs\n\
        2026-01-01T00:00:04.000000000Z service/web/p3 \n";

    fn select(since: &str, shape: Shape, streams: Streams, filter: Option<&str>) -> String {
        let selection = Selection::since(since.parse().unwrap(), shape, streams);
        selection.containing(filter.map(str::to_owned)).apply(TEXT.to_owned())
    }

    #[test]
    fn lines_before_since_are_skipped() {
        let all = select("2025-01-01T00:00:00Z", Shape::Prefixed, Streams::All, None);
        assert_eq!(all, TEXT);
        let some = select("2026-01-01T00:00:02Z", Shape::Prefixed, Streams::All, None);
        assert_eq!(some.lines().count(), 3);
    }

    #[test]
    fn filters_apply_to_messages_only() {
        let got = select("2025-01-01T00:00:00Z", Shape::Bare, Streams::All, Some("GET"));
        assert_eq!(got, "GET /\nGET /jobs\n");
        assert_eq!(select("2025-01-01T00:00:00Z", Shape::Bare, Streams::All, Some("2026")), "");
    }

    #[test]
    fn service_and_process_logs_contain_only_their_own_lines() {
        let service = Streams::Service("web".into());
        let got = select("2025-01-01T00:00:00Z", Shape::Pod, service, None);
        assert_eq!(
            got,
            "[pod/p1/web] 2026-01-01T00:00:01.000000000Z GET /\n\
             [pod/p3/web] 2026-01-01T00:00:04.000000000Z \n"
        );
        let process = Streams::Process("p2".into());
        assert_eq!(select("2025-01-01T00:00:00Z", Shape::Bare, process, None), "GET /jobs\n");
    }
}
