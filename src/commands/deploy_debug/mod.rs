//! `deploy-debug`: what is wrong with an app's processes (v3 racks).

mod report;
mod summary;

use serde::{Serialize, Serializer};

use crate::commands::rack_json;
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::rack_json::RackJson;
use crate::output::{Render, RenderContext, View};
use convox_client::rack::DiagnosisOptions;
use convox_wire::{Diagnosis, ServiceName};

/// Find out why an app does not start
///
/// Shows the services, processes that are not healthy with their logs, and events.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox deploy-debug\n  \
                        convox deploy-debug -a convox-guide --service web")]
pub(crate) struct Args {
    /// Parts to check, joined by commas: overview, init, pods
    #[arg(short, long, value_name = "CHECKS")]
    checks: Option<String>,
    /// Services to check, joined by commas
    #[arg(short, long, value_name = "SERVICES", value_delimiter = ',')]
    service: Vec<ServiceName>,
    /// Processes younger than this many seconds count as new
    #[arg(short = 'A', long, value_name = "SECONDS")]
    age: Option<u32>,
    /// Show healthy processes, too
    #[arg(long)]
    all: bool,
    /// Number of log lines of each process
    #[arg(short = 'n', long, value_name = "N")]
    lines: Option<u32>,
    /// Leave out events
    #[arg(long)]
    no_events: bool,
    /// Leave out logs from before the last restart
    #[arg(long)]
    no_previous: bool,
    /// Form of the output: terminal, summary or json (the rack's own JSON)
    #[arg(short, long, value_name = "FORM", default_value = "terminal", hide_default_value = true)]
    output: String,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let options = DiagnosisOptions {
        checks: args.checks,
        services: args.service,
        age: args.age,
        all: args.all.then_some(true),
        lines: args.lines,
        events: args.no_events.then_some(false),
        previous: args.no_previous.then_some(false),
    };
    let app = cx.app()?;
    let diagnosis = cx.rack().await?.diagnose(&app, &options).await?;
    let document = rack_json(&diagnosis)?;
    Ok(match args.output.as_str() {
        "json" => Outcome::render(document),
        "summary" => Outcome::render(DiagnosisView { diagnosis, document, form: summary::render }),
        _ => Outcome::render(DiagnosisView { diagnosis, document, form: report::render }),
    })
}

/// A diagnosis in one of the forms for people.
struct DiagnosisView {
    diagnosis: Diagnosis,
    document: RackJson,
    form: fn(&Diagnosis, &RenderContext) -> View,
}

impl Serialize for DiagnosisView {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        self.document.serialize(out)
    }
}

impl Render for DiagnosisView {
    fn render(&self, rc: &RenderContext) -> View {
        (self.form)(&self.diagnosis, rc)
    }
}

/// Formats an age in its largest unit: `30s`, `6m`, `2h`, `3d`.
fn age(seconds: i64) -> String {
    match seconds {
        ..0 => "unknown".to_owned(),
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_truncated_to_their_largest_unit() {
        for (seconds, expected) in
            [(-1, "unknown"), (0, "0s"), (59, "59s"), (60, "1m"), (7199, "1h"), (172_800, "2d")]
        {
            assert_eq!(age(seconds), expected);
        }
    }
}
