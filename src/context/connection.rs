//! Connecting to the rack that the settings name.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::known_racks::{self, Found, NamedRack};
use super::second_factor::Browser;
use super::{Access, Context, KnownRack, Severity, known_machines, transport_events};
use crate::args::Site;
use crate::error::{CommandError, Credentials, Hint};
use crate::settings::{
    CurrentRack, ExposeSecret, LocalForm, LocalRack, RackKind, RackMeta, RackUrl, Scheme, Target,
};
use convox_client::rack::{Client, Console, Endpoint, Options, Rack};
use convox_client::transport::{PinnedBy, Trust};
use convox_wire::RackName;

/// The time limit for refreshing the cached metadata of a direct rack.
const META_TIME: Duration = Duration::from_secs(2);

/// The racks whose versions are published in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Published {
    /// v3 racks: the releases of convox/convox, by the API of GitHub.
    V3,
    /// v2 racks: a list in S3.
    V2,
}

impl Published {
    fn address(self) -> &'static str {
        match self {
            Self::V3 => "https://api.github.com",
            Self::V2 => "https://convox.s3.amazonaws.com",
        }
    }
}

/// The rack of a run.
pub(super) struct Connection {
    pub(super) rack: Rack,
    /// The name of its file, if it is a direct rack that has one.
    direct: Option<String>,
}

/// The rack that the settings name.
enum ResolvedRack {
    Url(RackUrl),
    Dev,
    Named(NamedRack),
}

impl ResolvedRack {
    /// Where its password is; `None` if it is that of the console, or there is none.
    fn credentials(&self) -> Option<Credentials> {
        match self {
            Self::Url(_) => Some(Credentials::RackUrl),
            Self::Named(NamedRack::Local(rack)) => Some(match &rack.form {
                LocalForm::Direct(file) => Credentials::File(file.clone()),
                LocalForm::Terraform(dir) => Credentials::Terraform(dir.clone()),
            }),
            Self::Dev | Self::Named(NamedRack::Console(_)) => None,
        }
    }
}

/// Connects to the rack or machine that flags, variables and files name.
pub(super) async fn open(cx: &Context) -> Result<Connection, CommandError> {
    if let Site::Machine(name) = &cx.args.site {
        let rack = known_machines::rack(cx, name.as_ref()).await?;
        return Ok(Connection { rack, direct: None });
    }
    let rack = resolve(cx).await?;
    if let Some(credentials) = rack.credentials() {
        cx.ui.set_credentials(credentials);
    }
    match rack {
        ResolvedRack::Url(url) => direct(cx, &url, None),
        ResolvedRack::Dev => dev(cx).await,
        ResolvedRack::Named(rack) => connect(cx, &known_racks::inspect(cx, &rack)?).await,
    }
}

/// Who keeps the version and the parameters of a rack.
pub(crate) enum Manager {
    /// The console.
    Console {
        /// The console.
        console: Console,
        /// The rack's full name.
        name: RackName,
    },
    /// Terraform, on this machine.
    Terraform {
        /// The rack's name.
        name: String,
        /// The directory of its `main.tf`.
        dir: PathBuf,
    },
    /// The rack itself.
    Itself(Rack),
}

/// Finds out who manages the rack.
pub(super) async fn manager(cx: &Context) -> Result<Manager, CommandError> {
    match resolve(cx).await? {
        ResolvedRack::Named(NamedRack::Console(rack)) => {
            if let Some(console) = console(cx)? {
                return Ok(Manager::Console { console, name: RackName::from_rack(&rack.name) });
            }
        }
        ResolvedRack::Named(NamedRack::Local(LocalRack {
            name,
            form: LocalForm::Terraform(dir),
        })) => return Ok(Manager::Terraform { name, dir }),
        _ => {}
    }
    Ok(Manager::Itself(cx.rack().await?))
}

/// Returns the name of the rack, without sending it a request.
pub(super) async fn name(cx: &Context) -> Result<String, CommandError> {
    Ok(match resolve(cx).await? {
        ResolvedRack::Url(_) => "direct".to_owned(),
        ResolvedRack::Dev => "dev".to_owned(),
        ResolvedRack::Named(rack) => rack.name().to_owned(),
    })
}

/// Returns whether terraform has to run to find the rack's address, which takes seconds.
pub(super) async fn needs_terraform(cx: &Context) -> Result<bool, CommandError> {
    if cx.is_on_machine() {
        return Ok(false);
    }
    Ok(match resolve(cx).await? {
        ResolvedRack::Named(NamedRack::Local(rack)) => rack.kind() == RackKind::Terraform,
        _ => false,
    })
}

async fn resolve(cx: &Context) -> Result<ResolvedRack, CommandError> {
    match cx.settings.target(cx.args.site.rack().map(RackName::as_str))? {
        Target::Url(url) => Ok(ResolvedRack::Url(url)),
        Target::Dev => Ok(ResolvedRack::Dev),
        Target::Named(name) => Ok(match known_racks::find(cx, &name).await? {
            Found::Configured(rack) => ResolvedRack::Named(rack),
            Found::Dev => ResolvedRack::Dev,
        }),
        Target::Current(current) => current_rack(cx, &current).await,
    }
}

async fn current_rack(cx: &Context, current: &CurrentRack) -> Result<ResolvedRack, CommandError> {
    let CurrentRack { name, kind } = current;
    let found = match kind {
        RackKind::Console => known_racks::find_at_console(cx, name).await?.map(NamedRack::Console),
        RackKind::Dev => return Ok(ResolvedRack::Dev),
        RackKind::Direct | RackKind::Terraform => {
            on_this_machine(cx, current)?.map(NamedRack::Local)
        }
        RackKind::Other(kind) => {
            return Err(CommandError::new(format!("unknown rack type: {kind}")).hint(switch_rack()));
        }
    };
    found.map(ResolvedRack::Named).ok_or_else(|| {
        CommandError::new(format!("no such {kind} rack: {name}")).hint(switch_rack())
    })
}

fn on_this_machine(cx: &Context, current: &CurrentRack) -> Result<Option<LocalRack>, CommandError> {
    let racks = cx.settings.config.racks()?;
    Ok(racks.into_iter().find(|rack| rack.name == current.name && rack.kind() == current.kind))
}

async fn connect(cx: &Context, rack: &KnownRack) -> Result<Connection, CommandError> {
    match &rack.access {
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
    let mut endpoint = Endpoint::from(url);
    endpoint.actor = cx.settings.env.actor.clone();
    Ok(Connection { rack: Rack::new(Client::new(endpoint, options(cx, url)?)), direct: name })
}

fn through_console(cx: &Context, name: &str) -> Result<Connection, CommandError> {
    let Some(console) = console(cx)? else {
        return Err(CommandError::new("no console is known").hint(log_in()));
    };
    let rack = console.rack(&RackName::from_rack(name));
    Ok(Connection { rack, direct: None })
}

async fn dev(cx: &Context) -> Result<Connection, CommandError> {
    let endpoint = super::dev::running(cx).await?;
    let mut options = options_with(cx, endpoint.authority(), Trust::Platform);
    options.listener = super::dev::reviving(cx, options.listener)?;
    Ok(Connection { rack: Rack::new(Client::new(endpoint, options)), direct: None })
}

/// Returns the console, if one is known.
pub(super) fn console(cx: &Context) -> Result<Option<Console>, CommandError> {
    let Some(url) = cx.settings.console()? else { return Ok(None) };
    cx.ui.set_credentials(match cx.settings.env.password {
        Some(_) => Credentials::Variable(url.authority()),
        None => Credentials::Login(url.authority()),
    });
    if let Some(console) = cx.console.get() {
        return Ok(Some(console.clone()));
    }
    let mut endpoint = Endpoint::from(&url);
    let session = cx.settings.config.session(&url.authority())?;
    endpoint.session = Some(session.map_or(String::new(), |id| id.expose_secret().to_owned()));
    endpoint.actor = cx.settings.env.actor.clone();
    let options = with_second_factor(cx, &url, options(cx, &url)?);
    let console = Console::new(Client::new(endpoint, options));
    Ok(Some(cx.console.get_or_init(|| console).clone()))
}

/// Returns where the published versions of racks are listed. It gets no credentials.
pub(super) fn published(cx: &Context, racks: Published) -> Result<Rack, CommandError> {
    let url = match &cx.settings.env.releases_url {
        Some(url) => url.clone(),
        None => racks.address().parse()?,
    };
    Ok(Rack::new(Client::new(Endpoint::from(&url), options(cx, &url)?)))
}

/// Returns the console, or rack, to log in to. `trust` overrides how its certificate is verified.
pub(crate) fn login_target(
    cx: &Context,
    url: &RackUrl,
    trust: Option<Trust>,
) -> Result<Console, CommandError> {
    let options = match trust {
        Some(trust) => options_with(cx, url.authority(), trust),
        None => options(cx, url)?,
    };
    cx.ui.set_credentials(Credentials::Login(url.authority()));
    let options = with_second_factor(cx, url, options);
    Ok(Console::new(Client::new(Endpoint::from(url), options)))
}

fn with_second_factor(cx: &Context, url: &RackUrl, options: Options) -> Options {
    let browser = Browser::new(cx, url, options.clone());
    Options { authenticator: Some(Arc::new(browser)), ..options }
}

fn options(cx: &Context, url: &RackUrl) -> Result<Options, CommandError> {
    Ok(options_with(cx, url.authority(), trust(cx, url)?))
}

fn options_with(cx: &Context, host: String, trust: Trust) -> Options {
    let (config, ui) = (cx.settings.config.clone(), cx.ui.clone());
    let session_sink = Arc::new(move |session: &str| {
        let store = || match config.try_lock()? {
            Some(writer) => writer.store_session(&host, &session.into()),
            // The next run can create another one.
            None => Ok(()),
        };
        if let Err(error) = store() {
            let text = format!("the console's session is valid for this run only: {error}");
            ui.notice(Severity::Warning, &text, &[]);
        }
    });
    Options {
        limits: *cx.limits(),
        trust,
        listener: transport_events::listener(cx),
        session_sink,
        ..Options::default()
    }
}

fn switch_rack() -> Hint {
    Hint::command("choose a rack with", "switch").arg("RACK")
}

pub(super) fn log_in() -> Hint {
    Hint::command("log in to a console with", "login").arg("HOST")
}

/// Returns how the certificate at an address is verified.
fn trust(cx: &Context, url: &RackUrl) -> Result<Trust, CommandError> {
    if url.scheme() != Scheme::Https {
        return Ok(Trust::Platform);
    }
    if cx.args.insecure {
        cx.warn(format!("the certificate of {} is not verified (--insecure)", url.host_port()));
        return Ok(Trust::Insecure);
    }
    if let Some(fingerprint) = cx.settings.env.trust {
        return Ok(Trust::Pinned(fingerprint, PinnedBy::Variable));
    }
    if let Some(pin) = cx.settings.config.pin(&url.host_port())? {
        return Ok(Trust::Pinned(pin, PinnedBy::Login));
    }
    Ok(cx.settings.env.ca_cert.clone().map_or(Trust::Platform, Trust::CustomCa))
}

impl Connection {
    /// Refreshes the cached metadata of a direct rack, if it is stale. Nothing depends on it, so
    /// failures are ignored.
    pub(super) async fn refresh_metadata(&self, cx: &Context) {
        let Some(name) = &self.direct else { return };
        let config = &cx.settings.config;
        if !config.rack_meta_is_stale(name, cx.clock.now().into()) {
            return;
        }
        let Ok(Ok(system)) = timeout(META_TIME, self.rack.system()).await else { return };
        let meta = RackMeta { provider: system.provider, status: system.status.to_string() };
        if let Ok(Some(writer)) = config.try_lock() {
            let _ = writer.store_rack_meta(name, &meta);
        }
    }
}
