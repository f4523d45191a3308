//! From what is set to a rack that answers.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use url::Url;

use super::Severity;
use super::{Access, Context, KnownRack, known_racks};
use crate::error::{CommandError, Hint};
use crate::output::humanize;
use crate::settings::{
    Choice, CurrentRack, ExposeSecret, LocalRack, RackKind, RackMeta, RackUrl, Target, match_rack,
};
use convox_client::rack::{Client, Endpoint, Options, Rack};
use convox_client::transport::{Event, PinnedBy, Trust};

/// What `racks` remembers of a direct rack is good for so long.
const META_AGE: Duration = Duration::from_secs(30 * 60);

/// And asking for it is worth no more than this.
const META_TIME: Duration = Duration::from_secs(2);

/// A rack that was resolved.
pub(super) struct Connection {
    pub(super) rack: Rack,
    /// The name of its file, where it is a direct rack that has one.
    direct: Option<String>,
}

/// The rack that is meant, found among those that are configured.
enum ResolvedRack {
    Url(RackUrl),
    Dev,
    Known(KnownRack),
    /// On this machine, and not yet looked into: Terraform may take seconds.
    Local(LocalRack),
}

/// The rack that flags, variables and files mean.
pub(super) async fn open(cx: &Context) -> Result<Connection, CommandError> {
    match meant(cx).await? {
        ResolvedRack::Url(url) => direct(cx, &url, None),
        ResolvedRack::Dev => dev(cx).await,
        ResolvedRack::Known(rack) => reach(cx, &rack).await,
        ResolvedRack::Local(rack) => reach(cx, &known_racks::one(cx, &rack)?).await,
    }
}

/// The name of the rack that is meant, without asking it.
pub(super) async fn name(cx: &Context) -> Result<String, CommandError> {
    Ok(match meant(cx).await? {
        ResolvedRack::Url(_) => "direct".to_owned(),
        ResolvedRack::Dev => "dev".to_owned(),
        ResolvedRack::Known(rack) => rack.name,
        ResolvedRack::Local(rack) => rack.name,
    })
}

async fn meant(cx: &Context) -> Result<ResolvedRack, CommandError> {
    match cx.settings.target(cx.args.rack.as_ref().map(convox_wire::RackName::as_str))? {
        Target::Url(url) => Ok(ResolvedRack::Url(url)),
        Target::Dev => Ok(ResolvedRack::Dev),
        Target::Named(name) => named(cx, &name).await,
        Target::Current(current) => chosen(cx, &current).await,
    }
}

async fn named(cx: &Context, name: &str) -> Result<ResolvedRack, CommandError> {
    let racks = known_racks::configured(cx).await?;
    Ok(match match_rack(name, &racks, |rack: &KnownRack| &rack.name)? {
        Choice::Configured(rack) => ResolvedRack::Known(rack.clone()),
        Choice::Dev => ResolvedRack::Dev,
    })
}

async fn chosen(cx: &Context, current: &CurrentRack) -> Result<ResolvedRack, CommandError> {
    let CurrentRack { name, kind } = current;
    let found = match kind {
        RackKind::Console => at_console(cx, name).await?.map(ResolvedRack::Known),
        RackKind::Dev => Some(ResolvedRack::Dev),
        RackKind::Direct | RackKind::Terraform => {
            on_this_machine(cx, current)?.map(ResolvedRack::Local)
        }
        RackKind::Other(kind) => {
            return Err(CommandError::new(format!("unknown rack type: {kind}")).hint(switch_rack()));
        }
    };
    found.ok_or_else(|| {
        CommandError::new(format!("no such {kind} rack: {name}")).hint(switch_rack())
    })
}

async fn at_console(cx: &Context, name: &str) -> Result<Option<KnownRack>, CommandError> {
    let Some(console) = console(cx)? else {
        return Err(CommandError::new(format!("no such console rack: {name}")).hint(log_in()));
    };
    let racks = console.console_racks().await?;
    Ok(racks.iter().map(known_racks::from_console).find(|rack| rack.name == name))
}

fn on_this_machine(cx: &Context, current: &CurrentRack) -> Result<Option<LocalRack>, CommandError> {
    let racks = cx.settings.config.racks()?;
    Ok(racks.into_iter().find(|rack| rack.name == current.name && rack.kind() == current.kind))
}

async fn reach(cx: &Context, rack: &KnownRack) -> Result<Connection, CommandError> {
    match &rack.reach {
        Access::Direct(url) => direct(cx, url, Some(rack.name.clone())),
        Access::Terraform(Some(url)) => direct(cx, url, None),
        Access::Terraform(None) => {
            Err(CommandError::new(format!("rack {} has no address yet", rack.name))
                .hint(Hint::command("check whether its installation is finished", "racks")))
        }
        Access::Console => through_console(cx, &rack.name),
        Access::Dev => dev(cx).await,
    }
}

fn direct(cx: &Context, url: &RackUrl, name: Option<String>) -> Result<Connection, CommandError> {
    let mut endpoint = endpoint(url)?;
    endpoint.actor = cx.settings.env.actor.clone();
    Ok(Connection { rack: rack(cx, endpoint)?, direct: name })
}

fn through_console(cx: &Context, name: &str) -> Result<Connection, CommandError> {
    let Some(mut endpoint) = console_endpoint(cx)? else {
        return Err(CommandError::new("no console is known").hint(log_in()));
    };
    endpoint.rack = Some(name.to_owned());
    Ok(Connection { rack: rack(cx, endpoint)?, direct: None })
}

async fn dev(cx: &Context) -> Result<Connection, CommandError> {
    let address = super::dev::running(cx).await?;
    let rack = rack(cx, endpoint(&address)?)?;
    Ok(Connection { rack, direct: None })
}

/// The console itself, if one is known.
pub(super) fn console(cx: &Context) -> Result<Option<Rack>, CommandError> {
    console_endpoint(cx)?.map(|endpoint| rack(cx, endpoint)).transpose()
}

fn console_endpoint(cx: &Context) -> Result<Option<Endpoint>, CommandError> {
    let Some(url) = cx.settings.console()? else { return Ok(None) };
    let mut endpoint = endpoint(&url)?;
    let session = cx.settings.config.session(&url.authority())?;
    endpoint.session = Some(session.map_or(String::new(), |id| id.expose_secret().to_owned()));
    endpoint.actor = cx.settings.env.actor.clone();
    Ok(Some(endpoint))
}

/// The rack or console at an address, whose certificate is held against `trust` where given.
pub(crate) fn rack_at(
    cx: &Context,
    url: &RackUrl,
    trust: Option<Trust>,
) -> Result<Rack, CommandError> {
    let endpoint = endpoint(url)?;
    let trust = trust.map_or_else(|| self::trust(cx, &endpoint), Ok)?;
    Ok(trusting(cx, endpoint, trust))
}

fn endpoint(url: &RackUrl) -> Result<Endpoint, CommandError> {
    let base: Url =
        url.base().parse().map_err(|error| CommandError::new(format!("{url}: {error}")))?;
    let mut endpoint = Endpoint::new(base);
    if let Some(credentials) = url.credentials() {
        endpoint.user.clone_from(&credentials.user);
        endpoint.password = Some(credentials.password.clone());
    }
    Ok(endpoint)
}

fn rack(cx: &Context, endpoint: Endpoint) -> Result<Rack, CommandError> {
    let trust = trust(cx, &endpoint)?;
    Ok(trusting(cx, endpoint, trust))
}

fn trusting(cx: &Context, endpoint: Endpoint, trust: Trust) -> Rack {
    let (ui, outages) = (cx.ui.clone(), cx.outages.clone());
    let debug = cx.settings.env.debug;
    let listener = Arc::new(move |event: Event| {
        if outages.is_news(&event)
            && let Some((text, hints)) = notice(&event)
        {
            ui.notice(Severity::Notice, &text, &hints);
        }
        if debug {
            ui.error_line(&format!("DEBUG: {}", trace(&event)));
        }
    });
    let (files, host) = (cx.settings.config.clone(), endpoint.authority());
    let session_sink = Arc::new(move |session: &str| {
        // The session serves this run all the same; the next one asks for another.
        drop(files.store_session(&host, &session.into()));
    });
    let limits = *cx.limits();
    Rack::new(Client::new(endpoint, Options { limits, trust, listener, session_sink }))
}

fn switch_rack() -> Hint {
    Hint::command("choose a rack with", "switch").arg("RACK")
}

fn log_in() -> Hint {
    Hint::command("log in to a console with", "login").arg("HOST")
}

/// What the endpoint's certificate is verified against.
fn trust(cx: &Context, endpoint: &Endpoint) -> Result<Trust, CommandError> {
    if endpoint.url.scheme() != "https" {
        return Ok(Trust::Platform);
    }
    if cx.args.insecure {
        cx.warn(format!("the certificate of {} is not verified (--insecure)", endpoint.address()));
        return Ok(Trust::Insecure);
    }
    if let Some(fingerprint) = cx.settings.env.trust {
        return Ok(Trust::Pinned(fingerprint, PinnedBy::Variable));
    }
    if let Some(pin) = cx.settings.config.pin(&endpoint.address())? {
        return Ok(Trust::Pinned(pin, PinnedBy::Login));
    }
    Ok(cx.settings.env.ca_cert.clone().map_or(Trust::Platform, Trust::CustomCa))
}

/// What is worth a notice, without `--debug`.
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

/// A line for each request and socket.
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
        Event::Retrying { request, .. } => format!("{request} is being repeated"),
        Event::Reconciling { request, .. } => format!("{request} is being looked for"),
        Event::Resent { request } => format!("{request} was sent again"),
        Event::SocketOpened { request, took } => {
            format!("socket {request} opened, {} ms", took.as_millis())
        }
        Event::SocketClosed { request, why, bytes } => {
            format!("socket {request} closed: {why}, {bytes} bytes")
        }
    }
}

impl Connection {
    /// Brings what `racks` shows of a direct rack up to date. Nothing depends on it, so failures
    /// are left alone.
    pub(super) async fn remember(&self, cx: &Context) {
        let Some(name) = &self.direct else { return };
        let now = cx.clock.now().into();
        if !cx.settings.config.rack_meta_is_stale(name, META_AGE, now) {
            return;
        }
        let Ok(Ok(system)) = timeout(META_TIME, self.rack.system()).await else { return };
        let meta = RackMeta { provider: system.provider, status: system.status.to_string() };
        drop(cx.settings.config.store_rack_meta(name, &meta));
    }
}
