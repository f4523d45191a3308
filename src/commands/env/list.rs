use std::fmt;

use serde::{Serialize, Serializer};

use crate::context::Context;
use crate::error::CommandError;
use crate::flows::environment;
use crate::outcome::Outcome;
use crate::output::{Render, RenderContext, View};
use convox_client::rack::Rack;
use convox_wire::{AppName, Environment, ReleaseId};

/// List environment variables
///
/// Lists the variables of the newest release, promoted or not. On a terminal, masked values are
/// shown as ****.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox env\n  \
                        convox env > .env\n  \
                        convox env --release RZYWJKKRDLI --reveal")]
pub(crate) struct Args {
    /// Release to read from, instead of the newest
    #[arg(long, value_name = "RELEASE")]
    release: Option<ReleaseId>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let rack = cx.rack().await?;
    let env = environment::read(&rack, &app, args.release.as_ref()).await?.env;
    Ok(Outcome::render(MaskedEnv::sorted(cx, &rack, &app, &env).await?))
}

/// Variables as they may be shown: masked if the app asks for it and the output is a terminal.
pub(crate) struct MaskedEnv(Vec<(String, String)>);

impl Serialize for MaskedEnv {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

const MASK: &str = "****";

impl MaskedEnv {
    /// Variables of an environment, sorted by name.
    pub(crate) async fn sorted(
        cx: &Context,
        rack: &Rack,
        app: &AppName,
        env: &Environment,
    ) -> Result<Self, CommandError> {
        Self::of(cx, rack, app, env.iter()).await
    }

    /// Variables of an environment, in the order in which the release stores them.
    pub(crate) async fn in_stored_order(
        cx: &Context,
        rack: &Rack,
        app: &AppName,
        env: &Environment,
    ) -> Result<Self, CommandError> {
        Self::of(cx, rack, app, env.in_stored_order().into_iter()).await
    }

    async fn of(
        cx: &Context,
        rack: &Rack,
        app: &AppName,
        env: impl Iterator<Item = (&str, &str)>,
    ) -> Result<Self, CommandError> {
        let masked = if cx.reveals() { Vec::new() } else { rack.env_mask(app).await? };
        let shown = |(key, value): (&str, &str)| {
            let is_masked = masked.iter().any(|mask| mask == key);
            (key.to_owned(), if is_masked { MASK } else { value }.to_owned())
        };
        Ok(Self(env.map(shown).collect()))
    }
}

impl fmt::Display for MaskedEnv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> =
            self.0.iter().map(|(key, value)| format!("{key}={value}")).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl Render for MaskedEnv {
    fn render(&self, _rc: &RenderContext) -> View {
        View::Data(self.to_string())
    }
}
