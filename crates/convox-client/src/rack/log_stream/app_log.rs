use bytes::Bytes;
use tokio::time::timeout;

use super::backlog::Backlog;
use super::line_dedup::LineDedup;
use super::reconnecting_socket::{ReconnectingSocket, SocketEvent};
use super::since_tracker::{ClockReading, SinceTracker};
use super::{LogError, LogEvent};
use crate::rack::{LogOptions, LogSource, Rack};

const RESUMED: &str = "the log stream was interrupted and has been resumed";

/// The log of an app or a service, in whole lines; very long ones come in parts.
pub struct AppLog {
    socket: ReconnectingSocket,
    source: LogSource,
    options: LogOptions,
    /// The last lines, until the log is followed.
    backlog: Option<Backlog>,
    /// The log is followed once the backlog was returned.
    follows: bool,
    lines: LineDedup,
    /// Where the log begins; set at the first request.
    since: Option<SinceTracker>,
    /// The next event reports that the stream was resumed.
    report_resumed: bool,
    /// Data was received since that was last reported.
    has_data: bool,
    ended: bool,
    /// How often a log that is not followed has stalled since its last new line.
    stalls: u32,
}

impl Rack {
    /// Opens the log of an app (`/apps/{app}/logs`; v2, v3, classic) or a service (v3), with time
    /// and stream before each line. Nothing is sent before the first call of [`AppLog::next`].
    /// Racks do not check the app here: read it first.
    ///
    /// ```no_run
    /// # async fn example(rack: convox_client::Rack) -> Result<(), Box<dyn std::error::Error>> {
    /// use convox_client::rack::{LogEvent, LogOptions, LogSource};
    ///
    /// let mut log = rack.app_log(&LogSource::App("web".parse()?), LogOptions::default());
    /// while let LogEvent::Text(lines) = log.next().await? {
    ///     print!("{}", String::from_utf8_lossy(&lines));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn app_log(&self, source: &LogSource, options: LogOptions) -> AppLog {
        let socket = ReconnectingSocket::new(self.client.clone(), source.path());
        let tail = options.tail.filter(|_| matches!(source, LogSource::App(_)));
        let (backlog, follows) = (tail.map(Backlog::new), !options.no_follow);
        let no_follow = options.no_follow || backlog.is_some();
        AppLog {
            socket,
            source: source.clone(),
            options: LogOptions { no_follow, ..options },
            backlog,
            follows,
            lines: LineDedup::default(),
            since: None,
            report_resumed: false,
            has_data: true,
            ended: false,
            stalls: 0,
        }
    }
}

impl AppLog {
    /// Returns the next lines. After a cut it reconnects, without losing or repeating lines (on
    /// racks with times of whole seconds a line may be repeated, never lost). Cancel-safe.
    ///
    /// # Errors
    /// [`LogError`] if the rack refuses, or cannot be reached within the retry budget.
    pub async fn next(&mut self) -> Result<LogEvent, LogError> {
        loop {
            if std::mem::take(&mut self.ended) {
                return Ok(LogEvent::Ended);
            }
            if !self.socket.is_open() {
                if self.socket.should_give_up() {
                    return Err(self.socket.give_up_error().into());
                }
                self.attach().await?;
            }
            if std::mem::take(&mut self.report_resumed) {
                return Ok(LogEvent::Resumed(RESUMED));
            }
            match self.step().await {
                SocketEvent::Data(data) => {
                    self.has_data = true;
                    let lines = self.lines.feed(&data);
                    if lines.is_empty() {
                        continue;
                    }
                    self.stalls = 0;
                    match &mut self.backlog {
                        Some(backlog) => backlog.push(&lines),
                        None => return Ok(LogEvent::Text(lines)),
                    }
                }
                SocketEvent::Refused(message) => return Err(LogError::Refused(message)),
                SocketEvent::End => {
                    let rest = self.lines.end();
                    // The socket is closed, so the next call must report the end rather than
                    // reconnect.
                    self.ended = self.backlog.is_none() || !self.follows;
                    let text = self.end_backlog(rest);
                    if !text.is_empty() {
                        return Ok(LogEvent::Text(text));
                    }
                }
                SocketEvent::Cut => {
                    self.lines.cut();
                    self.report_resumed |= std::mem::take(&mut self.has_data);
                }
            }
        }
    }

    /// Returns the backlog, if there is one, with the rest of the log. The next connection follows
    /// the log from there.
    fn end_backlog(&mut self, rest: Bytes) -> Bytes {
        let Some(mut backlog) = self.backlog.take() else { return rest };
        (self.options.no_follow, self.options.tail) = (!self.follows, None);
        backlog.push(&rest);
        backlog.into_lines()
    }

    /// Returns what the socket receives next. A log that is not followed has an end: one that
    /// stalls before it counts as cut, and as ended the second time.
    async fn step(&mut self) -> SocketEvent {
        if !self.options.no_follow {
            return self.socket.next().await;
        }
        match timeout(self.socket.limits().stall, self.socket.next()).await {
            Ok(got) => got,
            Err(_) => {
                self.stalls += 1;
                self.socket.cut();
                if self.stalls > 1 { SocketEvent::End } else { SocketEvent::Cut }
            }
        }
    }

    /// Connects, without reading anything yet. Cancel-safe.
    ///
    /// # Errors
    /// As [`AppLog::next`].
    pub async fn ensure_open(&mut self) -> Result<(), LogError> {
        if self.socket.is_open() { Ok(()) } else { self.attach().await }
    }

    async fn attach(&mut self) -> Result<(), LogError> {
        loop {
            let since = self.since();
            let options = match self.socket.opened_count() {
                0 => self.options.clone(),
                _ => self.options.resuming(&self.source),
            };
            self.socket.open(move || options.headers(since.since(ClockReading::now()))).await?;
            if self.begins_in_time(since) {
                break;
            }
            self.socket.cut();
        }
        if self.socket.opened_count() > 1 {
            self.lines.expect_replays();
        }
        Ok(())
    }

    fn since(&mut self) -> SinceTracker {
        let since = self.options.since;
        let since = self.since.get_or_insert_with(|| SinceTracker::new(since, ClockReading::now()));
        since.set_newest(self.lines.newest());
        *since
    }

    /// Returns whether the new socket begins early enough to deliver all missing lines.
    fn begins_in_time(&mut self, mut since: SinceTracker) -> bool {
        let now = ClockReading::now();
        let opened = self.socket.opened_at().unwrap_or(now.wall);
        let in_time = since.opened(opened.into(), now, self.socket.handshake_took());
        self.since = Some(since);
        in_time
    }
}
