//! The development rack, started when it is asked for.

use std::ffi::OsString;
use std::path::PathBuf;

use super::Context;
use crate::outcome::CommandError;
use crate::settings::{ExposeSecret, RackUrl};
use convox_devrack::daemon::{self, Address, Status};
use convox_devrack::runner::BaseEnvironment;

/// What the program is told when it is started as the rack.
pub(crate) const AS_DAEMON: [&str; 3] = ["rack", "start", "--as-daemon"];

/// The address of the development rack, which is started in the background where it is not
/// running.
pub(super) async fn running(cx: &Context) -> Result<RackUrl, CommandError> {
    let data = data_folder(cx)?;
    let address = match daemon::status(&data).await.map_err(CommandError::new)? {
        Status::Running { address, .. } => address,
        _ => {
            cx.notice("starting the development rack (convox rack stop ends it)");
            cx.started_rack.set(true);
            start(cx).await?
        }
    };
    url(&address)
}

/// Starts the rack in the background, or finds it running.
pub(crate) async fn start(cx: &Context) -> Result<Address, CommandError> {
    let data = data_folder(cx)?;
    let program = cx.settings.program().ok_or_else(|| {
        CommandError::new("the path of this program is not known")
            .hint("start the rack with: convox rack start")
    })?;
    let arguments = AS_DAEMON.map(OsString::from);
    let log = data.join("rack.log");
    daemon::start_detached(&data, program, &arguments, &log).await.map_err(CommandError::new)
}

fn url(address: &Address) -> Result<RackUrl, CommandError> {
    let host = format!("127.0.0.1:{}", address.port);
    let text = format!("http://convox:{}@{host}", address.password.expose_secret());
    text.parse().map_err(CommandError::new)
}

/// What the rack is doing; `None` before its data folder exists.
pub(super) async fn status(cx: &Context) -> Result<Option<&'static str>, CommandError> {
    let Some(data) = cx.settings.data_dir().filter(|data| data.exists()) else {
        return Ok(None);
    };
    Ok(Some(match daemon::status(&data).await.map_err(CommandError::new)? {
        Status::Running { .. } => "running",
        Status::NotAnswering { .. } => "starting",
        Status::Stopped => "stopped",
    }))
}

/// Where it keeps everything.
pub(crate) fn data_folder(cx: &Context) -> Result<PathBuf, CommandError> {
    cx.settings.data_dir().ok_or_else(|| {
        CommandError::new("no home folder is known, so there is no place for the development rack")
            .hint("set CONVOX_DATA to a folder")
    })
}

/// What apps get of our environment, besides their own variables.
pub(crate) fn base_environment(cx: &Context) -> BaseEnvironment {
    let variables = &cx.settings.env;
    BaseEnvironment {
        path: variables.path.clone().unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into()),
        home: variables.home.clone().unwrap_or_else(|| "/".into()).into_os_string(),
        lang: variables.lang.clone(),
        tmpdir: variables.tmpdir.clone().map(PathBuf::into_os_string),
    }
}
