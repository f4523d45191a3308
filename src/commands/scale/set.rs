//! Changes the scale of a service.

use serde::Serialize;

use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::flows::update::update;
use crate::outcome::Outcome;
use convox_client::rack::compat::V3_24_6;
use convox_client::rack::{Rack, ServiceUpdate};
use convox_wire::{AppName, ServiceName};

pub(super) async fn run(
    service: ServiceName,
    change: ServiceUpdate,
    cx: &Context,
) -> Result<Outcome, CommandError> {
    check(&change)?;
    let app = cx.app()?;
    let rack = cx.rack().await?;
    if change.min.is_some() || change.max.is_some() {
        check_range(&rack, &app, &service, &change).await?;
    }
    let scale = rack.update_service(&app, &service, &change);
    update(cx, &rack, &app, format!("Scaling {service}"), scale).await?;
    Ok(Outcome::json(Scaled { app, service }))
}

fn check(change: &ServiceUpdate) -> Result<(), CommandError> {
    let ServiceUpdate { count, min, max, .. } = *change;
    let wrong = |text: &str| Err(CommandError::new(text));
    if count.is_some() && (min.is_some() || max.is_some()) {
        return wrong("--min/--max and --count are mutually exclusive");
    }
    if count.is_some_and(|count| count < 0) {
        return wrong("--count must be >= 0");
    }
    if min.is_some_and(|min| min < 0) {
        return wrong("--min must be >= 0");
    }
    if max.is_some_and(|max| max < 1) {
        return wrong("--max must be >= 1");
    }
    if min.zip(max).is_some_and(|(min, max)| max < min) {
        return wrong("--max must be >= --min");
    }
    Ok(())
}

/// Checks what a range requires of the rack, and of the service if it may have no processes.
async fn check_range(
    rack: &Rack,
    app: &AppName,
    service: &ServiceName,
    change: &ServiceUpdate,
) -> Result<(), CommandError> {
    let compat = rack.compat().await?;
    if !compat.is_at_least(V3_24_6) {
        return Err(CommandError::new(format!(
            "--min / --max range scale requires {}; rack reports {:?}",
            V3_24_6.requirement(),
            compat.version()
        )));
    }
    if change.min != Some(0) {
        return Ok(());
    }
    let services = rack.services(app).await?;
    let Some(found) = services.iter().find(|found| found.name == *service) else {
        return Err(CommandError::new(format!("service {service} not found in app {app}"))
            .hint(Hint::command("list the services with", "services").app(app)));
    };
    if found.autoscale.as_ref().is_some_and(|autoscale| autoscale.enabled) {
        return Ok(());
    }
    Err(CommandError::new(format!(
        "service {service} has no autoscale configured; --min 0 would terminate pods with no \
         wake-up mechanism. Set scale.autoscale.* in convox.yml and promote a release first, or \
         use --min 1+"
    )))
}

#[derive(Serialize)]
struct Scaled {
    app: AppName,
    service: ServiceName,
}
