//! Everything that is printed goes through here.
//!
//! These are the primitives: streams that know how they caps, text made sanitize, tables, info
//! blocks, words for times and sizes, and the progress bar.

pub mod caps;
pub mod color;
pub mod humanize;
pub mod info;
pub mod progress;
pub mod sanitize;
pub mod stdio;
pub mod table;

mod json;
mod logs;
mod renderer;
mod view;

pub(crate) use logs::LogWriter;
pub(crate) use renderer::{Classic, FailureView, Json, Quiet, Renderer, V3};
pub use view::{Document, Render, RenderContext, Value, View};
