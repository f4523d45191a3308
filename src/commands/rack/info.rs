use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::info::InfoBlock;
use crate::output::{Render, RenderContext, View};
use convox_wire::{System, SystemStatus};

/// Show the rack; start and stop the development rack
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack\n  \
                        convox rack -r dev --json")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let system = cx.rack().await?.system().await?;
    Ok(Outcome::render(RackInfo::from(system)))
}

#[derive(Serialize)]
struct RackInfo {
    name: String,
    provider: String,
    region: Option<String>,
    router: Option<String>,
    router_internal: Option<String>,
    nlb: Option<String>,
    nlb_internal: Option<String>,
    status: SystemStatus,
    version: String,
    #[serde(skip)]
    domain_internal: Option<String>,
    #[serde(skip)]
    addresses: Vec<String>,
}

impl From<System> for RackInfo {
    fn from(system: System) -> Self {
        let output = |name: &str| system.outputs.get(name).filter(|text| !text.is_empty()).cloned();
        Self {
            domain_internal: output("DomainInternal"),
            nlb: output("NLBHost"),
            nlb_internal: output("NLBInternalHost"),
            addresses: ["NLBEIP0", "NLBEIP1", "NLBEIP2"].into_iter().filter_map(output).collect(),
            name: system.name,
            provider: system.provider,
            region: system.region,
            router: system.domain,
            router_internal: system.router_internal,
            status: system.status,
            version: system.version,
        }
    }
}

impl RackInfo {
    fn router(&self) -> Option<String> {
        let domain = self.router.clone()?;
        Some(match &self.domain_internal {
            Some(internal) => format!("{domain} (external)\n{internal} (internal)"),
            None => domain,
        })
    }

    fn nlb(&self) -> Option<String> {
        let host = self.nlb.clone()?;
        let addresses = self.addresses.join(", ");
        Some(if addresses.is_empty() { host } else { format!("{host} ({addresses})") })
    }
}

impl Render for RackInfo {
    fn render(&self, _rc: &RenderContext) -> View {
        let lines = [
            ("Name", Some(self.name.clone())),
            ("Provider", Some(self.provider.clone())),
            ("Region", self.region.clone()),
            ("Router", self.router()),
            ("RouterInternal", self.router_internal.clone()),
            ("NLB", self.nlb()),
            ("NLB Internal", self.nlb_internal.clone()),
            ("Status", Some(self.status.to_string())),
            ("Version", Some(self.version.clone())),
        ];
        let mut info = InfoBlock::new();
        for (name, value) in lines {
            if let Some(value) = value {
                info.entry(name, value);
            }
        }
        View::Info(info)
    }
}
