//! Output. Everything that the program prints goes through this module.
//!
//! It contains streams and their capabilities, sanitizing of text, tables, info blocks,
//! human-readable times and sizes, the progress bar, and the renderers of events.

pub mod caps;
pub mod color;
pub mod humanize;
pub mod info;
pub mod progress;
pub mod sanitize;
pub mod stdio;
pub mod table;
pub mod text;

pub(crate) mod json;
mod log_head;
mod logs;
pub(crate) mod parameters;
pub(crate) mod rack_json;
mod renderer;
mod reporter;
mod speed;
mod stream;
mod transfer_bar;
mod view;

pub(crate) use logs::LogWriter;
pub(crate) use renderer::{Classic, FailureView, Json, Quiet, Renderer, V3};
pub(crate) use reporter::{Report, Reporter};
pub(crate) use transfer_bar::TransferBar;
pub use view::{Document, Render, RenderContext, Value, View};
