//! What is printed of the client's requests: notices of what went wrong, and the trace of `--debug`.

use std::sync::Arc;

use super::{Context, Severity};
use crate::error::Hint;
use crate::output::humanize;
use convox_client::transport::Event;

/// Receives the events of a client.
pub(super) type Listener = Arc<dyn Fn(Event) + Send + Sync>;

/// Returns the listener of a client: prints notices, and with `--debug` a line for each event.
pub(super) fn listener(cx: &Context) -> Listener {
    let (ui, outages) = (cx.ui.clone(), cx.outages.clone());
    let debug = cx.settings.env.debug;
    Arc::new(move |event: Event| {
        if outages.is_news(&event)
            && let Some((text, hints)) = notice(&event)
        {
            ui.notice(Severity::Notice, &text, &hints);
        }
        if debug {
            ui.error_line(&format!("DEBUG: {}", trace(&event)));
        }
    })
}

/// Returns the notice for an event, with its hints, if it is worth one.
fn notice(event: &Event) -> Option<(String, Vec<Hint>)> {
    match event {
        Event::Retrying { request, why, budget } => {
            let budget = humanize::minutes(budget.as_secs());
            Some((format!("{request} failed ({why}); retrying for up to {budget}"), Vec::new()))
        }
        Event::Reconciling { request, why } => Some((
            format!("the response to {request} was lost ({why}); checking what became of it"),
            Vec::new(),
        )),
        Event::Resent { request } => Some((
            format!(
                "{request} was sent again; if the first one arrived late after all, there is an extra \
                 build or release, which is not promoted"
            ),
            vec![
                Hint::command("list builds with", "builds"),
                Hint::command("list releases with", "releases"),
            ],
        )),
        Event::Responded { .. }
        | Event::Failed { .. }
        | Event::SocketOpened { .. }
        | Event::SocketClosed { .. } => None,
    }
}

/// Returns the line of `--debug` for an event.
fn trace(event: &Event) -> String {
    let again = |attempt: u32| match attempt {
        1 => String::new(),
        attempt => format!(", attempt {attempt}"),
    };
    match event {
        Event::Responded { request, status, bytes, took, attempt } => {
            let bytes = bytes.map_or(String::new(), |bytes| format!(", {bytes} bytes"));
            format!("{request} {status}{bytes}, {} ms{}", took.as_millis(), again(*attempt))
        }
        Event::Failed { request, why, took, attempt } => {
            format!("{request} failed: {why}, {} ms{}", took.as_millis(), again(*attempt))
        }
        Event::Retrying { request, .. } => format!("{request}: retrying"),
        Event::Reconciling { request, .. } => format!("{request}: checking its outcome"),
        Event::Resent { request } => format!("{request}: sent again"),
        Event::SocketOpened { request, took } => {
            format!("socket {request} opened, {} ms", took.as_millis())
        }
        Event::SocketClosed { request, why, bytes } => {
            format!("socket {request} closed: {why}, {bytes} bytes")
        }
    }
}
