//! Shows the log of a build until both the build and its log have ended.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::context::Context;
use crate::error::CommandError;
use crate::event::Event;
use convox_client::rack::{BuildLog, LogError, LogEvent, Rack};
use convox_wire::{AppName, Build, BuildId, BuildStatus};

/// The pause before an ended log is attached again while the build is running.
const REATTACH_PAUSE: Duration = Duration::from_millis(300);

/// How long a log without new lines is attached again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FollowMode {
    /// Until the build ends.
    WholeBuild,
    /// For this long, if only the log is wanted: some builds stay `running` forever.
    Quiet(Duration),
}

/// Measures how long a log has had no new lines.
struct QuietTimer {
    since: Option<Instant>,
    mode: FollowMode,
}

impl QuietTimer {
    fn new(mode: FollowMode) -> Self {
        Self { since: None, mode }
    }

    fn reset(&mut self) {
        self.since = None;
    }

    /// Returns whether to go on waiting for new lines.
    fn may_go_on(&mut self) -> bool {
        let since = *self.since.get_or_insert_with(Instant::now);
        match self.mode {
            FollowMode::WholeBuild => true,
            FollowMode::Quiet(limit) => since.elapsed() < limit,
        }
    }
}

/// Why following a log stopped before its end.
pub(super) enum LogStop {
    /// The log can't be read.
    Log(LogError),
    /// The log could not be attached before the build ended.
    TimedOut,
    /// The build is running, but its log has had no new lines for too long.
    Silent,
    /// The output can't be written.
    Output(CommandError),
}

/// Shows the log until the rack ends it and the build has ended. Returns the build if it was read
/// for that. Once the build has `ended`, a log that stays quiet for a while is complete.
pub(super) async fn show_log(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    id: &BuildId,
    mut ended: watch::Receiver<bool>,
    mode: FollowMode,
) -> Result<Option<Build>, LogStop> {
    let mut log = rack.build_log(app, id);
    let polled = rack.without_retries();
    let mut quiet = QuietTimer::new(mode);
    let mut delay = QuietTimer::new(FollowMode::Quiet(cx.limits().log_grace)); // after the build's end
    loop {
        let event = match next_event(cx, &mut log, &mut ended).await {
            // The rack is unavailable for longer than the retry budget; the build may still run.
            Err(LogStop::Log(error)) if may_go_on_without_rack(&error, mode, &ended) => {
                tokio::time::sleep(REATTACH_PAUSE).await;
                continue;
            }
            event => event?,
        };
        match event {
            Some(LogEvent::Text(text)) => {
                quiet.reset();
                cx.emit(Event::BuildLog(text)).map_err(LogStop::Output)?;
            }
            Some(LogEvent::Resumed(what)) => cx.notice(what),
            None => return Ok(None),
            Some(LogEvent::NotReady(text)) => {
                if *ended.borrow() && !delay.may_go_on() {
                    return Err(LogStop::Log(LogError::Refused(text)));
                }
                tokio::time::sleep(REATTACH_PAUSE).await;
            }
            Some(LogEvent::Ended) if *ended.borrow() => return Ok(None),
            // The end of the stream does not imply the end of the build.
            Some(LogEvent::Ended) => match polled.build(app, id).await {
                Ok(build) if !build.status.is_under_way() => {
                    show_rest(cx, &mut log).await?;
                    return Ok(Some(build));
                }
                Ok(build) if build.status == BuildStatus::Running && !quiet.may_go_on() => {
                    return Err(LogStop::Silent);
                }
                _ => tokio::time::sleep(REATTACH_PAUSE).await,
            },
        }
    }
}

/// Shows what the build has logged between the end of the stream and its own end, once it has ended.
/// Most often that is nothing, so a log that can't be read again is not worth a warning.
async fn show_rest(cx: &Context, log: &mut BuildLog) -> Result<(), LogStop> {
    let (_ended, mut ended) = watch::channel(true);
    log.reconnect_at_once();
    loop {
        match next_event(cx, log, &mut ended).await {
            Ok(Some(LogEvent::Text(text))) => {
                cx.emit(Event::BuildLog(text)).map_err(LogStop::Output)?;
            }
            // Also if it can't be aligned with what was shown.
            Ok(_) | Err(_) => return Ok(()),
        }
    }
}

fn may_go_on_without_rack(
    error: &LogError,
    mode: FollowMode,
    ended: &watch::Receiver<bool>,
) -> bool {
    error.is_transient() && mode == FollowMode::WholeBuild && !*ended.borrow()
}

/// Returns the next event; `None` if the build has ended and nothing more is expected.
async fn next_event(
    cx: &Context,
    log: &mut BuildLog,
    ended: &mut watch::Receiver<bool>,
) -> Result<Option<LogEvent>, LogStop> {
    let attached = log.state();
    let mut next = std::pin::pin!(log.next());
    loop {
        let received = attached.received();
        tokio::select! {
            biased;
            event = &mut next => return event.map(Some).map_err(LogStop::Log),
            () = after(ended, cx.limits().log_grace) => {}
        }
        // An interrupted or delayed stream may still deliver the rest.
        let goes_on = attached.received() != received || attached.may_come();
        if !goes_on {
            return if attached.is_open() { Ok(None) } else { Err(LogStop::TimedOut) };
        }
    }
}

/// Waits until `grace` after the end of the build.
async fn after(ended: &mut watch::Receiver<bool>, grace: Duration) {
    if ended.wait_for(|ended| *ended).await.is_err() {
        // The sender is gone: the build is not being watched.
        return std::future::pending().await;
    }
    tokio::time::sleep(grace).await;
}
