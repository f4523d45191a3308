//! The development rack, started when it is asked for.

use std::ffi::OsString;
use std::path::PathBuf;

pub(crate) use crate::signals::shutdown_requested;

use super::Context;
use crate::error::{CommandError, Hint};
use crate::settings::{ExposeSecret, RackUrl};
use convox_client::rack::Endpoint;
use convox_devrack::daemon::{self, Address, Status};
use convox_devrack::runner::BaseEnvironment;

/// The arguments that start this program as the rack.
pub(crate) const AS_DAEMON: [&str; 3] = ["rack", "start", "--as-daemon"];

/// Returns the endpoint of the development rack, which is started in the background if it is not
/// running: its Unix-domain socket, or its port and password if the path of that is too long.
pub(super) async fn running(cx: &Context) -> Result<Endpoint, CommandError> {
    let data = data_dir(cx)?;
    let address = match daemon::status(&data).await? {
        Status::Running { address, .. } => address,
        _ if !cx.starts_rack => {
            return Err(CommandError::new("the development rack is not running")
                .hint(Hint::command("start it with", "rack start").arg("--detach"))
                .hint("commands that change something start it by themselves"));
        }
        _ => {
            cx.notice_with(
                "starting the development rack",
                [Hint::command("stop it with", "rack stop")],
            );
            cx.started_rack.set(true);
            start(cx).await?
        }
    };
    match daemon::socket(&data) {
        Some(socket) => Ok(Endpoint::unix(socket)?),
        None => Ok(Endpoint::from(&url(&address)?)),
    }
}

/// Starts the rack in the background, or finds it running.
pub(crate) async fn start(cx: &Context) -> Result<Address, CommandError> {
    let data = data_dir(cx)?;
    let program = cx.settings.program().ok_or_else(|| {
        CommandError::new("the path of this program is not known")
            .hint(Hint::command("start the rack with", "rack start"))
    })?;
    let arguments = AS_DAEMON.map(OsString::from);
    let log = data.join("rack.log");
    daemon::start_detached(&data, program, &arguments, &log).await.map_err(CommandError::from)
}

fn url(address: &Address) -> Result<RackUrl, CommandError> {
    let host = format!("127.0.0.1:{}", address.port);
    let text = format!("http://convox:{}@{host}", address.password.expose_secret());
    text.parse().map_err(CommandError::from)
}

/// The status of the rack; `None` before its data directory exists.
pub(super) async fn status(cx: &Context) -> Result<Option<&'static str>, CommandError> {
    let Some(data) = cx.settings.data_dir().filter(|data| data.exists()) else {
        return Ok(None);
    };
    Ok(Some(match daemon::status(&data).await? {
        Status::Running { .. } => "running",
        Status::NotAnswering { .. } => "starting",
        Status::Stopped | Status::Killed { .. } => "stopped",
    }))
}

/// The data directory of the rack.
pub(crate) fn data_dir(cx: &Context) -> Result<PathBuf, CommandError> {
    cx.settings.data_dir().ok_or_else(|| {
        CommandError::new(
            "no home directory is known, so there is no place for the development rack",
        )
        .hint("set CONVOX_DATA to a directory")
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
        build: variables.build.clone(),
    }
}
