use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::table::Table;
use crate::output::{Render, RenderContext, View, humanize};
use convox_wire::Certificate;

/// List the certificates of a rack
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox certs\n  convox certs --generated")]
pub(crate) struct Args {
    /// List only those that the rack has made (v3 racks)
    #[arg(long)]
    generated: bool,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let certificates = cx.rack().await?.certificates(args.generated).await?;
    Ok(Outcome::render(CertificateList(certificates.into_iter().map(Row::from).collect())))
}

#[derive(Serialize)]
#[serde(transparent)]
struct CertificateList(Vec<Row>);

#[derive(Serialize)]
struct Row {
    id: String,
    domain: String,
    domains: Vec<String>,
    expires: Option<DateTime<Utc>>,
    status: String,
}

impl From<Certificate> for Row {
    fn from(certificate: Certificate) -> Self {
        let Certificate { id, domain, domains, expiration, status } = certificate;
        let status = status.unwrap_or_else(|| "Ready".to_owned());
        Self { id, domain, domains, expires: expiration, status }
    }
}

impl Render for CertificateList {
    fn render(&self, rc: &RenderContext) -> View {
        let mut table = Table::new(["ID", "DOMAIN", "EXPIRES", "Status"]);
        for row in &self.0 {
            let expires = humanize::ago(rc.now, row.expires);
            table.row([&row.id, &row.domain, &expires, &row.status]);
        }
        View::Table(table)
    }
}
