use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::table::Table;
use crate::output::{Render, RenderContext, View};

/// List the types of resources that a rack can create
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack resources types\n  \
                        convox rack resources types --json")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let kinds = cx.rack().await?.resource_kinds().await?;
    Ok(Outcome::render(TypeList(kinds.into_iter().map(|kind| kind.name).collect())))
}

#[derive(Serialize)]
#[serde(transparent)]
struct TypeList(Vec<String>);

impl Render for TypeList {
    fn render(&self, _rc: &RenderContext) -> View {
        let mut table = Table::new(["TYPE"]);
        for name in &self.0 {
            table.row([name]);
        }
        View::Table(table)
    }
}
