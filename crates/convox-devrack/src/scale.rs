//! The number of processes of a service that was scaled: stored with the app, so that it outlives releases and the
//! rack itself.

use axum::http::StatusCode;

use super::builds::living_app;
use super::error::Refusal;
use super::manifest::MAX_COUNT;
use super::rack::Shared;
use super::releases::shown_manifest;
use super::store::{self, AppRecord};
use convox_wire::{AppName, AppStatus, ServiceName};

/// Starts or stops processes of a service until it has `count` of them. If one does not start,
/// nothing is changed.
pub(crate) async fn scale(
    rack: Shared,
    app: AppName,
    service: ServiceName,
    count: usize,
) -> Result<(), Refusal> {
    if count > MAX_COUNT {
        return Err(Refusal::bad_request(format!(
            "the development rack runs at most {MAX_COUNT} processes of a service"
        )));
    }
    let record = rack.app(&app)?;
    check_service(&rack, &record, &service)?;
    if record.status() != AppStatus::Running {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "app is currently updating"));
    }
    let before = put_count(&rack, &app, &service, Some(count)).await?;
    rack.log_app(&app, &format!("scaling {service} to {count}"));
    if let Err(reason) = rack.runner.scale(&app, &service, count).await {
        put_count(&rack, &app, &service, before).await?;
        return Err(Refusal::bad_request(reason));
    }
    Ok(())
}

/// Replaces the processes of a service by new ones. Returns before that is done.
pub(crate) async fn restart(
    rack: &Shared,
    app: &AppName,
    service: &ServiceName,
) -> Result<(), Refusal> {
    check_service(rack, &rack.app(app)?, service)?;
    rack.log_app(app, &format!("restarting {service}"));
    rack.runner.restart(app, service).await;
    Ok(())
}

/// Fails unless the app's release has the service.
pub(crate) fn check_service(
    rack: &Shared,
    app: &AppRecord,
    service: &ServiceName,
) -> Result<(), Refusal> {
    let shown = shown_manifest(rack, app)?;
    match shown.is_some_and(|(manifest, _)| manifest.service(service).is_some()) {
        true => Ok(()),
        false => Err(Refusal::not_found(format!("service not found: {service}"))),
    }
}

/// Stores the number of processes of a service, and returns the previous one.
async fn put_count(
    rack: &Shared,
    app: &AppName,
    service: &ServiceName,
    count: Option<usize>,
) -> Result<Option<usize>, Refusal> {
    let (app, service) = (app.clone(), service.clone());
    let put = rack.store.write(move |tx| {
        let mut app = living_app(tx, &app)?;
        let before = match count {
            Some(count) => app.counts.insert(service, count),
            None => app.counts.remove(&service),
        };
        store::put_app(tx, &app)?;
        Ok(before)
    });
    put.await
}
