use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::table::Table;
use crate::output::{Render, RenderContext, View, humanize};
use convox_wire::{Certificate, Service, ServiceName};

/// List the certificates of an app's ports
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox ssl -a convox-guide\n  convox ssl --json")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let rack = cx.rack().await?;
    let (services, certificates) = tokio::try_join!(rack.services(&app), rack.certificates(false))?;
    let rows = services.iter().flat_map(|service| endpoints(service, &certificates));
    Ok(Outcome::render(EndpointList(rows.collect())))
}

/// The ports of a service that have a certificate.
fn endpoints<'a>(
    service: &'a Service,
    certificates: &'a [Certificate],
) -> impl Iterator<Item = Row> + 'a {
    let ports = service.ports.iter().filter(|port| !port.certificate.is_empty());
    ports.map(|port| {
        let known = certificates.iter().find(|certificate| certificate.id == port.certificate);
        Row {
            service: service.name.clone(),
            port: port.balancer,
            certificate: port.certificate.clone(),
            domain: known.map(|certificate| certificate.domain.clone()),
            expires: known.and_then(|certificate| certificate.expiration),
        }
    })
}

#[derive(Serialize)]
#[serde(transparent)]
struct EndpointList(Vec<Row>);

#[derive(Serialize)]
struct Row {
    service: ServiceName,
    port: u32,
    certificate: String,
    domain: Option<String>,
    expires: Option<DateTime<Utc>>,
}

impl Render for EndpointList {
    fn render(&self, rc: &RenderContext) -> View {
        let mut table = Table::new(["ENDPOINT", "CERTIFICATE", "DOMAIN", "EXPIRES"]);
        for row in &self.0 {
            table.row([
                format!("{}:{}", row.service, row.port),
                row.certificate.clone(),
                row.domain.clone().unwrap_or_default(),
                humanize::ago(rc.now, row.expires),
            ]);
        }
        View::Table(table)
    }
}
