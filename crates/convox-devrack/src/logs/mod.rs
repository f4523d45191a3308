//! Logs: append-only files that can be followed.
//!
//! A follower reads the file at its own position and is merely woken by the writer. So no line is
//! lost or repeated between the stored and the live part, however slow the follower is.

mod app_log;
mod app_logs;
mod build_log;
mod selection;
mod text;

pub(crate) use app_log::{AppLog, AppLogReader, LogLimits};
pub(crate) use app_logs::AppLogs;
pub use app_logs::LogTap;
pub(crate) use build_log::{BuildLog, BuildLogReader, BuildLogs};
pub(crate) use selection::{Selection, Shape, Streams};
