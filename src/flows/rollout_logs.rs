//! Shows a rollout: the rack's own lines in a log, and changes of an app's processes.

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
/// The time between two reads of the processes.
const PROCESSES: Duration = Duration::from_secs(3);
/// How long a read of the processes may take before and after the rollout.
const READ_LIMIT: Duration = Duration::from_secs(5);
/// A log that is quiet for this long is complete.
const QUIET: Duration = Duration::from_millis(300);
/// The longest time for the rest of the log.
const REST_LIMIT: Duration = Duration::from_secs(1);

/// The log of a rollout, and the last known status of each process.
pub(super) struct RolloutLogs<'a> {
    cx: &'a Context,
    rack: &'a Rack,
    /// `None` for an update of the rack itself.
    app: Option<&'a AppName>,
    log: LogView<'a>,
    lines: SystemLines,
    processes: HashMap<ProcessId, ProcessStatus>,
}

impl<'a> RolloutLogs<'a> {
    /// Opens the log of an app, and reads its processes once.
    pub(super) async fn open(
        cx: &'a Context,
        rack: &'a Rack,
        app: &'a AppName,
    ) -> Result<Self, CommandError> {
        Self::begin(cx, rack, Some(app)).await
    }

    /// Opens the log of the rack.
    pub(super) async fn of_rack(cx: &'a Context, rack: &'a Rack) -> Result<Self, CommandError> {
        Self::begin(cx, rack, None).await
    }

    async fn begin(
        cx: &'a Context,
        rack: &'a Rack,
        app: Option<&'a AppName>,
    ) -> Result<Self, CommandError> {
        let log = LogView::new(cx, rack, app);
        let (lines, processes) = (SystemLines::default(), HashMap::new());
        let mut logs = Self { cx, rack, app, log, lines, processes };
        logs.log.open().await;
        logs.read_processes().await?;
        Ok(logs)
    }

    /// Shows both while `work` runs.
    pub(super) async fn show_beside<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Result<T, CommandError> {
        let mut work = std::pin::pin!(work);
        let rack = self.rack.without_retries();
        let app = self.app;
        let read = || async {
            tokio::time::sleep(PROCESSES).await;
            match app {
                Some(app) => rack.processes(app).await,
                None => std::future::pending().await,
            }
        };
        let mut reading = std::pin::pin!(read());
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                lines = self.log.next() => self.show(&lines)?,
                processes = &mut reading => {
                    reading.set(read());
                    self.show_changes(processes.unwrap_or_default())?;
                }
            }
        }
    }

    /// Shows the rest of the log.
    pub(super) async fn finish(mut self) -> Result<(), CommandError> {
        let end = Instant::now() + REST_LIMIT;
        while Instant::now() < end {
            match timeout(QUIET, self.log.next()).await {
                Ok(lines) => self.show(&lines)?,
                Err(_) => break,
            }
        }
        self.read_processes().await
    }

    fn show(&mut self, lines: &Bytes) -> Result<(), CommandError> {
        let system = self.lines.of(lines);
        if system.is_empty() { Ok(()) } else { self.cx.emit(Event::Log(system)) }
    }

    /// Reads the processes and shows changes. A slow or failed read is skipped.
    async fn read_processes(&mut self) -> Result<(), CommandError> {
        let Some(app) = self.app else { return Ok(()) };
        let rack = self.rack.without_retries();
        match timeout(READ_LIMIT, rack.processes(app)).await {
            Ok(Ok(processes)) => self.show_changes(processes),
            _ => Ok(()),
        }
    }

    /// Shows each process whose status has changed. Processes that run from the start are left out.
    fn show_changes(&mut self, processes: Vec<Process>) -> Result<(), CommandError> {
        for process in processes {
            let known = self.processes.insert(process.id.clone(), process.status.clone());
            let changed = match known {
                None => process.status != ProcessStatus::Running,
                Some(status) => status != process.status,
            };
            if changed {
                self.cx.emit(Event::Process(Box::new(process)))?;
            }
        }
        Ok(())
    }
}

/// The log during the rollout. Its failures never fail the rollout.
struct LogView<'a> {
    cx: &'a Context,
    app: Option<&'a AppName>,
    log: AppLog,
    has_warned: bool,
}

impl<'a> LogView<'a> {
    fn new(cx: &'a Context, rack: &Rack, app: Option<&'a AppName>) -> Self {
        let options = LogOptions { since: Some(SINCE.into()), ..LogOptions::default() };
        let source = app.map_or(LogSource::System, |app| LogSource::App(app.clone()));
        let log = rack.app_log(&source, options);
        Self { cx, app, log, has_warned: false }
    }

    /// Opens the log, for a moment at most; it keeps opening later.
    async fn open(&mut self) {
        if let Ok(Err(error)) = timeout(REST_LIMIT, self.log.ensure_open()).await {
            self.warn(&error);
        }
    }

    /// Returns the next lines, attaching the log again as often as needed. Cancel safe.
    async fn next(&mut self) -> Bytes {
        loop {
            match self.log.next().await {
                Ok(LogEvent::Text(lines)) => return lines,
                Ok(LogEvent::Resumed(_)) => continue,
                // Racks end this stream now and then during a rollout.
                Ok(LogEvent::Ended | LogEvent::NotReady(_)) => {}
                Err(error) => self.warn(&error),
            }
            tokio::time::sleep(REST_LIMIT).await;
        }
    }

    /// Warns once that the log can't be read. Outages are reported by the polls. Machines need not
    /// have a log of an app as a whole.
    fn warn(&mut self, error: &LogError) {
        let is_expected = error.is_transient() || self.cx.is_on_machine();
        if is_expected || std::mem::replace(&mut self.has_warned, true) {
            return;
        }
        let (whose, again) = match self.app {
            Some(app) => ("app", Hint::command("try again with", "logs").app(app)),
            None => ("rack", Hint::command("try again with", "rack logs")),
        };
        self.cx.warn_with(format!("the {whose}'s log can't be read ({error})"), [again]);
    }
}

/// Selects the rack's own lines from a log.
#[derive(Default)]
struct SystemLines {
    /// Whether the line that has begun is selected.
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

/// Whether the second of at least three words names a part of the rack. The first is a time.
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
