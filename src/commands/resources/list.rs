use serde::Serialize;

use super::{rack, without_password};
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::table::Table;
use crate::output::{Render, RenderContext, View};
use convox_wire::Resource;

/// List the resources of an app
///
/// On a terminal, passwords in URLs are hidden unless --reveal is given.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox resources\n  \
                        convox resources -a convox-guide --json")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let resources = rack(cx).await?.resources(&app).await?.into_iter();
    let shown: Vec<Row> = match cx.reveals() {
        true => resources.map(Row::from).collect(),
        false => resources.map(without_password).map(Row::from).collect(),
    };
    Ok(Outcome::render(ResourceList(shown)))
}

#[derive(Serialize)]
#[serde(transparent)]
struct ResourceList(Vec<Row>);

/// A resource, in the list and alone.
#[derive(Serialize)]
pub(super) struct Row {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) url: Option<String>,
}

impl From<Resource> for Row {
    fn from(resource: Resource) -> Self {
        let Resource { name, kind, url, .. } = resource;
        Self { name, kind, url }
    }
}

impl Render for ResourceList {
    fn render(&self, _rc: &RenderContext) -> View {
        let mut table = Table::new(["NAME", "TYPE", "URL"]);
        for row in &self.0 {
            table.row([row.name.as_str(), row.kind.as_str(), row.url.as_deref().unwrap_or("")]);
        }
        View::Table(table)
    }
}
