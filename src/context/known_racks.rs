//! The racks that are configured: on this machine, at the console, and the development rack.

use secrecy::ExposeSecret;

use super::Context;
use crate::error::CommandError;
use crate::programs::terraform;
use crate::settings::{LocalForm, LocalRack, RackKind, RackUrl};
use convox_client::rack::ConsoleRack;

/// A rack that a name may mean.
#[derive(Debug, Clone)]
pub(crate) struct KnownRack {
    /// Its full name.
    pub(crate) name: String,
    /// For example `aws`; `unknown` where nobody could say.
    pub(crate) provider: String,
    /// In the words of who told.
    pub(crate) status: String,
    /// How it is reached.
    pub(crate) reach: Access,
}

/// How a rack is reached.
#[derive(Debug, Clone)]
pub(crate) enum Access {
    /// At this address; the name is that of its file.
    Direct(RackUrl),
    /// At the address that Terraform gives; none until it is installed.
    Terraform(Option<RackUrl>),
    /// Through the console.
    Console,
    /// It is built in.
    Dev,
}

const UNKNOWN: &str = "unknown";

impl KnownRack {
    /// Its kind, as `switch` stores it.
    pub(crate) fn kind(&self) -> RackKind {
        match self.reach {
            Access::Direct(_) => RackKind::Direct,
            Access::Terraform(_) => RackKind::Terraform,
            Access::Console => RackKind::Console,
            Access::Dev => RackKind::Dev,
        }
    }
}

/// The racks on this machine, Terraform's first, each group by name; unusable ones are left out with
/// a warning.
pub(crate) fn local(cx: &Context) -> Result<Vec<KnownRack>, CommandError> {
    let racks = cx.settings.config.racks()?;
    let mut known: Vec<KnownRack> = racks
        .iter()
        .filter_map(|rack| {
            let unusable = |error: CommandError| {
                cx.warn(format!("rack {}: {}", rack.name, error.message()));
            };
            one(cx, rack).map_err(unusable).ok()
        })
        .collect();
    known.sort_by_key(|rack| (!matches!(rack.reach, Access::Terraform(_)), rack.name.clone()));
    Ok(known)
}

/// What is known of a rack of this machine.
pub(super) fn one(cx: &Context, rack: &LocalRack) -> Result<KnownRack, CommandError> {
    let name = rack.name.clone();
    match &rack.form {
        LocalForm::Direct(_) => {
            let Some(address) = rack.address()? else {
                return Err(CommandError::new("it has no address"));
            };
            let meta = cx.settings.config.rack_meta(&name);
            let (provider, status) =
                meta.map_or((UNKNOWN.into(), UNKNOWN.into()), |meta| (meta.provider, meta.status));
            Ok(KnownRack { name, provider, status, reach: Access::Direct(address) })
        }
        LocalForm::Terraform(folder) => {
            let outputs = terraform::outputs(folder)?;
            let api = outputs.api.as_ref().map(|api| api.expose_secret().parse());
            let api: Option<RackUrl> = api.transpose()?;
            let status = match &api {
                _ if rack.is_locked() => "updating",
                Some(_) => "running",
                None => UNKNOWN,
            };
            let provider = outputs.provider.unwrap_or_else(|| UNKNOWN.into());
            Ok(KnownRack { name, provider, status: status.into(), reach: Access::Terraform(api) })
        }
    }
}

/// The console's racks. A console that cannot be reached has none, and a warning says so; a login
/// that it does not accept (any more) is a failure.
pub(crate) async fn at_console(cx: &Context) -> Result<Vec<KnownRack>, CommandError> {
    let Some(console) = super::connection::console(cx)? else { return Ok(Vec::new()) };
    match console.console_racks().await {
        Ok(racks) => Ok(racks.iter().map(from_console).collect()),
        Err(error) if error.is_login_failure() => Err(error.into()),
        Err(error) => {
            cx.warn(format!("the console does not tell its racks: {error}"));
            Ok(Vec::new())
        }
    }
}

/// A rack of the console, as it tells it.
pub(super) fn from_console(rack: &ConsoleRack) -> KnownRack {
    KnownRack {
        name: rack.full_name().to_string(),
        provider: rack.provider().unwrap_or(UNKNOWN).to_owned(),
        status: rack.status().unwrap_or(UNKNOWN).to_owned(),
        reach: Access::Console,
    }
}

/// All but the development rack.
pub(crate) async fn configured(cx: &Context) -> Result<Vec<KnownRack>, CommandError> {
    let mut racks = local(cx)?;
    let direct = racks.iter().position(|rack| !matches!(rack.reach, Access::Terraform(_)));
    racks.extend(at_console(cx).await?);
    // Terraform's racks first, then the others, each group by name.
    let others = direct
        .unwrap_or(racks.iter().filter(|rack| matches!(rack.reach, Access::Terraform(_))).count());
    racks[others..].sort_by(|one, other| one.name.cmp(&other.name));
    Ok(racks)
}

/// The development rack, once its data folder exists; a configured rack that `dev` means hides it.
pub(crate) async fn dev(cx: &Context) -> Result<Option<KnownRack>, CommandError> {
    let Some(status) = super::dev::status(cx).await? else { return Ok(None) };
    let (name, provider, status) = ("dev".to_owned(), "dev".to_owned(), status.to_owned());
    Ok(Some(KnownRack { name, provider, status, reach: Access::Dev }))
}
