//! The timers of the apps: processes that the rack starts at the times that `convox.yml` names.
//!
//! The manifest of the active release counts. A time that passes while the rack does not run is not
//! made up for; of the times that pass while the machine sleeps, one is.

use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinSet;

use super::manifest::{Manifest, TimerSpec};
use super::rack::{Lifecycle, Shared};
use super::rollouts;
use super::runner::OneOff;
use super::store::{self, ReleaseRecord};
use convox_wire::{AppName, ReleaseId};

/// Runs the timers until the rack stops.
pub(crate) async fn run(rack: Shared) {
    let mut life = rack.lifecycle.subscribe();
    // Processes of an earlier rack are stopped first.
    if !rack.wait_until_running().await {
        return;
    }
    let mut starting = JoinSet::new();
    let mut seen = rack.clock.now();
    loop {
        tokio::select! {
            // The sender lives in the rack, so the channel is never closed.
            _ = life.wait_for(|life| *life == Lifecycle::Stopping) => break,
            () = rack.clock.sleep_until(next_minute(seen)) => (),
        }
        let now = rack.clock.now();
        for (app, release, timer) in due(&rack, seen, now) {
            starting.spawn(start(rack.clone(), app, release, timer));
        }
        while starting.try_join_next().is_some() {}
        seen = now;
    }
    starting.shutdown().await;
}

fn next_minute(after: DateTime<Utc>) -> DateTime<Utc> {
    let minute = TimeDelta::minutes(1);
    let into = after.timestamp().rem_euclid(60);
    after - TimeDelta::seconds(into) - TimeDelta::nanoseconds(after.timestamp_subsec_nanos().into())
        + minute
}

/// Returns the timers whose times have come since the last look.
fn due(
    rack: &Shared,
    seen: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Vec<(AppName, ReleaseId, TimerSpec)> {
    let releases = rack.store.read(|tx| {
        let apps = store::all_apps(tx)?.into_iter().filter(|app| !app.deleting);
        let active = apps.filter_map(|app| Some((app.name, app.active?)));
        active
            .map(|(app, id)| store::find::<ReleaseRecord>(tx, &app, id.as_str()))
            .collect::<Result<Vec<_>, _>>()
    });
    let releases = releases.unwrap_or_else(|error| {
        rack.log_system(&format!("the timers can't be read: {error}"));
        Vec::new()
    });
    let mut due = Vec::new();
    for release in releases.into_iter().flatten() {
        let text = release.manifest.unwrap_or_default();
        // It was parsed before it was promoted.
        let Ok(manifest) = Manifest::parse(&text, &release.environment) else { continue };
        let timers = manifest.timers.into_iter();
        let timers = timers.filter(|timer| timer.schedule.was_due(seen, now));
        due.extend(timers.map(|timer| (release.app.clone(), release.id.clone(), timer)));
    }
    due
}

/// Starts the process of a timer. Its output and its end are logged as those of other processes.
async fn start(rack: Shared, app: AppName, release: ReleaseId, timer: TimerSpec) {
    let name = format!("timer-{}", timer.name);
    if timer.is_exclusive && is_running(&rack, &app, &name) {
        let line = format!("timer {}: its last process is still running", timer.name);
        return rack.log_app(&app, &line);
    }
    let one_off = OneOff { name: Some(name), command: Some(timer.command), ..OneOff::default() };
    let started = rollouts::run_once(&rack, &app, &release, &timer.service, one_off).await;
    if let Err(refusal) = started {
        rack.log_app(&app, &format!("timer {} did not start: {}", timer.name, refusal.message));
    }
}

fn is_running(rack: &Shared, app: &AppName, name: &str) -> bool {
    rack.runner.processes(app).iter().any(|process| {
        let end = process.id.as_str().strip_prefix(name).and_then(|end| end.strip_prefix('-'));
        end.is_some_and(|end| !end.contains('-'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_minute_is_later_and_whole() {
        for (after, next) in [
            ("2026-06-01T10:00:00Z", "2026-06-01T10:01:00Z"),
            ("2026-06-01T10:00:59.9Z", "2026-06-01T10:01:00Z"),
        ] {
            let next: DateTime<Utc> = next.parse().unwrap();
            assert_eq!(next_minute(after.parse().unwrap()), next, "{after}");
        }
    }
}
