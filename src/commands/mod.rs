//! The commands: a directory for each noun, a file for each verb. A file holds the arguments, which
//! are the help, the body, which reads like the transcript, and the value with its columns.

pub(crate) mod api;
pub(crate) mod apps;
pub(crate) mod balancers;
pub(crate) mod budget;
pub(crate) mod build;
pub(crate) mod builds;
pub(crate) mod certs;
pub(crate) mod cloud;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod configs;
pub(crate) mod cost;
pub(crate) mod cp;
pub(crate) mod decrypt;
pub(crate) mod deploy;
pub(crate) mod deploy_debug;
pub(crate) mod encrypt;
pub(crate) mod env;
pub(crate) mod exec;
pub(crate) mod init;
pub(crate) mod instances;
mod key_flags;
pub(crate) mod letsencrypt;
pub(crate) mod login;
pub(crate) mod logs;
pub(crate) mod man;
pub(crate) mod open;
pub(crate) mod proxy;
pub(crate) mod ps;
pub(crate) mod rack;
pub(crate) mod racks;
pub(crate) mod registries;
pub(crate) mod releases;
pub(crate) mod resources;
pub(crate) mod restart;
pub(crate) mod run;
pub(crate) mod runtimes;
pub(crate) mod scale;
mod scale_flags;
pub(crate) mod services;
mod source_flags;
pub(crate) mod ssl;
pub(crate) mod status;
pub(crate) mod switch;
pub(crate) mod test;
pub(crate) mod version;
pub(crate) mod workflows;

use serde::Serialize;

use crate::error::CommandError;
use crate::flows::transfer::Target;
use crate::outcome::Outcome;
use crate::output::Document;
use crate::output::rack_json::RackJson;

/// The result of an export: with `--json` a document, unless the data itself went to stdout.
fn exported(target: &Target, document: impl Document + 'static) -> Outcome {
    match target {
        Target::Stdout => Outcome::streamed(),
        Target::File(_) => Outcome::json(document),
    }
}

/// An object to show as the rack describes it.
fn rack_json(object: &impl Serialize) -> Result<RackJson, CommandError> {
    RackJson::new(object)
        .map_err(|error| CommandError::while_doing("the object can't be shown", error))
}

/// The command line for a rack. One word is a line of its own, as scripts write it; several are
/// quoted, so that each arrives as it was given.
fn remote_command(words: &[String]) -> String {
    match words {
        [line] => line.clone(),
        words => shell_words::join(words),
    }
}
