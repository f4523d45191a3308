//! Logs: files that grow and are followed while they do.
//!
//! A follower always reads the file, from a place that it alone keeps, and is only woken up by the
//! writer. So there is no seam between what was stored and what is live, however slow it is.

mod app_log;
mod app_logs;
mod build_log;
mod selection;
mod text;

pub(crate) use app_log::{AppLog, AppLogReader, LogLimits};
pub(crate) use app_logs::AppLogs;
pub(crate) use build_log::{BuildLog, BuildLogReader, BuildLogs};
pub(crate) use selection::{Selection, Shape, Streams};
