use serde::Serialize;

use crate::context::known_racks;
use crate::context::{Context, KnownRack};
use crate::error::CommandError;
use crate::event::Event;
use crate::outcome::Outcome;
use crate::output::{Render, RenderContext, View};
use crate::settings::{Choice, CurrentRack, RackKind, match_rack};
use convox_wire::RackName;

/// Select the rack that commands use, or show it
///
/// The selection is stored in the settings directory. RACK_URL, --rack and CONVOX_RACK override it.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  convox switch acme/production")]
pub(crate) struct Args {
    /// Rack name, or a unique part of it; `dev` is the development rack
    #[arg(value_name = "RACK")]
    name: Option<RackName>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let Some(name) = args.name else {
        return Ok(Outcome::render(Chosen { rack: cx.rack_name().await? }));
    };
    let current = chosen(cx, name.as_str()).await?;
    cx.settings.config.store_current(&current)?;
    // An older client's choice would still win over ours.
    cx.settings.config.forget_legacy_rack()?;
    cx.emit(Event::Line(format!("Switched to {}", current.name)))?;
    Ok(Outcome::json(Chosen { rack: current.name }))
}

async fn chosen(cx: &Context, name: &str) -> Result<CurrentRack, CommandError> {
    let dev = || CurrentRack { name: "dev".to_owned(), kind: RackKind::Dev };
    if name == "@dev" {
        return Ok(dev());
    }
    let racks = known_racks::configured(cx).await?;
    Ok(match match_rack(name, &racks, |rack: &KnownRack| &rack.name)? {
        Choice::Configured(rack) => CurrentRack { name: rack.name.clone(), kind: rack.kind() },
        Choice::Dev => dev(),
    })
}

#[derive(Serialize)]
struct Chosen {
    rack: String,
}

impl Render for Chosen {
    fn render(&self, _rc: &RenderContext) -> View {
        View::Data(self.rack.clone())
    }
}
