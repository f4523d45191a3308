use super::{Changed, require_overrides};
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use convox_client::rack::TriggerKind;
use convox_wire::ServiceName;

/// Set the threshold of one trigger of a service
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  convox services triggers threshold-set web --type cpu --threshold 80\n  \
                        convox services triggers threshold-set web --type memory --threshold 75"
)]
pub(crate) struct Args {
    /// Service to change
    service: ServiceName,
    /// What is measured: cpu, memory, gpu or queue
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Value above which processes are added
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    threshold: Option<String>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let name = args.kind.unwrap_or_default();
    let kind = kind_of(&name).ok_or_else(|| {
        CommandError::new(format!("invalid --type {name:?}; expected cpu|memory|gpu|queue"))
    })?;
    let text = args.threshold.ok_or_else(|| CommandError::new("--threshold is required"))?;
    let threshold: f64 = match text.parse() {
        Ok(number) if f64::is_finite(number) => number,
        _ => return Err(CommandError::new(format!("--threshold must be a number: {text:?}"))),
    };
    let app = cx.app()?;
    let rack = cx.rack().await?;
    require_overrides(&rack, "threshold-set").await?;
    let service = args.service;
    let set = async { Ok(rack.set_trigger_threshold(&app, &service, kind, threshold).await?) };
    cx.step(format!("Setting {service} {name} threshold to {threshold}"), set).await?;
    Ok(Outcome::json(Changed { app, service }))
}

fn kind_of(name: &str) -> Option<TriggerKind> {
    Some(match name {
        "cpu" => TriggerKind::Cpu,
        "memory" => TriggerKind::Memory,
        "gpu" | "gpuUtilization" => TriggerKind::Gpu,
        "queue" | "queueDepth" => TriggerKind::Queue,
        _ => return None,
    })
}
