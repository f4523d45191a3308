use serde::Serialize;

use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::flows::environment;
use crate::outcome::Outcome;
use crate::output::{Render, RenderContext, View};
use convox_wire::ReleaseId;

/// Show the value of an environment variable, unmasked
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox env get DATABASE_URL\n  \
                        convox env get DATABASE_URL -a web -r staging")]
pub(crate) struct Args {
    /// Name of the variable
    #[arg(value_name = "KEY")]
    key: String,
    /// Release to read from, instead of the newest
    #[arg(long, value_name = "RELEASE")]
    release: Option<ReleaseId>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let rack = cx.rack().await?;
    let env = environment::read(&rack, &app, args.release.as_ref()).await?.env;
    match env.get(&args.key) {
        Some(value) => Ok(Outcome::render(Variable { value: value.to_owned(), key: args.key })),
        None => Err(CommandError::new(format!("env not found: {}", args.key))
            .hint(Hint::command("list variables with", "env").app(&app))),
    }
}

#[derive(Serialize)]
struct Variable {
    key: String,
    value: String,
}

impl Render for Variable {
    fn render(&self, _rc: &RenderContext) -> View {
        View::Data(self.value.clone())
    }
}
