//! What an app tells while a release is rolled out: the rack's own log lines, and its processes.

use std::collections::HashMap;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::{Instant, timeout};

use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::event::Event;
use convox_client::rack::{AppLog, LogError, LogEvent, LogOptions, LogSource, Rack};
use convox_wire::{AppName, Process, ProcessId, ProcessStatus};

/// How far back the log begins.
const SINCE: Duration = Duration::from_secs(5);
/// Between two looks at the processes.
const PROCESSES: Duration = Duration::from_secs(3);
/// How long such a caps may take before and after the roll-out.
const LOOK: Duration = Duration::from_secs(5);
/// The log has said all once it has been quiet for this long.
const QUIET: Duration = Duration::from_millis(300);
/// And gets no more than this.
const MOST: Duration = Duration::from_secs(1);

/// The log of a roll-out, and the processes as they were last seen.
pub(super) struct RolloutLogs<'a> {
    cx: &'a Context,
    rack: &'a Rack,
    app: &'a AppName,
    log: View<'a>,
    lines: SystemLines,
    processes: HashMap<ProcessId, ProcessStatus>,
}

impl<'a> RolloutLogs<'a> {
    /// Opens the log, and reads the processes once.
    pub(super) async fn open(
        cx: &'a Context,
        rack: &'a Rack,
        app: &'a AppName,
    ) -> Result<Self, CommandError> {
        let log = View::new(cx, rack, app);
        let (lines, processes) = (SystemLines::default(), HashMap::new());
        let mut logs = Self { cx, rack, app, log, lines, processes };
        logs.log.open().await;
        logs.look_at_processes().await?;
        Ok(logs)
    }

    /// Shows both while `work` is being done.
    pub(super) async fn show_beside<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Result<T, CommandError> {
        let mut work = std::pin::pin!(work);
        let rack = self.rack.without_retries();
        let caps = || async {
            tokio::time::sleep(PROCESSES).await;
            rack.processes(self.app).await
        };
        let mut looking = std::pin::pin!(caps());
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                lines = self.log.next() => self.show(&lines)?,
                processes = &mut looking => {
                    looking.set(caps());
                    self.tell(processes.unwrap_or_default())?;
                }
            }
        }
    }

    /// Gives the log a moment to say the last of it.
    pub(super) async fn finish(mut self) -> Result<(), CommandError> {
        let end = Instant::now() + MOST;
        while Instant::now() < end {
            match timeout(QUIET, self.log.next()).await {
                Ok(lines) => self.show(&lines)?,
                Err(_) => break,
            }
        }
        self.look_at_processes().await
    }

    fn show(&mut self, lines: &Bytes) -> Result<(), CommandError> {
        let system = self.lines.of(lines);
        if system.is_empty() { Ok(()) } else { self.cx.emit(Event::Log(system)) }
    }

    /// Reads the processes, for a moment at most, and tells their news.
    async fn look_at_processes(&mut self) -> Result<(), CommandError> {
        let rack = self.rack.without_retries();
        match timeout(LOOK, rack.processes(self.app)).await {
            Ok(Ok(processes)) => self.tell(processes),
            _ => Ok(()),
        }
    }

    /// Tells each process whose status has changed; one that was running from the start is no news.
    fn tell(&mut self, processes: Vec<Process>) -> Result<(), CommandError> {
        for process in processes {
            let known = self.processes.insert(process.id.clone(), process.status.clone());
            let news = match known {
                None => process.status != ProcessStatus::Running,
                Some(status) => status != process.status,
            };
            if news {
                self.cx.emit(Event::Process(Box::new(process)))?;
            }
        }
        Ok(())
    }
}

/// The app's log for as long as the roll-out lasts. It is a view: the app's status is the truth.
struct View<'a> {
    cx: &'a Context,
    app: &'a AppName,
    log: AppLog,
    has_warned: bool,
}

impl<'a> View<'a> {
    fn new(cx: &'a Context, rack: &Rack, app: &'a AppName) -> Self {
        let options = LogOptions { since: Some(SINCE.into()), ..LogOptions::default() };
        let log = rack.app_log(&LogSource::App(app.clone()), options);
        Self { cx, app, log, has_warned: false }
    }

    /// Opens the log, if that takes but a moment; else it goes on beside what follows.
    async fn open(&mut self) {
        if let Ok(Err(error)) = timeout(MOST, self.log.ensure_open()).await {
            self.warn(&error);
        }
    }

    /// The next lines, whatever happens to the log meanwhile. Safe to drop while waiting.
    async fn next(&mut self) -> Bytes {
        loop {
            match self.log.next().await {
                Ok(LogEvent::Text(lines)) => return lines,
                Ok(LogEvent::Resumed(_)) => continue,
                // Racks end this stream now and then; the roll-out goes on.
                Ok(LogEvent::Ended | LogEvent::NotReady(_)) => {}
                Err(error) => self.warn(&error),
            }
            tokio::time::sleep(MOST).await;
        }
    }

    /// Says once that the log cannot be read; that the rack is away is told by the polls.
    fn warn(&mut self, error: &LogError) {
        if error.is_transient() || std::mem::replace(&mut self.has_warned, true) {
            return;
        }
        self.cx.warn_with(
            format!("the app's log can't be read ({error})"),
            [Hint::command("try again with", "logs").app(self.app)],
        );
    }
}

/// Those lines of a log that are the rack's own.
#[derive(Default)]
struct SystemLines {
    /// A line has begun, and its other parts share this verdict.
    begun: Option<bool>,
}

impl SystemLines {
    fn of(&mut self, text: &[u8]) -> Bytes {
        let mut all = BytesMut::new();
        for part in text.split_inclusive(|byte| *byte == b'\n') {
            let is_system = self.begun.take().unwrap_or_else(|| is_from_system(part));
            if is_system {
                all.extend_from_slice(part);
            }
            self.begun = (!part.ends_with(b"\n")).then_some(is_system);
        }
        all.freeze()
    }
}

/// Three words and more, of which the second names a part of the rack. The first is a time where
/// racks are right; that is for the reader to see.
fn is_from_system(line: &[u8]) -> bool {
    let mut words = line.splitn(3, |byte| *byte == b' ').skip(1);
    words.next().is_some_and(|word| word.starts_with(b"system/")) && words.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_line_are_all_shown_or_none() {
        let system = "2026-02-03T04:05:06Z system/k8s/web starting\n";
        let service = "2026-02-03T04:05:06Z service/web/1 hello\n";
        let mut lines = SystemLines::default();
        let mut shown = |text: &str| String::from_utf8(lines.of(text.as_bytes()).to_vec()).unwrap();
        assert_eq!(shown(&format!("{service}{system}{service}")), system);
        assert_eq!(shown(&system[..40]), system[..40]);
        assert_eq!(shown(&format!("{service}{system}")), format!("{service}{system}"));
        assert_eq!(shown(service.trim_end()), "");
        assert_eq!(shown(&format!("{system}{system}")), system);
    }

    #[test]
    fn only_what_the_rack_says_is_shown_whatever_its_first_word() {
        let log = b"2026-02-03T04:05:06Z service/web/1 hello there\n\
            2026-02-03T04:05:06Z system/deploy rolling gate\n\
            whenever system/deploy still rolling\n\
            2026-02-03T04:05:06Z system/deploy\n\
            a line of system/deploy\n";
        let shown = "2026-02-03T04:05:06Z system/deploy rolling gate\n\
            whenever system/deploy still rolling\n";
        assert_eq!(SystemLines::default().of(log), shown);
    }
}
