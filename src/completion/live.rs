//! The names: from the rack, or from the cache if the rack is slow or away.

use std::fmt::Display;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::time::sleep;

use super::{Asker, BACKGROUND, PROMPT, Request};
use crate::args::{GlobalArgs, Site};
use crate::cli::{LiveKind, Program, Wanted};
use crate::context::{Context, Ui, known_machines, known_racks};
use crate::error::{CommandError, HintContext};
use crate::output::Quiet;
use crate::output::stdio::Stdio as Streams;
use crate::settings::{Name, RackUrl, Settings, Style, Target};
use convox_client::rack::Rack;
use convox_devrack::clock::Clock;

/// Returns the names that can stand at the cursor. The result is empty if none are known in time.
pub(super) async fn names(
    request: &Request,
    wanted: &Wanted,
    settings: Settings,
    clock: Clock,
) -> Vec<Name> {
    let limit = match request.asker {
        Asker::Shell(_) => PROMPT,
        Asker::Background => BACKGROUND,
    };
    let cx = context(wanted, settings, clock);
    let Some(list) = list(&cx, wanted) else { return Vec::new() };
    match within(sleep(limit), read(&cx, request, wanted)).await {
        Read::Names(names) => {
            store(&cx, wanted, &list, &names);
            names
        }
        Read::Failed => cached(&cx, wanted, &list),
        Read::Late => {
            if request.asker != Asker::Background {
                read_in_background(&cx, request, &list);
            }
            cached(&cx, wanted, &list)
        }
    }
}

/// What came of asking a rack.
#[derive(Debug, PartialEq, Eq)]
enum Read {
    Names(Vec<Name>),
    /// The rack is away, or has refused.
    Failed,
    /// No answer in time.
    Late,
}

/// Waits for the names until `limit` is over.
async fn within(
    limit: impl Future<Output = ()>,
    read: impl Future<Output = Result<Vec<Name>, CommandError>>,
) -> Read {
    tokio::select! {
        biased;
        read = read => read.map_or(Read::Failed, Read::Names),
        () = limit => Read::Late,
    }
}

/// A context that prints nothing, asks nothing, starts no rack and repeats no request.
fn context(wanted: &Wanted, mut settings: Settings, clock: Clock) -> Context {
    settings.env.debug = false;
    let limits = &mut settings.env.limits;
    (limits.retry, limits.first_contact) = (Duration::ZERO, Duration::ZERO);
    let Wanted { site, app, insecure, .. } = wanted;
    let args = GlobalArgs {
        site: site.clone(),
        app: app.clone(),
        insecure: *insecure,
        ..GlobalArgs::default()
    };
    let hints = HintContext::default();
    let ui = Ui::new(Streams::discarded(), Box::new(Quiet), true, hints, false);
    Context::new(settings, args, Style::V3, clock, ui, &Program, false)
}

/// What the wanted names are cached under: their kind, rack or machine, and app. `None` if the line,
/// the files and the environment do not name these.
fn list(cx: &Context, wanted: &Wanted) -> Option<String> {
    let kind = wanted.kind.name();
    if wanted.kind == LiveKind::Rack {
        return Some(kind.to_owned());
    }
    let console = cx.settings.console_host().ok()?.unwrap_or_default();
    if wanted.kind == LiveKind::Machine {
        return Some(format!("{kind} {console}"));
    }
    let site = match &wanted.site {
        Site::Machine(name) => {
            let name = name.as_ref().or(cx.settings.env.machine.as_ref())?;
            format!("machine {name} {console}")
        }
        Site::Rack(rack) => match cx.settings.target(rack.as_ref().map(AsRef::as_ref)).ok()? {
            Target::Url(url) => RackUrl::base(&url).to_owned(),
            Target::Dev => format!("dev {}", cx.settings.data_dir()?.display()),
            Target::Named(name) => format!("named {name} {console}"),
            Target::Current(rack) => format!("{} {} {console}", rack.kind, rack.name),
        },
    };
    let app = if wanted.kind.belongs_to_app() { cx.app().ok()?.to_string() } else { String::new() };
    Some(format!("{kind} {site} {app}"))
}

/// Asks the rack.
async fn read(cx: &Context, request: &Request, wanted: &Wanted) -> Result<Vec<Name>, CommandError> {
    if wanted.kind == LiveKind::Rack {
        known_racks::refresh(cx).await?;
        return rack_names(cx);
    }
    if wanted.kind == LiveKind::Machine {
        let machines = known_machines::list(cx).await?;
        return Ok(all(machines, |machine| (machine.full_name(), machine.age)));
    }
    if request.asker != Asker::Background && cx.needs_terraform().await? {
        // Late in any case: terraform is left to the background.
        return std::future::pending().await;
    }
    ask(cx, &cx.rack().await?, wanted.kind).await
}

/// The names of one kind, with what tells them apart.
async fn ask(cx: &Context, rack: &Rack, kind: LiveKind) -> Result<Vec<Name>, CommandError> {
    if kind == LiveKind::App {
        let apps = rack.apps().await?;
        return Ok(all(apps, |app| (app.name, app.status)));
    }
    if kind == LiveKind::RackResource {
        let found = rack.rack_resources().await?;
        return Ok(all(found, |found| (found.resource.name, found.resource.kind)));
    }
    let app = cx.app()?;
    Ok(match kind {
        LiveKind::Build => all(rack.builds(&app, None).await?, |build| {
            (build.id, build.description.unwrap_or_default())
        }),
        LiveKind::Process => all(rack.processes(&app).await?, |process| (process.id, process.name)),
        LiveKind::Release => all(rack.releases(&app, None).await?, |release| {
            (release.id, release.description.unwrap_or_default())
        }),
        LiveKind::Resource => {
            all(rack.resources(&app).await?, |resource| (resource.name, resource.kind))
        }
        LiveKind::Service => all(rack.services(&app).await?, |service| {
            (service.name, service.domain.unwrap_or_default())
        }),
        LiveKind::App | LiveKind::Machine | LiveKind::Rack | LiveKind::RackResource => Vec::new(),
    })
}

fn all<T, N: Display, A: Display>(found: Vec<T>, parts: impl Fn(T) -> (N, A)) -> Vec<Name> {
    let name = |(name, about): (N, A)| Name { name: name.to_string(), about: about.to_string() };
    found.into_iter().map(|one| name(parts(one))).collect()
}

fn rack_names(cx: &Context) -> Result<Vec<Name>, CommandError> {
    let names = known_racks::names(cx)?.into_iter();
    Ok(names.map(|name| Name { name, about: String::new() }).collect())
}

/// What is known without the rack. The list of a console has a cache of its own.
fn cached(cx: &Context, wanted: &Wanted, list: &str) -> Vec<Name> {
    match wanted.kind {
        LiveKind::Rack => rack_names(cx).unwrap_or_default(),
        _ => cx.settings.config.cached_names(list, cx.clock.now()).unwrap_or_default(),
    }
}

/// Caches names. Nothing depends on it, so failures are ignored.
fn store(cx: &Context, wanted: &Wanted, list: &str, names: &[Name]) {
    let (config, now) = (&cx.settings.config, cx.clock.now());
    if wanted.kind != LiveKind::Rack
        && config.are_news(list, names, now)
        && let Ok(Some(writer)) = config.try_lock()
    {
        let _ = writer.store_names(list, names, now);
    }
}

/// Starts a process that goes on asking the rack for a few seconds, to fill the cache for the next
/// time. Nothing depends on it, so failures are ignored.
fn read_in_background(cx: &Context, request: &Request, list: &str) {
    let (config, now) = (&cx.settings.config, cx.clock.now());
    let Some(program) = cx.settings.program() else { return };
    if !config.may_ask(list, now) {
        return;
    }
    // Without a record of the attempt, each key would start a process.
    let Ok(Some(writer)) = config.try_lock() else { return };
    if writer.store_asked(list, now).is_err() {
        return;
    }
    let mut command = Command::new(program);
    command.args(request.in_background()).process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // It ends by itself, after this process.
    drop(command.spawn());
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn a_rack_that_never_answers_is_given_up_when_the_time_is_over() {
        assert_eq!(within(ready(()), pending()).await, Read::Late);
        assert!(PROMPT < Duration::from_millis(150));
    }

    #[tokio::test]
    async fn an_answer_in_time_is_not_delayed() {
        let names = vec![Name { name: "web".to_owned(), about: String::new() }];
        assert_eq!(within(pending(), ready(Ok(names.clone()))).await, Read::Names(names));
        let refused = ready(Err(CommandError::new("no")));
        assert_eq!(within(pending(), refused).await, Read::Failed);
    }
}
