use std::path::PathBuf;

use serde::Serialize;

use crate::context::{Context, dev};
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::info::InfoBlock;
use crate::output::{Render, RenderContext, View};
use convox_devrack::daemon::{self, Status};

/// Show whether the development rack is running
#[derive(clap::Args)]
#[command(after_help = "Example:\n  convox rack status")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let data = dev::data_folder(cx)?;
    let status = daemon::status(&data).await?;
    Ok(Outcome::render(RackStatus::new(data, status)))
}

#[derive(Serialize)]
pub(super) struct RackStatus {
    status: &'static str,
    url: Option<String>,
    pid: Option<i32>,
    data: PathBuf,
}

impl RackStatus {
    pub(super) fn new(data: PathBuf, status: Status) -> Self {
        match status {
            Status::Running { pid, address } => {
                Self { status: "running", url: Some(address.url()), pid: Some(pid), data }
            }
            Status::NotAnswering { pid } => Self { status: "not answering", url: None, pid, data },
            Status::Stopped => Self { status: "stopped", url: None, pid: None, data },
        }
    }
}

impl Render for RackStatus {
    fn render(&self, _rc: &RenderContext) -> View {
        let mut info = InfoBlock::new();
        info.entry("Status", self.status);
        if let Some(url) = &self.url {
            info.entry("Address", url);
        }
        if let Some(pid) = self.pid {
            info.entry("Pid", pid.to_string());
        }
        info.entry("Data", self.data.display().to_string());
        View::Info(info)
    }
}
