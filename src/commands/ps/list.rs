use serde::Serialize;

use super::info::ProcessInfo;
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::table::Table;
use crate::output::{Render, RenderContext, View, humanize};
use convox_client::rack::ProcessFilter;
use convox_wire::{Process, ReleaseId, ServiceName};

/// List the processes of an app
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox ps\n  \
                        convox ps --service web --watch 5")]
pub(crate) struct Args {
    /// List the processes of this service only
    #[arg(short, long, value_name = "SERVICE")]
    service: Option<ServiceName>,
    /// List the processes of this release only
    #[arg(long, value_name = "RELEASE")]
    release: Option<ReleaseId>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let rack = cx.rack().await?;
    let filter = ProcessFilter { release: args.release, service: args.service };
    let processes = rack.processes_where(&app, &filter).await?;
    let cap = rack.cap_status(&app, cx.clock.now()).await?;
    let services = if cap.is_none() { Vec::new() } else { rack.services(&app).await? };
    let row = |process: Process| {
        let service = services.iter().find(|service| service.name.as_str() == process.name);
        let budget = service.and_then(|service| cap.token(service)).map(|token| token.to_string());
        Row { info: ProcessInfo::from(process), budget }
    };
    Ok(Outcome::render(ProcessList(processes.into_iter().map(row).collect())))
}

#[derive(Serialize)]
#[serde(transparent)]
struct ProcessList(Vec<Row>);

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    info: ProcessInfo,
    /// What the app's budget does to the process's service.
    budget: Option<String>,
}

impl Render for ProcessList {
    fn render(&self, rc: &RenderContext) -> View {
        let mut table = Table::new(["ID", "SERVICE", "STATUS", "RELEASE", "STARTED", "COMMAND"]);
        for Row { info: process, budget } in &self.0 {
            let status = match budget {
                Some(token) => format!("{} {token}", process.status.as_str()),
                None => process.status.as_str().to_owned(),
            };
            let release = process.release.as_ref().map_or("", ReleaseId::as_str);
            let started = humanize::ago(rc.now, process.started);
            let (id, service) = (process.id.as_str(), process.service.as_str());
            table.row([id, service, &status, release, &started, &process.command]);
        }
        View::Table(table)
    }
}
