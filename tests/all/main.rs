//! End-to-end tests: the real program against development racks and mock servers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)] // helpers of tests too
#![allow(missing_docs)]

#[path = "../support/mod.rs"]
mod support;

mod apps;
mod apps_round_trip;
mod archives;
mod bad_input;
mod budget;
mod build;
mod builds;
mod certs;
mod cloud;
mod completion;
mod configs;
mod console;
mod console_racks;
mod console_session;
mod console_stories;
mod cost;
mod credentials;
mod deploy;
mod deploy_debug;
mod devrack;
mod devrack_damage;
mod devrack_health;
mod devrack_timers;
mod docs;
mod dry_run;
mod encrypt;
mod env;
mod env_edit;
mod env_mask;
mod errors;
mod guide;
mod harness;
mod help;
mod hostile;
mod init;
mod instances;
mod live;
mod login;
mod logs;
mod logs_choice;
mod lost_output;
mod manifest_scale;
mod map;
mod open;
mod rack;
mod rack_params_json;
mod rack_system;
mod rack_terraform;
mod rack_v2;
mod racks;
mod releases;
mod releases_diff;
mod remote;
mod resources;
mod rollback;
mod scale;
mod secrets;
mod services;
mod session;
mod ssl;
mod status;
mod terminal;
mod test;
mod unpromoted;
mod version;
mod works_on;
