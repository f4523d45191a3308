//! Everything that is printed goes through here.
//!
//! These are the primitives: streams that know how they look, text made harmless, tables, info
//! blocks, words for times and sizes, and the progress bar.

pub mod colour;
pub mod escape;
pub mod info;
pub mod look;
pub mod progress;
pub mod stdio;
pub mod table;
pub mod words;

mod json;
mod logs;
mod show;
mod voice;

pub(crate) use logs::LogWriter;
pub use show::{Document, Show, Shown, Sight, Value};
pub(crate) use voice::{Classic, Json, Quiet, V3, Voice, aside};
