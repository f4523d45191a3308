use serde::Serialize;

use crate::context::Context;
use crate::context::known_racks::{self, Found};
use crate::error::CommandError;
use crate::event::Event;
use crate::outcome::Outcome;
use crate::output::{Render, RenderContext, View};
use crate::settings::{CurrentRack, RackKind};
use convox_wire::RackName;

/// Select the rack that commands use, or show it
///
/// The selection is stored in the settings directory. RACK_URL, --rack and CONVOX_RACK override it.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox switch acme/production\n  \
                        convox switch dev\n  \
                        convox switch")]
pub(crate) struct Args {
    /// Rack name, or a unique part of it; `dev` is the development rack
    #[arg(value_name = "RACK")]
    name: Option<RackName>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let Some(name) = args.name else {
        return Ok(Outcome::render(Selected { rack: cx.rack_name().await? }));
    };
    let current = find(cx, name.as_str()).await?;
    cx.write_settings(|config| {
        config.store_current(&current)?;
        // The selection of an older client would override ours.
        config.forget_legacy_rack()
    })
    .await?;
    cx.emit(Event::Line(format!("Switched to {}", current.name)))?;
    Ok(Outcome::json(Selected { rack: current.name }))
}

async fn find(cx: &Context, name: &str) -> Result<CurrentRack, CommandError> {
    Ok(match known_racks::find(cx, name).await? {
        Found::Configured(rack) => CurrentRack { name: rack.name().to_owned(), kind: rack.kind() },
        Found::Dev => CurrentRack { name: "dev".to_owned(), kind: RackKind::Dev },
    })
}

#[derive(Serialize)]
struct Selected {
    rack: String,
}

impl Render for Selected {
    fn render(&self, _rc: &RenderContext) -> View {
        View::Data(self.rack.clone())
    }
}
