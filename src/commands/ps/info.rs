use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::info::InfoBlock;
use crate::output::{Render, RenderContext, View, humanize};
use convox_wire::{AppName, Process, ProcessId, ProcessStatus, ReleaseId};

/// Show a process
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox ps info web-6d5f-x2x\n  \
                        convox ps info web-6d5f-x2x --json")]
pub(crate) struct Args {
    /// Process id
    #[arg(value_name = "PROCESS")]
    process: ProcessId,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let process = cx.rack().await?.process(&app, &args.process).await?;
    Ok(Outcome::render(ProcessInfo::from(process)))
}

/// A process, whole.
#[derive(Serialize)]
pub(crate) struct ProcessInfo {
    pub(crate) id: ProcessId,
    pub(crate) app: Option<AppName>,
    pub(crate) command: String,
    pub(crate) instance: String,
    pub(crate) release: Option<ReleaseId>,
    pub(crate) service: String,
    pub(crate) started: Option<DateTime<Utc>>,
    pub(crate) status: ProcessStatus,
    pub(crate) ports: Vec<String>,
}

impl From<Process> for ProcessInfo {
    fn from(process: Process) -> Self {
        let Process { id, app, command, instance, release, name, started, status, ports, .. } =
            process;
        Self { id, app, command, instance, release, service: name, started, status, ports }
    }
}

impl Render for ProcessInfo {
    fn render(&self, rc: &RenderContext) -> View {
        let mut info = InfoBlock::new();
        info.entry("Id", self.id.as_str());
        info.entry("App", self.app.as_ref().map_or("", AppName::as_str));
        info.entry("Command", self.command.as_str());
        info.entry("Instance", self.instance.as_str());
        info.entry("Release", self.release.as_ref().map_or("", ReleaseId::as_str));
        info.entry("Service", self.service.as_str());
        info.entry("Started", humanize::ago(rc.now, self.started));
        info.entry("Status", self.status.as_str());
        View::Info(info)
    }
}
