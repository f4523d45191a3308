//! Signs of life during long work: the elapsed time beside an open step on a terminal, and
//! otherwise a notice at each quarter of a long upload and for each minute of a long wait.

use std::time::{Duration, Instant};

use super::humanize::{counted, minutes, size};
use super::speed::Speed;
use crate::event::Event;

/// An upload that takes at least this long gets notices.
const LONG_UPLOAD: Duration = Duration::from_secs(10);
/// The time after which a terminal shows how long a step has been taking.
const SHOW_AFTER: Duration = Duration::from_secs(5);
const MINUTE: Duration = Duration::from_secs(60);

/// Follows the events of a run.
#[derive(Debug)]
pub(crate) struct Reporter {
    is_live: bool,
    has_bar: bool,
    work: Work,
}

/// What to print.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// A short text at the end of the open line, which the next output erases.
    Transient(String),
    /// A notice on stderr.
    Notice(String),
}

#[derive(Debug)]
enum Work {
    Idle,
    Packing { started: Instant, reported: u64 },
    Upload { started: Instant, quarter: u64, speed: Speed },
    Wait { what: String, is_open: bool, started: Instant, reported: u64 },
}

impl Reporter {
    /// Creates a reporter. `is_live` is for a terminal that shows transient texts; `has_bar` for a
    /// renderer that draws uploads itself.
    pub(crate) fn new(is_live: bool, has_bar: bool) -> Self {
        Self { is_live, has_bar, work: Work::Idle }
    }

    /// Follows an event, after it was drawn.
    pub(crate) fn observe(&mut self, event: &Event, now: Instant) -> Option<Report> {
        match event {
            Event::Packaging => self.work = Work::Packing { started: now, reported: 0 },
            Event::PackProgress { entries, bytes } => {
                return self
                    .packing(&format!("{}, {}", counted(*entries, "file"), size(*bytes)), now);
            }
            Event::Uploading(_) => {
                self.work = Work::Upload { started: now, quarter: 0, speed: Speed::default() };
            }
            Event::Progress { sent, total } => return self.upload(*sent, *total, now),
            Event::StartingBuild => self.wait("starting the build", true, now),
            Event::BuildStarted(build) => self.wait(format!("building {build}"), false, now),
            Event::BuildLog(_) | Event::Program(_) => self.restart(now),
            Event::WaitingForApp => self.wait("waiting for the app to be ready", true, now),
            Event::Promoting(release) => self.wait(format!("promoting {release}"), false, now),
            Event::Waiting(release) => self.wait(format!("waiting for {release}"), true, now),
            Event::Step(text) => self.wait(text.as_str(), true, now),
            Event::LogFollows => self.line_ended(),
            Event::Packaged
            | Event::Uploaded { .. }
            | Event::Built { .. }
            | Event::AppReady
            | Event::Running(_)
            | Event::Done(_) => self.work = Work::Idle,
            Event::Deploying(_)
            | Event::About(..)
            | Event::Accepted(_)
            | Event::Log(_)
            | Event::LogOf(..)
            | Event::Process(_)
            | Event::Line(_)
            | Event::Transfer(_) => {}
        }
        None
    }

    /// Reports that the work goes on, if it is time to.
    pub(crate) fn tick(&mut self, now: Instant) -> Option<Report> {
        let Work::Wait { what, is_open, started, reported } = &mut self.work else { return None };
        let elapsed = now.saturating_duration_since(*started);
        if self.is_live {
            let is_due = *is_open && elapsed >= SHOW_AFTER;
            return is_due.then(|| Report::Transient(minutes(elapsed.as_secs())));
        }
        let text = format!("{what} ({})", minutes(elapsed.as_secs()));
        each_minute(elapsed, reported).then_some(Report::Notice(text))
    }

    fn wait(&mut self, what: impl Into<String>, is_open: bool, now: Instant) {
        let what = what.into();
        self.work = Work::Wait { what, is_open, started: now, reported: 0 };
    }

    fn line_ended(&mut self) {
        if let Work::Wait { is_open, .. } = &mut self.work {
            *is_open = false;
        }
    }

    /// Output has appeared, which is a sign of life.
    fn restart(&mut self, now: Instant) {
        if let Work::Wait { started, reported, .. } = &mut self.work {
            (*started, *reported) = (now, 0);
        }
    }

    fn packing(&mut self, progress: &str, now: Instant) -> Option<Report> {
        let Work::Packing { started, reported } = &mut self.work else { return None };
        if self.is_live {
            return Some(Report::Transient(progress.to_owned()));
        }
        let elapsed = now.saturating_duration_since(*started);
        let text = format!("packing: {progress} ({})", minutes(elapsed.as_secs()));
        each_minute(elapsed, reported).then_some(Report::Notice(text))
    }

    fn upload(&mut self, sent: u64, total: u64, now: Instant) -> Option<Report> {
        let Work::Upload { started, quarter, speed } = &mut self.work else { return None };
        speed.sample(sent, now);
        let elapsed = now.saturating_duration_since(*started);
        if self.is_live {
            let percent = sent.saturating_mul(100).checked_div(total)?;
            let text = format!("{percent} % of {}, {}", size(total), minutes(elapsed.as_secs()));
            return (!self.has_bar).then_some(Report::Transient(text));
        }
        let reached = sent.saturating_mul(4).checked_div(total)?;
        if reached <= *quarter || reached >= 4 {
            return None;
        }
        *quarter = reached;
        if elapsed < LONG_UPLOAD {
            return None;
        }
        let speed = speed.text(total.saturating_sub(sent));
        let speed = speed.map_or(String::new(), |speed| format!(", {speed}"));
        let (percent, sent, total) = (reached * 25, size(sent), size(total));
        Some(Report::Notice(format!("uploaded {percent} % ({sent} of {total}){speed}")))
    }
}

/// Returns whether another minute has passed.
fn each_minute(elapsed: Duration, reported: &mut u64) -> bool {
    let passed = elapsed.as_secs() / MINUTE.as_secs();
    let is_due = passed > *reported;
    *reported = passed;
    is_due
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Upload;

    /// A reporter with a clock that starts at zero.
    struct Run {
        reporter: Reporter,
        start: Instant,
    }

    impl Run {
        fn new(is_live: bool) -> Self {
            Self { reporter: Reporter::new(is_live, is_live), start: Instant::now() }
        }

        fn at(&self, seconds: u64) -> Instant {
            self.start + Duration::from_secs(seconds)
        }

        fn event(&mut self, event: Event, seconds: u64) -> Option<Report> {
            let now = self.at(seconds);
            self.reporter.observe(&event, now)
        }

        /// The reports of a tick for each second.
        fn ticks(&mut self, seconds: std::ops::Range<u64>) -> Vec<(u64, Report)> {
            let tick = |second| {
                let now = self.start + Duration::from_secs(second);
                self.reporter.tick(now).map(|report| (second, report))
            };
            seconds.filter_map(tick).collect()
        }
    }

    fn notice(text: &str) -> Report {
        Report::Notice(text.into())
    }

    fn waiting() -> Event {
        Event::Waiting("R1".parse().unwrap())
    }

    #[test]
    fn a_long_wait_gets_a_notice_each_minute_and_a_short_one_none() {
        let mut run = Run::new(false);
        run.event(waiting(), 0);
        assert_eq!(run.ticks(0..59), []);
        let expected =
            [(60, notice("waiting for R1 (1m0s)")), (120, notice("waiting for R1 (2m0s)"))];
        assert_eq!(run.ticks(59..150), expected);
        run.event(Event::Running("R1".parse().unwrap()), 150);
        assert_eq!(run.ticks(150..400), []);
    }

    #[test]
    fn a_terminal_shows_the_elapsed_time_of_an_open_step_after_some_seconds() {
        let mut run = Run::new(true);
        run.event(waiting(), 10);
        assert_eq!(run.ticks(10..15), []);
        let elapsed = |text: &str| Report::Transient(text.into());
        assert_eq!(run.ticks(15..17), [(15, elapsed("5s")), (16, elapsed("6s"))]);
        assert_eq!(run.ticks(75..76), [(75, elapsed("1m5s"))]);
    }

    #[test]
    fn a_build_that_prints_its_log_gets_no_notice() {
        let mut run = Run::new(false);
        run.event(Event::BuildStarted("B1".parse().unwrap()), 0);
        for second in 0..300 {
            run.event(Event::BuildLog("line\n".into()), second);
            assert_eq!(run.ticks(second..second + 1), []);
        }
        assert_eq!(run.ticks(300..360), [(359, notice("building B1 (1m0s)"))]);
    }

    #[test]
    fn a_long_upload_gets_a_notice_at_each_quarter() {
        let mut run = Run::new(false);
        run.event(Event::Uploading(Upload::Object), 0);
        let total = 100 << 20;
        let mut notices = Vec::new();
        for second in 0..=100 {
            let report = run.event(Event::Progress { sent: second << 20, total }, second);
            notices.extend(report.map(|report| (second, report)));
        }
        let expected = [
            (25, notice("uploaded 25 % (25.00 MB of 100.00 MB), 1.00 MB/s, 1m15s left")),
            (50, notice("uploaded 50 % (50.00 MB of 100.00 MB), 1.00 MB/s, 50s left")),
            (75, notice("uploaded 75 % (75.00 MB of 100.00 MB), 1.00 MB/s, 25s left")),
        ];
        assert_eq!(notices, expected);
    }

    #[test]
    fn a_short_upload_and_one_on_a_terminal_get_no_notice() {
        for (is_live, seconds) in [(false, 9), (true, 100)] {
            let mut run = Run::new(is_live);
            run.event(Event::Uploading(Upload::Object), 0);
            for second in 0..=seconds {
                let progress = Event::Progress { sent: second, total: seconds };
                assert_eq!(run.event(progress, second), None);
            }
            assert_eq!(run.event(Event::Progress { sent: 0, total: 0 }, seconds), None);
        }
    }

    #[test]
    fn a_terminal_without_a_bar_shows_the_progress_of_an_upload() {
        let mut reporter = Reporter::new(true, false);
        let now = Instant::now();
        reporter.observe(&Event::Uploading(Upload::Object), now);
        let report = reporter.observe(&Event::Progress { sent: 1024, total: 4096 }, now);
        assert_eq!(report, Some(Report::Transient("25 % of 4.00 KB, 0s".into())));
    }

    #[test]
    fn packing_shows_files_and_bytes_on_a_terminal() {
        let progress = Event::PackProgress { entries: 12, bytes: 2048 };
        let mut run = Run::new(true);
        assert_eq!(run.event(progress.clone(), 0), None);
        run.event(Event::Packaging, 0);
        let report = run.event(progress.clone(), 1);
        assert_eq!(report, Some(Report::Transient("12 files, 2.00 KB".into())));
        let mut run = Run::new(false);
        run.event(Event::Packaging, 0);
        assert_eq!(run.event(progress.clone(), 59), None);
        let report = run.event(progress, 61);
        assert_eq!(report, Some(notice("packing: 12 files, 2.00 KB (1m1s)")));
    }
}
