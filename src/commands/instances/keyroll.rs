use serde::Serialize;

use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::event::Event;
use crate::flows::managed_rack::ManagedRack;
use crate::flows::rack_update::{self, wait_with_log};
use crate::outcome::Outcome;
use crate::settings::ExposeSecret;
use convox_client::rack::{KeyPair, SystemUpdate};

/// Replace the key of a rack's instances
///
/// v2 racks install the new key themselves. v3 racks print it: keep it, it is shown once.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  convox instances keyroll\n  convox instances keyroll -r acme/production"
)]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let managed = ManagedRack::find(cx).await?;
    let rack = cx.rack().await?;
    cx.emit(Event::Step("Rolling instance key".to_owned()))?;
    let Some(key) = rack.roll_instance_key().await? else {
        cx.emit(Event::LogFollows)?;
        wait_with_log(cx, &rack).await?;
        cx.emit(Event::Done(None))?;
        return Ok(Outcome::json(Rolled { name: None, private_key: None }));
    };
    cx.emit(Event::Done(None))?;
    let used = use_key(cx, &managed, &key).await;
    // The key exists nowhere else, so it is shown even if the rack does not use it yet.
    let private_key = key.private_key.expose_secret();
    cx.emit(Event::Line("Generated private key:".to_owned()))?;
    if !cx.args.json {
        cx.ui.print(&format!("{}\n", private_key.trim_end_matches('\n')))?;
    }
    let rolled = Rolled { name: Some(key.name.clone()), private_key: Some(private_key.to_owned()) };
    match used {
        Ok(()) => Ok(Outcome::json(rolled)),
        Err(error) => {
            if cx.args.json {
                cx.ui.document(&rolled)?;
            }
            let name = format!("key_pair_name={}", key.name);
            Err(error
                .hint(Hint::command("have the rack use the key with", "rack params set").arg(name)))
        }
    }
}

/// Sets the parameter by which a v3 rack uses the key.
async fn use_key(cx: &Context, managed: &ManagedRack, key: &KeyPair) -> Result<(), CommandError> {
    let parameters = [("key_pair_name".to_owned(), key.name.clone())].into();
    let update = SystemUpdate { parameters, ..SystemUpdate::default() };
    cx.step("Updating parameters", rack_update::update(cx, managed, update)).await
}

#[derive(Serialize)]
struct Rolled {
    name: Option<String>,
    private_key: Option<String>,
}
