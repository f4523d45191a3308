//! Showing a build's log for as long as the build, and the log after it, goes on.

use std::time::Duration;

use tokio::sync::watch;

use crate::context::Context;
use crate::event::Event;
use crate::outcome::Failure;
use crate::rack::{BuildLog, LogError, Piece, Rack};
use crate::wire::{AppName, Build, BuildId};

/// The pause before a log that has ended is attached again, while the build goes on.
const AGAIN: Duration = Duration::from_millis(300);

/// Why a log is not shown any further.
pub(super) enum Trouble {
    /// It cannot be read.
    Log(LogError),
    /// It could not be attached before the build was over.
    Late,
    /// It cannot be written.
    Output(Failure),
}

/// Shows the log until the rack ends it and the build is over; gives the build then, if it had to
/// ask for it. Once the build has `ended` and the log has been quiet for a while, it has said all.
pub(super) async fn show_log(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    id: &BuildId,
    mut ended: watch::Receiver<bool>,
) -> Result<Option<Build>, Trouble> {
    let mut log = rack.build_log(app, id);
    let polled = rack.once();
    loop {
        match next_piece(cx, &mut log, &mut ended).await? {
            Some(Piece::Text(text)) => cx.emit(Event::BuildLog(text)).map_err(Trouble::Output)?,
            Some(Piece::Resumed(what)) => cx.notice(what),
            None => return Ok(None),
            Some(Piece::Ended) if *ended.borrow() => return Ok(None),
            // The end of the stream says nothing about the build.
            Some(Piece::Ended) => match polled.build(app, id).await {
                Ok(build) if !build.status.is_under_way() => return Ok(Some(build)),
                _ => tokio::time::sleep(AGAIN).await,
            },
        }
    }
}

/// The next piece; `None` where the build is over and no more is to be expected.
async fn next_piece(
    cx: &Context,
    log: &mut BuildLog,
    ended: &mut watch::Receiver<bool>,
) -> Result<Option<Piece>, Trouble> {
    let attached = log.attached();
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
            return if attached.is_open() { Ok(None) } else { Err(Trouble::Late) };
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
