use bytes::{Bytes, BytesMut};
use memchr::{memchr_iter, memrchr};
use tokio::time::timeout;

use super::attach::{Attachment, Got};
use super::start::{Moment, Start};
use super::window::Window;
use super::{LogError, Piece};
use crate::rack::{LogOptions, LogSource, Rack};

const RESUMED: &str = "the log stream was interrupted and goes on";

/// The log of an app or of one of its services, in whole lines.
pub struct AppLog {
    attachment: Attachment,
    options: LogOptions,
    window: Window,
    /// A line that is not complete.
    partial: BytesMut,
    /// How far back to begin; set when the log is first asked for.
    start: Option<Start>,
    announce: bool,
    ended: bool,
    /// How often a log that is not followed fell silent since its last new line.
    silences: u32,
}

impl Rack {
    /// The log of an app (`/apps/{app}/logs`; v2, v3, classic) or a service (v3), with times and
    /// streams before each line. Racks do not check the app here: look it up first.
    pub fn app_log(&self, source: &LogSource, options: LogOptions) -> AppLog {
        let attachment = Attachment::new(self.client.clone(), source.path());
        let (partial, start) = (BytesMut::new(), None);
        AppLog {
            attachment,
            options,
            window: Window::default(),
            partial,
            start,
            announce: false,
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
    pub async fn next(&mut self) -> Result<Piece, LogError> {
        loop {
            if std::mem::take(&mut self.ended) {
                return Ok(Piece::Ended);
            }
            if !self.attachment.is_open() {
                if self.attachment.is_hopeless() {
                    return Err(self.attachment.given_up().into());
                }
                self.attach().await?;
            }
            if std::mem::take(&mut self.announce) {
                return Ok(Piece::Resumed(RESUMED));
            }
            match self.step().await {
                Got::Data(data) => {
                    let lines = self.take(&data);
                    if !lines.is_empty() {
                        self.silences = 0;
                        return Ok(Piece::Text(lines));
                    }
                }
                Got::Refused(words) => return Err(LogError::Refused(words)),
                Got::End => {
                    let rest = self.partial.split().freeze();
                    if rest.is_empty() {
                        return Ok(Piece::Ended);
                    }
                    // The socket is closed: the next call would attach again, so say the end then.
                    self.ended = true;
                    return Ok(Piece::Text(rest));
                }
                Got::Cut => {
                    self.partial.clear();
                    self.announce = true;
                }
            }
        }
    }

    /// The socket's next thing. A log that is not followed must come to its end: one that falls
    /// silent before that is given up as cut, and at its second silence taken for ended.
    async fn step(&mut self) -> Got {
        if !self.options.no_follow {
            return self.attachment.next().await;
        }
        match timeout(self.attachment.limits().stall, self.attachment.next()).await {
            Ok(got) => got,
            Err(_) => {
                self.silences += 1;
                self.attachment.cut();
                if self.silences > 1 { Got::End } else { Got::Cut }
            }
        }
    }

    /// Attaches, without reading anything yet.
    ///
    /// # Errors
    /// As [`AppLog::next`].
    pub async fn opened(&mut self) -> Result<(), LogError> {
        if self.attachment.is_open() { Ok(()) } else { self.attach().await }
    }

    async fn attach(&mut self) -> Result<(), LogError> {
        loop {
            let start = self.start();
            let options = self.options.clone();
            self.attachment.open(move || options.headers(start.since(Moment::now()))).await?;
            if self.begins_in_time(start) {
                break;
            }
            self.attachment.cut();
        }
        if self.attachment.times() > 1 {
            self.window.attached_again();
        }
        Ok(())
    }

    fn start(&mut self) -> Start {
        let since = self.options.since;
        let start = self.start.get_or_insert_with(|| Start::new(since, Moment::now()));
        start.shown(self.window.newest());
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

    /// The complete lines in what came, without those that were shown before.
    fn take(&mut self, data: &[u8]) -> Bytes {
        self.partial.extend_from_slice(data);
        let Some(last) = memrchr(b'\n', &self.partial) else {
            return Bytes::new();
        };
        let complete = self.partial.split_to(last + 1).freeze();
        if !self.window.is_repeating() {
            lines_of(&complete).for_each(|line| self.window.note(line));
            return complete;
        }
        let mut lines = BytesMut::with_capacity(complete.len());
        for line in lines_of(&complete) {
            if self.window.admit(line) {
                lines.extend_from_slice(line);
                lines.extend_from_slice(b"\n");
            }
        }
        lines.freeze()
    }
}

/// The lines of a text that ends in a newline, without their ends.
fn lines_of(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    memchr_iter(b'\n', text).map(move |end| &text[std::mem::replace(&mut start, end + 1)..end])
}
