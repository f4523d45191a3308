//! Follows logs.

use crate::context::Context;
use crate::error::CommandError;
use crate::event::Event;
use convox_client::rack::{AppLog, LogEvent};

/// Shows a log to its end.
pub(crate) async fn follow(cx: &Context, mut log: AppLog) -> Result<(), CommandError> {
    loop {
        match log.next().await? {
            LogEvent::Text(lines) => cx.emit(Event::Log(lines))?,
            LogEvent::Resumed(what) => cx.notice(what),
            LogEvent::Ended | LogEvent::NotReady(_) => return Ok(()),
        }
    }
}
