use tokio::time::timeout;

use super::attach::{ReconnectingSocket, SocketEvent};
use super::lines::Lines;
use super::start::{Moment, Start};
use super::{LogError, LogEvent};
use crate::rack::{LogOptions, LogSource, Rack};

const RESUMED: &str = "the log stream was interrupted and goes on";

/// The log of an app or of one of its services, in whole lines; one that is very long comes in parts.
pub struct AppLog {
    attachment: ReconnectingSocket,
    source: LogSource,
    options: LogOptions,
    lines: Lines,
    /// How far back to begin; set when the log is first asked for.
    start: Option<Start>,
    /// It is to be told that the stream goes on.
    announce: bool,
    /// Something has come since that was told.
    is_flowing: bool,
    ended: bool,
    /// How often a log that is not followed fell silent since its last new line.
    silences: u32,
}

impl Rack {
    /// The log of an app (`/apps/{app}/logs`; v2, v3, classic) or a service (v3), with times and
    /// streams before each line. Racks do not check the app here: look it up first.
    pub fn app_log(&self, source: &LogSource, options: LogOptions) -> AppLog {
        let attachment = ReconnectingSocket::new(self.client.clone(), source.path());
        AppLog {
            attachment,
            source: source.clone(),
            options,
            lines: Lines::default(),
            start: None,
            announce: false,
            is_flowing: true,
            ended: false,
            silences: 0,
        }
    }
}

impl AppLog {
    /// The next lines. After a cut it attaches again, without losing or repeating any (on racks with
    /// times of whole seconds a line may be repeated, never lost). Safe to drop while waiting.
    ///
    /// # Errors
    /// [`LogError`] where the rack refuses, or cannot be reached within the retry budget.
    pub async fn next(&mut self) -> Result<LogEvent, LogError> {
        loop {
            if std::mem::take(&mut self.ended) {
                return Ok(LogEvent::Ended);
            }
            if !self.attachment.is_open() {
                if self.attachment.should_give_up() {
                    return Err(self.attachment.given_up().into());
                }
                self.attach().await?;
            }
            if std::mem::take(&mut self.announce) {
                return Ok(LogEvent::Resumed(RESUMED));
            }
            match self.step().await {
                SocketEvent::Data(data) => {
                    self.is_flowing = true;
                    let lines = self.lines.feed(&data);
                    if !lines.is_empty() {
                        self.silences = 0;
                        return Ok(LogEvent::Text(lines));
                    }
                }
                SocketEvent::Refused(words) => return Err(LogError::Refused(words)),
                SocketEvent::End => {
                    let rest = self.lines.end();
                    if rest.is_empty() {
                        return Ok(LogEvent::Ended);
                    }
                    // The socket is closed: the next call would attach again, so say the end then.
                    self.ended = true;
                    return Ok(LogEvent::Text(rest));
                }
                SocketEvent::Cut => {
                    self.lines.cut();
                    self.announce |= std::mem::take(&mut self.is_flowing);
                }
            }
        }
    }

    /// The socket's next thing. A log that is not followed must come to its end: one that falls
    /// silent before that is given up as cut, and at its second silence taken for ended.
    async fn step(&mut self) -> SocketEvent {
        if !self.options.no_follow {
            return self.attachment.next().await;
        }
        match timeout(self.attachment.limits().stall, self.attachment.next()).await {
            Ok(got) => got,
            Err(_) => {
                self.silences += 1;
                self.attachment.cut();
                if self.silences > 1 { SocketEvent::End } else { SocketEvent::Cut }
            }
        }
    }

    /// Attaches, without reading anything yet. Safe to drop while waiting.
    ///
    /// # Errors
    /// As [`AppLog::next`].
    pub async fn opened(&mut self) -> Result<(), LogError> {
        if self.attachment.is_open() { Ok(()) } else { self.attach().await }
    }

    async fn attach(&mut self) -> Result<(), LogError> {
        loop {
            let start = self.start();
            let options = match self.attachment.times() {
                0 => self.options.clone(),
                _ => self.options.going_on(&self.source),
            };
            self.attachment.open(move || options.headers(start.since(Moment::now()))).await?;
            if self.begins_in_time(start) {
                break;
            }
            self.attachment.cut();
        }
        if self.attachment.times() > 1 {
            self.lines.attached_again();
        }
        Ok(())
    }

    fn start(&mut self) -> Start {
        let since = self.options.since;
        let start = self.start.get_or_insert_with(|| Start::new(since, Moment::now()));
        start.shown(self.lines.newest());
        *start
    }

    /// Does the socket that was opened begin where the log is missing?
    fn begins_in_time(&mut self, mut start: Start) -> bool {
        let now = Moment::now();
        let opened = self.attachment.opened_at().unwrap_or(now.wall);
        let in_time = start.opened(opened.into(), now, self.attachment.delay());
        self.start = Some(start);
        in_time
    }
}
