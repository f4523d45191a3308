use serde::Serialize;

use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::outcome::Outcome;
use crate::output::table::Table;
use crate::output::{Render, RenderContext, View};
use convox_client::rack::ResourceParameter;

/// List the options of a type of resources
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack resources options postgres\n  \
                        convox rack resources options postgres --json")]
pub(crate) struct Args {
    /// Type of the resource
    #[arg(value_name = "TYPE")]
    kind: String,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let mut kinds = cx.rack().await?.resource_kinds().await?.into_iter();
    let Some(kind) = kinds.find(|kind| kind.name == args.kind) else {
        return Err(CommandError::new(format!("no such resource type: {}", args.kind))
            .hint(Hint::command("list the types with", "rack resources types")));
    };
    let mut options: Vec<Row> = kind.parameters.into_iter().map(Row::from).collect();
    options.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Outcome::render(OptionList(options)))
}

#[derive(Serialize)]
#[serde(transparent)]
struct OptionList(Vec<Row>);

#[derive(Serialize)]
struct Row {
    name: String,
    default: String,
    description: String,
}

impl From<ResourceParameter> for Row {
    fn from(parameter: ResourceParameter) -> Self {
        let ResourceParameter { name, default, description } = parameter;
        Self { name, default, description }
    }
}

impl Render for OptionList {
    fn render(&self, _rc: &RenderContext) -> View {
        let mut table = Table::new(["NAME", "DEFAULT", "DESCRIPTION"]);
        for row in &self.0 {
            table.row([&row.name, &row.default, &row.description]);
        }
        View::Table(table)
    }
}
