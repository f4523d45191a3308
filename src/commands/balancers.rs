use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::table::Table;
use crate::output::{Render, RenderContext, View};
use convox_wire::{Balancer, BalancerPort, ServiceName};

/// List the load balancers of an app
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox balancers\n  \
                        convox balancers -a convox-guide --json")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let balancers = cx.rack().await?.balancers(&app).await?;
    Ok(Outcome::render(BalancerList(balancers.into_iter().map(Row::from).collect())))
}

#[derive(Serialize)]
#[serde(transparent)]
struct BalancerList(Vec<Row>);

#[derive(Serialize)]
struct Row {
    name: String,
    service: ServiceName,
    endpoint: String,
    ports: Vec<BalancerPort>,
}

impl From<Balancer> for Row {
    fn from(balancer: Balancer) -> Self {
        let Balancer { name, endpoint, ports, service } = balancer;
        Self { name, service, endpoint, ports }
    }
}

impl Render for BalancerList {
    fn render(&self, _rc: &RenderContext) -> View {
        let mut table = Table::new(["BALANCER", "SERVICE", "ENDPOINT"]);
        for row in &self.0 {
            table.row([row.name.as_str(), row.service.as_str(), row.endpoint.as_str()]);
        }
        View::Table(table)
    }
}
