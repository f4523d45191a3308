use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::cli::flags::{OfApp, RevealFlag, WatchFlag};
use crate::context::Context;
use crate::flows::environment;
use crate::outcome::{Failure, Outcome};
use crate::output::{Show, Shown, Sight};
use convox_client::rack::Rack;
use convox_wire::{AppName, Environment, ReleaseId};

/// List environment variables
///
/// Those of the newest release, promoted or not. On a terminal masked values show as ****.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  convox env > .env")]
pub(crate) struct Args {
    /// Release whose variables are shown, instead of the newest
    #[arg(long, value_name = "RELEASE")]
    release: Option<ReleaseId>,
    #[command(flatten)]
    reveal: RevealFlag,
    #[command(flatten)]
    watch: WatchFlag,
    #[command(flatten)]
    of: OfApp,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, Failure> {
    let app = cx.app()?;
    let rack = cx.rack().await?;
    let env = environment::read(&rack, &app, args.release.as_ref()).await?.env;
    Ok(Outcome::show(Variables::of(cx, &rack, &app, &env).await?))
}

/// Variables as they may be shown here.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct Variables(BTreeMap<String, String>);

const MASK: &str = "****";

impl Variables {
    /// Masked where the app asks for it and a person looks on.
    pub(crate) async fn of(
        cx: &Context,
        rack: &Rack,
        app: &AppName,
        env: &Environment,
    ) -> Result<Self, Failure> {
        let masked = if cx.globals.reveal { Vec::new() } else { rack.env_mask(app).await? };
        let shown = |(key, value): (&str, &str)| {
            let is_masked = masked.iter().any(|mask| mask == key);
            (key.to_owned(), if is_masked { MASK } else { value }.to_owned())
        };
        Ok(Self(env.iter().map(shown).collect()))
    }
}

impl fmt::Display for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> =
            self.0.iter().map(|(key, value)| format!("{key}={value}")).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl Show for Variables {
    fn show(&self, _sight: &Sight) -> Shown {
        Shown::Data(self.to_string())
    }
}
