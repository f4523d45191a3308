use std::path::PathBuf;

use serde::Serialize;

use crate::context::{Context, dev};
use crate::error::{CommandError, Hint};
use crate::outcome::Outcome;
use crate::output::humanize;
use crate::output::info::InfoBlock;
use crate::output::{Render, RenderContext, View};
use crate::settings::ExposeSecret;
use convox_devrack::daemon::{self, Address, Status};

/// Show whether the development rack is running
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack status\n  \
                        convox rack status --reveal")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let data = dev::data_dir(cx)?;
    let status = daemon::status(&data).await?;
    if let Status::Killed { processes } = status {
        cx.notice_with(
            format!("the rack was killed, and left processes running: {processes}"),
            [Hint::command("stop them with", "rack stop")],
        );
    }
    Ok(Outcome::render(RackStatus::new(data, status, cx.args.reveal)))
}

#[derive(Serialize)]
pub(super) struct RackStatus {
    status: &'static str,
    url: Option<String>,
    /// The address with the password, if it is revealed.
    rack_url: Option<String>,
    pid: Option<i32>,
    /// Services and build steps that a killed rack left running.
    orphans: usize,
    /// The disk space that the data directory uses, in bytes.
    disk: u64,
    data: PathBuf,
}

impl RackStatus {
    pub(super) fn new(data: PathBuf, status: Status, reveal: bool) -> Self {
        let mut shown = Self {
            status: "stopped",
            url: None,
            rack_url: None,
            pid: None,
            orphans: 0,
            disk: daemon::disk_usage(&data),
            data,
        };
        match status {
            Status::Running { pid, address } => {
                (shown.status, shown.pid) = ("running", Some(pid));
                shown.url = address.as_ref().map(Address::url);
                shown.rack_url = address.filter(|_| reveal).map(|address| rack_url(&address));
            }
            Status::NotAnswering { pid } => (shown.status, shown.pid) = ("not answering", pid),
            Status::Stopped => (),
            Status::Killed { processes } => shown.orphans = processes,
        }
        shown
    }
}

fn rack_url(address: &Address) -> String {
    format!("http://convox:{}@{}", address.password.expose_secret(), address.socket)
}

impl Render for RackStatus {
    fn render(&self, _rc: &RenderContext) -> View {
        let mut info = InfoBlock::new();
        info.entry("Status", self.status);
        if let Some(url) = &self.url {
            info.entry("Address", url);
        }
        if let Some(url) = &self.rack_url {
            info.entry("RACK_URL", url);
        }
        if let Some(pid) = self.pid {
            info.entry("Pid", pid.to_string());
        }
        if self.orphans > 0 {
            info.entry("Orphans", self.orphans.to_string());
        }
        if self.disk > 0 {
            info.entry("Disk", humanize::size(self.disk));
        }
        info.entry("Data", self.data.display().to_string());
        View::Info(info)
    }
}
