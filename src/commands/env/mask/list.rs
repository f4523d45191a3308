use serde::Serialize;

use super::read;
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::{Render, RenderContext, View};

/// List the variables that are hidden on terminals
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox env mask\n  convox env mask -a web")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let keys = read(&cx.rack().await?, &app).await?;
    Ok(Outcome::render(KeyList(keys.into_iter().collect())))
}

#[derive(Serialize)]
#[serde(transparent)]
struct KeyList(Vec<String>);

impl Render for KeyList {
    fn render(&self, _rc: &RenderContext) -> View {
        View::Sequence(self.0.iter().map(|key| View::Data(key.clone())).collect())
    }
}
