//! Showing a build's log for as long as the build, and the log after it, goes on.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::context::Context;
use crate::error::CommandError;
use crate::event::Event;
use convox_client::rack::{BuildLog, LogError, LogEvent, Rack};
use convox_wire::{AppName, Build, BuildId, BuildStatus};

/// The pause before a log that has ended is attached again, while the build goes on.
const AGAIN: Duration = Duration::from_millis(300);

/// How long a log that says nothing more is attached again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FollowMode {
    /// Until the build is over, which somebody waits for.
    WholeBuild,
    /// For so long, where the log is all that is wanted: some builds stay `running` for ever.
    Silence(Duration),
}

/// A log that says nothing new.
struct Silence {
    since: Option<Instant>,
    patience: FollowMode,
}

impl Silence {
    fn new(patience: FollowMode) -> Self {
        Self { since: None, patience }
    }

    fn is_broken(&mut self) {
        self.since = None;
    }

    /// May it last longer?
    fn may_last(&mut self) -> bool {
        let since = *self.since.get_or_insert_with(Instant::now);
        match self.patience {
            FollowMode::WholeBuild => true,
            FollowMode::Silence(limit) => since.elapsed() < limit,
        }
    }
}

/// Why a log is not shown any further.
pub(super) enum Trouble {
    /// It cannot be read.
    Log(LogError),
    /// It could not be attached before the build was over.
    TimedOut,
    /// The build goes on, but its log does not.
    Silent,
    /// It cannot be written.
    Output(CommandError),
}

/// Shows the log until the rack ends it and the build is over; gives the build then, if it had to
/// ask for it. Once the build has `ended` and the log has been quiet for a while, it has said all.
pub(super) async fn show_log(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    id: &BuildId,
    mut ended: watch::Receiver<bool>,
    patience: FollowMode,
) -> Result<Option<Build>, Trouble> {
    let mut log = rack.build_log(app, id);
    let polled = rack.without_retries();
    let mut silence = Silence::new(patience);
    let mut delay = Silence::new(FollowMode::Silence(cx.limits().log_grace)); // after the build's end
    loop {
        let piece = match next_piece(cx, &mut log, &mut ended).await {
            // The rack is away for longer than anything is repeated; the build may go on all the same.
            Err(Trouble::Log(error)) if goes_on(&error, patience, &ended) => {
                tokio::time::sleep(AGAIN).await;
                continue;
            }
            piece => piece?,
        };
        match piece {
            Some(LogEvent::Text(text)) => {
                silence.is_broken();
                cx.emit(Event::BuildLog(text)).map_err(Trouble::Output)?;
            }
            Some(LogEvent::Resumed(what)) => cx.notice(what),
            None => return Ok(None),
            Some(LogEvent::NotReady(words)) => {
                if *ended.borrow() && !delay.may_last() {
                    return Err(Trouble::Log(LogError::Refused(words)));
                }
                tokio::time::sleep(AGAIN).await;
            }
            Some(LogEvent::Ended) if *ended.borrow() => return Ok(None),
            // The end of the stream says nothing about the build.
            Some(LogEvent::Ended) => match polled.build(app, id).await {
                Ok(build) if !build.status.is_under_way() => {
                    show_rest(cx, &mut log).await?;
                    return Ok(Some(build));
                }
                Ok(build) if build.status == BuildStatus::Running && !silence.may_last() => {
                    return Err(Trouble::Silent);
                }
                _ => tokio::time::sleep(AGAIN).await,
            },
        }
    }
}

/// Shows what the build has logged between the end of the stream and its own end, once it has ended.
/// Most often that is nothing, so a log that can't be read again is not worth a warning.
async fn show_rest(cx: &Context, log: &mut BuildLog) -> Result<(), Trouble> {
    let (_ended, mut ended) = watch::channel(true);
    loop {
        match next_piece(cx, log, &mut ended).await {
            Ok(Some(LogEvent::Text(text))) => {
                cx.emit(Event::BuildLog(text)).map_err(Trouble::Output)?;
            }
            // Also if it can't be aligned with what was shown.
            Ok(_) | Err(_) => return Ok(()),
        }
    }
}

fn goes_on(error: &LogError, patience: FollowMode, ended: &watch::Receiver<bool>) -> bool {
    error.is_transient() && patience == FollowMode::WholeBuild && !*ended.borrow()
}

/// The next piece; `None` where the build is over and no more is to be expected.
async fn next_piece(
    cx: &Context,
    log: &mut BuildLog,
    ended: &mut watch::Receiver<bool>,
) -> Result<Option<LogEvent>, Trouble> {
    let attached = log.state();
    let mut next = std::pin::pin!(log.next());
    loop {
        let received = attached.received();
        tokio::select! {
            biased;
            piece = &mut next => return piece.map(Some).map_err(Trouble::Log),
            () = after(ended, cx.limits().log_grace) => {}
        }
        // What was cut off, or is only late, is worth waiting for.
        let goes_on = attached.received() != received || attached.may_come();
        if !goes_on {
            return if attached.is_open() { Ok(None) } else { Err(Trouble::TimedOut) };
        }
    }
}

/// Waits for the build's end, and for `grace` after it.
async fn after(ended: &mut watch::Receiver<bool>, grace: Duration) {
    if ended.wait_for(|ended| *ended).await.is_err() {
        // Nobody waits for the build.
        return std::future::pending().await;
    }
    tokio::time::sleep(grace).await;
}
