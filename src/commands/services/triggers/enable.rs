use super::{Changed, require_overrides};
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use convox_client::rack::{Trigger, TriggerKind, TriggersOverride};
use convox_wire::ServiceName;

/// Replace the triggers of a service's manifest
///
/// The service scales by these thresholds until `services triggers disable`.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  convox services triggers enable web --min 1 --max 5 --cpu 70\n  \
                        convox services triggers enable worker --max 10 --queue 100"
)]
pub(crate) struct Args {
    /// Service to change
    service: ServiceName,
    /// Fewest processes
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    min: Option<i64>,
    /// Most processes
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    max: Option<i64>,
    /// CPU usage above which processes are added, in percent
    #[arg(long, value_name = "PERCENT", allow_negative_numbers = true)]
    cpu: Option<i64>,
    /// Memory usage above which processes are added, in percent
    #[arg(long, value_name = "PERCENT", allow_negative_numbers = true)]
    memory: Option<i64>,
    /// GPU usage above which processes are added, in percent
    #[arg(long, value_name = "PERCENT", allow_negative_numbers = true)]
    gpu: Option<i64>,
    /// Length of the queue above which processes are added
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    queue: Option<i64>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let triggers = args.triggers()?;
    let app = cx.app()?;
    let rack = cx.rack().await?;
    require_overrides(&rack, "enable").await?;
    let service = args.service;
    let enable = async { Ok(rack.enable_triggers(&app, &service, &triggers).await?) };
    cx.step(format!("Enabling triggers override on {service}"), enable).await?;
    Ok(Outcome::json(Changed { app, service }))
}

impl Args {
    /// Values of 0 and less count as absent.
    fn triggers(&self) -> Result<TriggersOverride, CommandError> {
        let positive = |value: Option<i64>| value.filter(|value| *value > 0);
        let thresholds = [
            (TriggerKind::Cpu, self.cpu),
            (TriggerKind::Memory, self.memory),
            (TriggerKind::Gpu, self.gpu),
            (TriggerKind::Queue, self.queue),
        ];
        let given = thresholds.into_iter().filter_map(|(kind, value)| {
            positive(value).map(|threshold| Trigger { kind, threshold })
        });
        let triggers: Vec<Trigger> = given.collect();
        if triggers.is_empty() {
            let text = "at least one of --cpu, --memory, --gpu, --queue is required";
            return Err(CommandError::new(text));
        }
        Ok(TriggersOverride { min: positive(self.min), max: positive(self.max), triggers })
    }
}
