//! From what is set to a rack that answers.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use url::Url;

use super::{Context, KnownRack, Reach, known_racks};
use crate::outcome::Failure;
use crate::output::words;
use crate::settings::{
    Choice, CurrentRack, ExposeSecret, LocalRack, RackKind, RackMeta, RackUrl, Target, choose,
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
enum Meant {
    Url(RackUrl),
    Dev,
    Known(KnownRack),
    /// On this machine, and not yet looked into: Terraform may take seconds.
    Local(LocalRack),
}

/// The rack that flags, variables and files mean.
pub(super) async fn open(cx: &Context) -> Result<Connection, Failure> {
    match meant(cx).await? {
        Meant::Url(url) => direct(cx, &url, None),
        Meant::Dev => dev(cx).await,
        Meant::Known(rack) => reach(cx, &rack).await,
        Meant::Local(rack) => reach(cx, &known_racks::one(cx, &rack)?).await,
    }
}

/// The name of the rack that is meant, without asking it.
pub(super) async fn name(cx: &Context) -> Result<String, Failure> {
    Ok(match meant(cx).await? {
        Meant::Url(_) => "direct".to_owned(),
        Meant::Dev => "dev".to_owned(),
        Meant::Known(rack) => rack.name,
        Meant::Local(rack) => rack.name,
    })
}

async fn meant(cx: &Context) -> Result<Meant, Failure> {
    match cx.settings.target(cx.globals.rack.as_deref()).map_err(Failure::new)? {
        Target::Url(url) => Ok(Meant::Url(url)),
        Target::Dev => Ok(Meant::Dev),
        Target::Named(name) => named(cx, &name).await,
        Target::Current(current) => chosen(cx, &current).await,
    }
}

async fn named(cx: &Context, name: &str) -> Result<Meant, Failure> {
    let racks = known_racks::configured(cx).await?;
    Ok(match choose(name, &racks, |rack: &KnownRack| &rack.name).map_err(Failure::new)? {
        Choice::Configured(rack) => Meant::Known(rack.clone()),
        Choice::Dev => Meant::Dev,
    })
}

async fn chosen(cx: &Context, current: &CurrentRack) -> Result<Meant, Failure> {
    let CurrentRack { name, kind } = current;
    let found = match kind {
        RackKind::Console => at_console(cx, name).await?.map(Meant::Known),
        RackKind::Dev => Some(Meant::Dev),
        RackKind::Direct | RackKind::Terraform => on_this_machine(cx, current)?.map(Meant::Local),
        RackKind::Other(kind) => {
            return Err(Failure::new(format!("unknown rack type: {kind}"))
                .try_this("choose a rack with: convox switch NAME"));
        }
    };
    found.ok_or_else(|| {
        Failure::new(format!("no such {kind} rack: {name}"))
            .try_this("choose another with: convox switch NAME")
    })
}

async fn at_console(cx: &Context, name: &str) -> Result<Option<KnownRack>, Failure> {
    let Some(console) = console(cx)? else {
        return Err(Failure::new(format!("no such console rack: {name}"))
            .try_this("log in to its console with: convox login HOST"));
    };
    let racks = console.console_racks().await?;
    Ok(racks.iter().map(known_racks::from_console).find(|rack| rack.name == name))
}

fn on_this_machine(cx: &Context, current: &CurrentRack) -> Result<Option<LocalRack>, Failure> {
    let racks = cx.settings.files.racks().map_err(Failure::new)?;
    Ok(racks.into_iter().find(|rack| rack.name == current.name && rack.kind() == current.kind))
}

async fn reach(cx: &Context, rack: &KnownRack) -> Result<Connection, Failure> {
    match &rack.reach {
        Reach::Direct(url) => direct(cx, url, Some(rack.name.clone())),
        Reach::Terraform(Some(url)) => direct(cx, url, None),
        Reach::Terraform(None) => {
            Err(Failure::new(format!("rack {} has no address yet", rack.name))
                .try_this("is its installation finished? See: convox racks"))
        }
        Reach::Console => through_console(cx, &rack.name),
        Reach::Dev => dev(cx).await,
    }
}

fn direct(cx: &Context, url: &RackUrl, name: Option<String>) -> Result<Connection, Failure> {
    let mut endpoint = endpoint(url)?;
    endpoint.actor = cx.settings.variables.actor.clone();
    Ok(Connection { rack: rack(cx, endpoint)?, direct: name })
}

fn through_console(cx: &Context, name: &str) -> Result<Connection, Failure> {
    let Some(mut endpoint) = console_endpoint(cx)? else {
        return Err(Failure::new("no console is known").try_this("log in with: convox login HOST"));
    };
    endpoint.rack = Some(name.to_owned());
    Ok(Connection { rack: rack(cx, endpoint)?, direct: None })
}

async fn dev(cx: &Context) -> Result<Connection, Failure> {
    let address = super::dev::running(cx).await?;
    let rack = rack(cx, endpoint(&address)?)?;
    Ok(Connection { rack, direct: None })
}

/// The console itself, if one is known.
pub(super) fn console(cx: &Context) -> Result<Option<Rack>, Failure> {
    console_endpoint(cx)?.map(|endpoint| rack(cx, endpoint)).transpose()
}

fn console_endpoint(cx: &Context) -> Result<Option<Endpoint>, Failure> {
    let Some(url) = cx.settings.console().map_err(Failure::new)? else { return Ok(None) };
    let mut endpoint = endpoint(&url)?;
    let session = cx.settings.files.session(&url.authority()).map_err(Failure::new)?;
    endpoint.session = Some(session.map_or(String::new(), |id| id.expose_secret().to_owned()));
    endpoint.actor = cx.settings.variables.actor.clone();
    Ok(Some(endpoint))
}

/// The rack or console at an address, whose certificate is held against `trust` where given.
pub(crate) fn rack_at(cx: &Context, url: &RackUrl, trust: Option<Trust>) -> Result<Rack, Failure> {
    let endpoint = endpoint(url)?;
    let trust = trust.map_or_else(|| self::trust(cx, &endpoint), Ok)?;
    Ok(trusting(cx, endpoint, trust))
}

fn endpoint(url: &RackUrl) -> Result<Endpoint, Failure> {
    let base: Url = url.base().parse().map_err(|error| Failure::new(format!("{url}: {error}")))?;
    let mut endpoint = Endpoint::new(base);
    if let Some(credentials) = url.credentials() {
        endpoint.user.clone_from(&credentials.user);
        endpoint.password = Some(credentials.password.clone());
    }
    Ok(endpoint)
}

fn rack(cx: &Context, endpoint: Endpoint) -> Result<Rack, Failure> {
    let trust = trust(cx, &endpoint)?;
    Ok(trusting(cx, endpoint, trust))
}

fn trusting(cx: &Context, endpoint: Endpoint, trust: Trust) -> Rack {
    let (speaker, absence) = (cx.speaker.clone(), cx.absence.clone());
    let debug = cx.settings.variables.debug;
    let listener = Arc::new(move |event: Event| {
        if absence.is_news(&event)
            && let Some(notice) = notice(&event)
        {
            speaker.aside(&crate::event::Event::Notice(notice));
        }
        if debug {
            speaker.error_line(&format!("DEBUG: {}", trace(&event)));
        }
    });
    let (files, host) = (cx.settings.files.clone(), endpoint.authority());
    let keeper = Arc::new(move |session: &str| {
        // The session serves this run all the same; the next one asks for another.
        drop(files.store_session(&host, &session.into()));
    });
    let limits = *cx.limits();
    Rack::new(Client::new(endpoint, Options { limits, trust, listener, keeper }))
}

/// What the endpoint's certificate is held against.
fn trust(cx: &Context, endpoint: &Endpoint) -> Result<Trust, Failure> {
    if endpoint.url.scheme() != "https" {
        return Ok(Trust::Platform);
    }
    if cx.globals.insecure {
        cx.warn(format!("the certificate of {} is not verified (--insecure)", endpoint.address()));
        return Ok(Trust::Anything);
    }
    if let Some(fingerprint) = cx.settings.variables.trust {
        return Ok(Trust::Pinned(fingerprint, PinnedBy::Variable));
    }
    if let Some(pin) = cx.settings.files.pin(&endpoint.address()).map_err(Failure::new)? {
        return Ok(Trust::Pinned(pin, PinnedBy::Login));
    }
    Ok(cx.settings.variables.ca_cert.clone().map_or(Trust::Platform, Trust::Authority))
}

/// What is worth telling without `--debug`.
fn notice(event: &Event) -> Option<String> {
    match event {
        Event::Retrying { call, why, budget } => {
            let budget = words::minutes(budget.as_secs());
            Some(format!("{call} failed ({why}); trying again for up to {budget}"))
        }
        Event::Looking { call, why } => {
            Some(format!("the answer to {call} was lost ({why}); looking what became of it"))
        }
        Event::SentAgain { call } => Some(format!(
            "{call} was sent again; if the first one got through late, there is an extra build or \
             release that nothing promotes, see: convox builds, convox releases"
        )),
        _ => None,
    }
}

/// A line for each request and socket.
fn trace(event: &Event) -> String {
    let again = |attempt: u32| match attempt {
        1 => String::new(),
        attempt => format!(", attempt {attempt}"),
    };
    match event {
        Event::Answered { call, status, bytes, took, attempt } => {
            let bytes = bytes.map_or(String::new(), |bytes| format!(", {bytes} bytes"));
            format!("{call} {status}{bytes}, {} ms{}", took.as_millis(), again(*attempt))
        }
        Event::Failed { call, why, took, attempt } => {
            format!("{call} failed: {why}, {} ms{}", took.as_millis(), again(*attempt))
        }
        Event::Retrying { call, .. } => format!("{call} is being repeated"),
        Event::Looking { call, .. } => format!("{call} is being looked for"),
        Event::SentAgain { call } => format!("{call} was sent again"),
        Event::SocketOpened { call, took } => {
            format!("socket {call} opened, {} ms", took.as_millis())
        }
        Event::SocketClosed { call, why, bytes } => {
            format!("socket {call} closed: {why}, {bytes} bytes")
        }
    }
}

impl Connection {
    /// Brings what `racks` shows of a direct rack up to date. Nothing depends on it, so failures
    /// are left alone.
    pub(super) async fn remember(&self, cx: &Context) {
        let Some(name) = &self.direct else { return };
        let now = cx.clock.now().into();
        if !cx.settings.files.rack_meta_is_stale(name, META_AGE, now) {
            return;
        }
        let Ok(Ok(system)) = timeout(META_TIME, self.rack.system()).await else { return };
        let meta = RackMeta { provider: system.provider, status: system.status.to_string() };
        drop(cx.settings.files.store_rack_meta(name, &meta));
    }
}
