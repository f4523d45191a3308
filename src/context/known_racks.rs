//! The configured racks: on this machine, at the console, and the development rack.

use chrono::TimeDelta;
use secrecy::ExposeSecret;

use super::{Context, connection};
use crate::error::CommandError;
use crate::output::humanize;
use crate::programs::terraform;
use crate::settings::{
    CachedRack, Choice, ConsoleRacks, LocalForm, LocalRack, NoMatch, RackKind, RackUrl, match_rack,
};
use convox_client::rack::{Console, ConsoleRack, Error};

/// A configured rack and what is known of it.
#[derive(Debug, Clone)]
pub(crate) struct KnownRack {
    /// Its full name.
    pub(crate) name: String,
    /// For example `aws`, or `unknown`.
    pub(crate) provider: String,
    /// For example `running`, or `unknown`.
    pub(crate) status: String,
    /// How it is reached.
    pub(crate) access: Access,
}

/// How a rack is reached.
#[derive(Debug, Clone)]
pub(crate) enum Access {
    /// At this address, from a file of the rack's name.
    Direct(RackUrl),
    /// At the address that Terraform outputs; `None` until the rack is installed.
    Terraform(Option<RackUrl>),
    /// Through the console.
    Console,
    /// It is built in.
    Dev,
}

/// A configured rack by its name alone: nothing was run or requested to find out more.
#[derive(Debug, Clone)]
pub(crate) enum NamedRack {
    /// On this machine.
    Local(LocalRack),
    /// At the console.
    Console(CachedRack),
}

/// The rack that a name stands for.
#[derive(Debug, Clone)]
pub(crate) enum Found {
    /// A configured rack.
    Configured(NamedRack),
    /// The development rack.
    Dev,
}

const UNKNOWN: &str = "unknown";

/// The age up to which the cached list of a console decides what a part of a name stands for.
const LIST_AGE: TimeDelta = TimeDelta::days(1);

impl NamedRack {
    /// Its full name.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Local(rack) => &rack.name,
            Self::Console(rack) => &rack.name,
        }
    }

    /// Its kind, as `switch` stores it.
    pub(crate) fn kind(&self) -> RackKind {
        match self {
            Self::Local(rack) => rack.kind(),
            Self::Console(_) => RackKind::Console,
        }
    }
}

/// Finds the rack that a name stands for. The console is asked only for a name that is not known
/// here, and for a part of a name unless its list was read recently.
pub(crate) async fn find(cx: &Context, name: &str) -> Result<Found, CommandError> {
    let cached = cached_list(cx)?;
    let is_recent = cached.as_ref().is_some_and(|list| cx.clock.now() - list.read_at < LIST_AGE);
    let known = named_racks(cx, cached.map(|list| list.racks).unwrap_or_default())?;
    let found = match_name(name, &known);
    let is_certain = match &found {
        Ok(Found::Dev) => true,
        Ok(Found::Configured(rack)) => is_recent || rack.name() == name,
        Err(_) => false,
    };
    if is_certain || name == "dev" {
        return Ok(found?);
    }
    let Some(console) = connection::console(cx)? else { return Ok(found?) };
    match read_list(cx, &console).await {
        Ok(racks) => Ok(match_name(name, &named_racks(cx, racks)?)?),
        Err(error) if error.is_no_session() => Err(error.into()),
        Err(error) if found.is_err() && error.is_login_failure() => Err(error.into()),
        Err(error) => {
            warn_of_console(cx, error, None);
            Ok(found?)
        }
    }
}

/// Finds a rack of the console by its full name, without a request if the list is cached.
pub(super) async fn find_at_console(
    cx: &Context,
    name: &str,
) -> Result<Option<CachedRack>, CommandError> {
    let by_name = |racks: Vec<CachedRack>| racks.into_iter().find(|rack| rack.name == name);
    if let Some(rack) = cached_list(cx)?.and_then(|list| by_name(list.racks)) {
        return Ok(Some(rack));
    }
    let Some(console) = connection::console(cx)? else {
        let error = CommandError::new(format!("no such console rack: {name}"));
        return Err(error.hint(connection::log_in()));
    };
    Ok(by_name(read_list(cx, &console).await?))
}

fn match_name(name: &str, racks: &[NamedRack]) -> Result<Found, NoMatch> {
    Ok(match match_rack(name, racks, NamedRack::name)? {
        Choice::Configured(rack) => Found::Configured(rack.clone()),
        Choice::Dev => Found::Dev,
    })
}

fn named_racks(cx: &Context, at_console: Vec<CachedRack>) -> Result<Vec<NamedRack>, CommandError> {
    let local = cx.settings.config.racks()?.into_iter().map(NamedRack::Local);
    Ok(local.chain(at_console.into_iter().map(NamedRack::Console)).collect())
}

/// Returns the cached list of the console that is used.
fn cached_list(cx: &Context) -> Result<Option<ConsoleRacks>, CommandError> {
    let host = cx.settings.console_host()?;
    Ok(host.and_then(|host| cx.settings.config.console_racks(&host)))
}

/// Reads the list from the console and caches it.
async fn read_list(cx: &Context, console: &Console) -> Result<Vec<CachedRack>, Error> {
    let racks: Vec<_> = console.racks().await?.iter().map(cached_rack).collect();
    let list = ConsoleRacks { read_at: cx.clock.now(), racks: racks.clone() };
    // Without the cache, the next command asks the console again.
    if let Ok(Some(host)) = cx.settings.console_host()
        && let Ok(Some(writer)) = cx.settings.config.try_lock()
    {
        let _ = writer.store_console_racks(&host, list);
    }
    Ok(racks)
}

fn cached_rack(rack: &ConsoleRack) -> CachedRack {
    CachedRack {
        name: rack.full_name().to_string(),
        provider: rack.provider().unwrap_or(UNKNOWN).to_owned(),
        status: rack.status().unwrap_or(UNKNOWN).to_owned(),
    }
}

/// Warns that the console failed, and that a cached list is used instead, if there is one.
fn warn_of_console(cx: &Context, error: Error, cached: Option<&ConsoleRacks>) {
    let error = CommandError::from(error);
    let instead = cached.map_or(String::new(), |list| {
        format!("; showing its racks as of {}", humanize::ago(cx.clock.now(), list.read_at))
    });
    let text = format!("can't list the racks of the console: {}{instead}", error.message());
    cx.warn_with(text, error.hints());
}

/// Returns what is known of a rack. Runs terraform for a rack that it manages.
pub(super) fn inspect(cx: &Context, rack: &NamedRack) -> Result<KnownRack, CommandError> {
    match rack {
        NamedRack::Local(rack) => inspect_local(cx, rack),
        NamedRack::Console(rack) => Ok(from_console(rack.clone())),
    }
}

fn from_console(rack: CachedRack) -> KnownRack {
    let CachedRack { name, provider, status } = rack;
    KnownRack { name, provider, status, access: Access::Console }
}

fn inspect_local(cx: &Context, rack: &LocalRack) -> Result<KnownRack, CommandError> {
    let name = rack.name.clone();
    match &rack.form {
        LocalForm::Direct(_) => {
            let Some(address) = rack.address()? else {
                return Err(CommandError::new("it has no address"));
            };
            let meta = cx.settings.config.rack_meta(&name);
            let (provider, status) =
                meta.map_or((UNKNOWN.into(), UNKNOWN.into()), |meta| (meta.provider, meta.status));
            Ok(KnownRack { name, provider, status, access: Access::Direct(address) })
        }
        LocalForm::Terraform(dir) => {
            let outputs = terraform::outputs(dir)?;
            let api = outputs.api.as_ref().map(|api| api.expose_secret().parse());
            let api: Option<RackUrl> = api.transpose()?;
            let status = match &api {
                _ if rack.is_locked() => "updating",
                Some(_) => "running",
                None => UNKNOWN,
            };
            let provider = outputs.provider.unwrap_or_else(|| UNKNOWN.into());
            Ok(KnownRack { name, provider, status: status.into(), access: Access::Terraform(api) })
        }
    }
}

/// The racks that `racks` lists besides the development rack: Terraform's first, then the others,
/// each group by name. Unusable ones are left out with a warning. If the console fails, its racks
/// are listed as they were last time.
///
/// # Errors
/// The settings can't be read, or the console refuses the login and no rack is known otherwise.
pub(crate) async fn list(cx: &Context) -> Result<Vec<KnownRack>, CommandError> {
    let mut racks = Vec::new();
    for rack in cx.settings.config.racks()? {
        match inspect_local(cx, &rack) {
            Ok(rack) => racks.push(rack),
            Err(error) => {
                cx.warn_with(format!("rack {}: {}", rack.name, error.message()), error.hints());
            }
        }
    }
    if let Some(console) = connection::console(cx)? {
        let may_fail = racks.is_empty();
        racks.extend(list_console(cx, &console, may_fail).await?.into_iter().map(from_console));
    }
    racks.sort_by_key(|rack| (!matches!(rack.access, Access::Terraform(_)), rack.name.clone()));
    Ok(racks)
}

/// Returns the console's racks, or the cached ones if it fails. A session that is required and not
/// given is a failure, and so is a refused login if nothing else is known: an empty list would be
/// misleading.
async fn list_console(
    cx: &Context,
    console: &Console,
    may_fail: bool,
) -> Result<Vec<CachedRack>, CommandError> {
    let error = match read_list(cx, console).await {
        Ok(racks) => return Ok(racks),
        Err(error) => error,
    };
    if error.is_no_session() {
        return Err(error.into());
    }
    let cached = cached_list(cx)?;
    if may_fail && error.is_login_failure() && cached.is_none() {
        return Err(error.into());
    }
    warn_of_console(cx, error, cached.as_ref());
    Ok(cached.map(|list| list.racks).unwrap_or_default())
}

/// The names of the racks, the development rack's included, without asking a console.
///
/// # Errors
/// The settings can't be read.
pub(crate) fn names(cx: &Context) -> Result<Vec<String>, CommandError> {
    let at_console = cached_list(cx)?.map(|list| list.racks).unwrap_or_default();
    let mut names: Vec<_> =
        named_racks(cx, at_console)?.iter().map(|rack| rack.name().to_owned()).collect();
    if !names.iter().any(|name| name == "dev") {
        names.push("dev".to_owned());
    }
    Ok(names)
}

/// Reads the list of the console again, if one is known, for the commands that follow.
///
/// # Errors
/// The console can't be reached or refuses the login.
pub(crate) async fn refresh(cx: &Context) -> Result<(), CommandError> {
    if let Some(console) = connection::console(cx)? {
        read_list(cx, &console).await?;
    }
    Ok(())
}

/// Returns the development rack, if its data directory exists. Warns if the directory is unusable.
pub(crate) async fn dev(cx: &Context) -> Option<KnownRack> {
    let status = match super::dev::status(cx).await {
        Ok(status) => status?,
        Err(error) => {
            cx.warn_with(format!("the development rack: {}", error.message()), error.hints());
            UNKNOWN
        }
    };
    let (name, provider, status) = ("dev".to_owned(), "dev".to_owned(), status.to_owned());
    Some(KnownRack { name, provider, status, access: Access::Dev })
}
