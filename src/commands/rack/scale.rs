use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::info::InfoBlock;
use crate::output::{Render, RenderContext, View};
use convox_client::rack::SystemUpdate;
use convox_wire::{System, SystemStatus};

/// Show or change the number and the type of a rack's instances
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack scale\n  \
                        convox rack scale --count 5 --type t3.large")]
pub(crate) struct Args {
    /// Number of instances
    #[arg(short, long, value_name = "N")]
    count: Option<i64>,
    /// Type of the instances
    #[arg(short = 't', long = "type", value_name = "TYPE")]
    instance_type: Option<String>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let rack = cx.rack().await?;
    let Args { count, instance_type } = args;
    if count.is_none() && instance_type.is_none() {
        return Ok(Outcome::render(Scale::from(rack.system().await?)));
    }
    let update = SystemUpdate { count, instance_type, ..SystemUpdate::default() };
    let scale = async { Ok(rack.update_system(&update).await?) };
    cx.step("Scaling rack", scale).await?;
    Ok(Outcome::json(Scale::from(rack.system().await?)))
}

#[derive(Serialize)]
struct Scale {
    autoscale: Option<String>,
    count: i64,
    status: SystemStatus,
    #[serde(rename = "type")]
    instance_type: Option<String>,
}

impl From<System> for Scale {
    fn from(system: System) -> Self {
        let System { count, status, instance_type, mut parameters, .. } = system;
        Self { autoscale: parameters.remove("Autoscale"), count, status, instance_type }
    }
}

impl Render for Scale {
    fn render(&self, _rc: &RenderContext) -> View {
        let mut info = InfoBlock::new();
        info.entry("Autoscale", self.autoscale.as_deref().unwrap_or_default());
        info.entry("Count", self.count.to_string());
        info.entry("Status", self.status.as_str());
        info.entry("Type", self.instance_type.as_deref().unwrap_or_default());
        View::Info(info)
    }
}
