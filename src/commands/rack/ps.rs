use serde::Serialize;

use crate::commands::ps::info::ProcessInfo;
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::table::Table;
use crate::output::{Render, RenderContext, View, humanize};
use convox_wire::{AppName, ReleaseId};

/// List the processes of a rack
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack ps\n  convox rack ps --all")]
pub(crate) struct Args {
    /// List the processes of all apps, too
    #[arg(short, long)]
    all: bool,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let processes = cx.rack().await?.system_processes(args.all).await?;
    Ok(Outcome::render(ProcessList(processes.into_iter().map(ProcessInfo::from).collect())))
}

#[derive(Serialize)]
#[serde(transparent)]
struct ProcessList(Vec<ProcessInfo>);

impl Render for ProcessList {
    fn render(&self, rc: &RenderContext) -> View {
        let mut table =
            Table::new(["ID", "APP", "SERVICE", "STATUS", "RELEASE", "STARTED", "COMMAND"]);
        for process in &self.0 {
            let started = humanize::ago(rc.now, process.started);
            table.row([
                process.id.as_str(),
                process.app.as_ref().map_or("", AppName::as_str),
                &process.service,
                process.status.as_str(),
                process.release.as_ref().map_or("", ReleaseId::as_str),
                &started,
                &process.command,
            ]);
        }
        View::Table(table)
    }
}
