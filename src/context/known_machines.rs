//! The machines of the console.

use chrono::{DateTime, TimeDelta, Utc};

use super::Context;
use crate::error::{CommandError, Hint};
use crate::output::humanize;
use crate::settings::{CachedMachines, match_machine};
use convox_client::rack::{Console, Error, Machine, Rack};
use convox_wire::MachineName;

/// The age up to which the cached list decides what a name stands for.
const LIST_AGE: TimeDelta = TimeDelta::days(1);

/// Returns the rack of the machine of `--machine` or CONVOX_MACHINE.
pub(super) async fn rack(cx: &Context, flag: Option<&MachineName>) -> Result<Rack, CommandError> {
    let Some(name) = flag.or(cx.settings.env.machine.as_ref()) else {
        return Err(CommandError::new("machine not specified")
            .hint("name one with --machine or CONVOX_MACHINE")
            .hint(Hint::command("list machines with", "cloud machines")));
    };
    let console = cx.console()?;
    Ok(console.machine(&find(cx, &console, name.as_str()).await?.id))
}

/// Finds the machine that a name stands for. The console is asked only if it is not in the cached
/// list, or if that is old: machines are addressed by their ids, and one that was replaced by another
/// of its name has another id.
async fn find(cx: &Context, console: &Console, name: &str) -> Result<Machine, CommandError> {
    let cached = cached_list(cx)?;
    let known = cached.as_ref().and_then(|list| {
        let machine = match_machine(name, &list.machines).ok()?;
        Some((machine, list.read_at))
    });
    if let Some((machine, read_at)) = known
        && cx.clock.now() - read_at < LIST_AGE
    {
        return Ok(machine.clone());
    }
    match (read_list(cx, console).await, known) {
        (Ok(machines), _) => Ok(match_machine(name, &machines)?.clone()),
        (Err(error), Some((machine, read_at))) => {
            warn_of_console(cx, error, "using", read_at);
            Ok(machine.clone())
        }
        (Err(error), None) => Err(error.into()),
    }
}

/// The machines that `cloud machines` lists. If the console fails, they are listed as they were
/// last time.
///
/// # Errors
/// No console is known, or it fails and no list is cached.
pub(crate) async fn list(cx: &Context) -> Result<Vec<Machine>, CommandError> {
    let error = match read_list(cx, &cx.console()?).await {
        Ok(machines) => return Ok(machines),
        Err(error) => error,
    };
    let Some(cached) = cached_list(cx)? else { return Err(error.into()) };
    warn_of_console(cx, error, "showing", cached.read_at);
    Ok(cached.machines)
}

fn cached_list(cx: &Context) -> Result<Option<CachedMachines>, CommandError> {
    Ok(if cx.settings.caches_machines()? { cx.settings.config.machines() } else { None })
}

/// Reads the list from the console and caches it.
async fn read_list(cx: &Context, console: &Console) -> Result<Vec<Machine>, Error> {
    let machines = console.machines().await?;
    // Without the cache, the next command asks the console again.
    if let Ok(true) = cx.settings.caches_machines()
        && let Ok(Some(writer)) = cx.settings.config.try_lock()
    {
        let _ = writer.store_machines(&machines);
    }
    Ok(machines)
}

/// Warns that the console failed, and that a cached list is used or shown instead.
fn warn_of_console(cx: &Context, error: Error, instead: &str, read_at: DateTime<Utc>) {
    let error = CommandError::from(error);
    let age = humanize::ago(cx.clock.now(), read_at);
    let text = format!(
        "can't list the machines of the console: {}; {instead} its machines as of {age}",
        error.message()
    );
    cx.warn_with(text, error.hints());
}
