use chrono::NaiveDate;
use serde::{Serialize, Serializer};

use super::budget::{FOOTNOTE, is_tiny, usd};
use crate::commands::rack_json;
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::rack_json::RackJson;
use crate::output::table::Table;
use crate::output::{Render, RenderContext, View, humanize};
use convox_client::rack::Error;
use convox_client::rack::compat::V3_24_6;
use convox_wire::{AppCost, AppName};

/// Show what an app has cost this month
///
/// The rack keeps one snapshot. If it was taken outside of --start and --end, nothing is shown.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox cost\n  \
                        convox cost -a convox-guide --aggregate")]
pub(crate) struct Args {
    /// Show the app as a whole
    #[arg(long)]
    aggregate: bool,
    /// First day, YYYY-MM-DD
    #[arg(long, value_name = "DATE")]
    start: Option<String>,
    /// Last day, YYYY-MM-DD
    #[arg(long, value_name = "DATE")]
    end: Option<String>,
    /// table (the default), or json for the rack's own JSON over several lines
    #[arg(long, value_name = "FORMAT", default_value = "table", hide_default_value = true)]
    format: String,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let range = Range::parse(&args)?;
    let as_json = match args.format.as_str() {
        "json" => true,
        "table" => false,
        _ => return Err(CommandError::new("--format must be \"table\" or \"json\"")),
    };
    let app = cx.app()?;
    let cost = cx.rack().await?.cost(&app).await.map_err(|error| failed(&app, error))?;
    let missing = || CommandError::new(format!("no cost data returned for app {app}"));
    let cost = range.filter(cost.ok_or_else(missing)?);
    let document = rack_json(&cost)?;
    Ok(match as_json {
        true => Outcome::render(document),
        false => {
            let (aggregate, can_enable) = (args.aggregate, !cx.is_on_machine());
            Outcome::render(Cost { cost, aggregate, can_enable, document })
        }
    })
}

fn failed(app: &AppName, error: Error) -> CommandError {
    if error.is_missing_route() {
        return CommandError::new(format!(
            "cost tracking requires {} (V2 racks use a separate cost-tracking surface). See \
             https://docs.convox.com/management/cost-tracking",
            V3_24_6.requirement()
        ));
    }
    CommandError::while_doing(format!("failed to fetch cost for app {app}"), error)
}

/// The days that a snapshot must be of.
struct Range {
    start: Option<NaiveDate>,
    end: Option<NaiveDate>,
}

impl Range {
    fn parse(args: &Args) -> Result<Self, CommandError> {
        let date = |flag: &str, text: &Option<String>| match text {
            None => Ok(None),
            Some(text) => match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
                Ok(date) => Ok(Some(date)),
                Err(_) => Err(CommandError::new(format!("{flag} must be YYYY-MM-DD"))),
            },
        };
        let (start, end) = (date("--start", &args.start)?, date("--end", &args.end)?);
        if start.zip(end).is_some_and(|(start, end)| start > end) {
            return Err(CommandError::new("--start must not be after --end"));
        }
        Ok(Self { start, end })
    }

    /// Empties a snapshot that was taken on another day.
    fn filter(&self, mut cost: AppCost) -> AppCost {
        let Some(day) = cost.as_of.map(|time| time.date_naive()) else { return cost };
        let is_early = self.start.is_some_and(|start| day < start);
        let is_late = self.end.is_some_and(|end| day > end);
        if is_early || is_late {
            cost.breakdown.clear();
            cost.variant_breakdown.clear();
            cost.spend_usd = 0.0;
        }
        cost
    }
}

struct Cost {
    cost: AppCost,
    aggregate: bool,
    /// Whether tracking is a parameter of the rack that users can set.
    can_enable: bool,
    document: RackJson,
}

impl Serialize for Cost {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        self.document.serialize(out)
    }
}

impl Render for Cost {
    fn render(&self, rc: &RenderContext) -> View {
        let cost = &self.cost;
        let mut below = Vec::new();
        let (table, amounts) = if self.aggregate {
            (aggregate(cost, rc), vec![cost.spend_usd])
        } else if cost.variant_breakdown.is_empty() {
            (services(cost), cost.breakdown.iter().map(|line| line.spend_usd).collect())
        } else {
            let amounts: Vec<f64> =
                cost.variant_breakdown.iter().map(|line| line.spend_usd).collect();
            below.push(format!("TOTAL: {}", usd(amounts.iter().sum())));
            below.extend(ABOUT_VARIANTS.map(str::to_owned));
            (variants(cost), amounts)
        };
        if amounts.into_iter().any(is_tiny) {
            below.push(FOOTNOTE.to_owned());
        }
        let enable = if self.can_enable { TO_ENABLE } else { "" };
        let above = (cost.tracking_enabled == Some(false)).then(|| format!("{DISABLED}{enable}"));
        let mut views: Vec<View> = above.into_iter().map(View::Text).collect();
        views.push(View::Table(table));
        views.extend(below.into_iter().map(View::Text));
        View::Sequence(views)
    }
}

const DISABLED: &str = "Cost tracking is disabled on this rack. Values shown are the most-recent \
     persisted snapshot and may be empty or stale.";
const TO_ENABLE: &str = " To enable: convox rack params set cost_tracking_enable=true";

const ABOUT_VARIANTS: [&str; 2] = [
    "Cost accumulates per (instance-type, capacity-type) combination across the month. A row may \
     show 0 active replicas if pods previously ran on that variant but have since migrated or been \
     removed.",
    "Spot pricing applies a discount automatically when nodes are provisioned via Karpenter or an \
     EKS spot ASG. Capacity \"unknown\" means the node carried neither label.",
];

fn aggregate(cost: &AppCost, rc: &RenderContext) -> Table {
    let mut table = Table::new(["APP", "SPEND-USD", "AS-OF", "PRICING-SOURCE"]);
    let spend = usd(cost.spend_usd);
    table.row([cost.app.to_string(), spend, humanize::ago(rc.now, cost.as_of), prices(cost)]);
    table
}

/// Where the prices come from.
fn prices(cost: &AppCost) -> String {
    let of_the_rack = |source: &&String| *source != "on-demand-static-table";
    let known = cost.pricing_table_version.as_ref();
    let known = known.or(cost.pricing_source.as_ref().filter(of_the_rack));
    format!("pricing-table:{}", known.map_or("unknown", String::as_str))
}

fn services(cost: &AppCost) -> Table {
    let mut table =
        Table::new(["SERVICE", "GPU-HOURS", "CPU-HOURS", "MEM-GB-HOURS", "INSTANCE", "SPEND-USD"]);
    for line in &cost.breakdown {
        table.row([
            line.service.clone(),
            format!("{:.2}", line.gpu_hours),
            format!("{:.2}", line.cpu_hours),
            format!("{:.2}", line.mem_gb_hours),
            line.instance_type.clone().unwrap_or_default(),
            usd(line.spend_usd),
        ]);
    }
    table
}

fn variants(cost: &AppCost) -> Table {
    let mut table = Table::new(["SERVICE", "INSTANCE", "CAPACITY", "ACTIVE-REPLICAS", "SPEND-USD"]);
    for line in &cost.variant_breakdown {
        let replicas = line.replicas.filter(|count| *count != 0);
        table.row([
            line.service.clone(),
            line.instance_type.clone(),
            line.capacity_type.clone(),
            replicas.map_or("—".to_owned(), |count| count.to_string()),
            usd(line.spend_usd),
        ]);
    }
    table
}
