use std::collections::BTreeMap;

use serde::Serialize;

use super::not_there;
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::info::InfoBlock;
use crate::output::{Render, RenderContext, View};
use convox_client::rack::RackResource;
use convox_wire::{AppName, RackResourceName};

/// Show a resource of a rack
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack resources info database\n  \
                        convox rack resources info database --json")]
pub(crate) struct Args {
    /// Name of the resource
    resource: RackResourceName,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let resource = cx.rack().await?.rack_resource(&args.resource).await.map_err(not_there)?;
    Ok(Outcome::render(ResourceInfo::from(resource)))
}

#[derive(Serialize)]
struct ResourceInfo {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    status: Option<String>,
    options: BTreeMap<String, String>,
    url: Option<String>,
    apps: Vec<AppName>,
}

impl From<RackResource> for ResourceInfo {
    fn from(found: RackResource) -> Self {
        let resource = found.resource;
        let mut apps: Vec<AppName> = found.apps.into_iter().map(|app| app.name).collect();
        apps.sort();
        Self {
            name: resource.name,
            kind: resource.kind,
            status: resource.status,
            options: resource.parameters,
            url: resource.url,
            apps,
        }
    }
}

impl Render for ResourceInfo {
    fn render(&self, _rc: &RenderContext) -> View {
        let options = self.options.iter().map(|(name, value)| format!("{name}={value}"));
        let options: Vec<String> = options.collect();
        let apps: Vec<&str> = self.apps.iter().map(AppName::as_str).collect();
        let mut info = InfoBlock::new();
        info.entry("Name", &self.name);
        info.entry("Type", &self.kind);
        info.entry("Status", self.status.as_deref().unwrap_or_default());
        info.entry("Options", options.join("\n"));
        if let Some(url) = &self.url {
            info.entry("URL", url);
        }
        if !apps.is_empty() {
            info.entry("Apps", apps.join(", "));
        }
        View::Info(info)
    }
}
