//! The development rack, started when it is asked for.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use crate::signals::shutdown_requested;

use super::transport_events::Listener;
use super::{Context, Severity, Ui};
use crate::error::{CommandError, Hint};
use convox_client::rack::Endpoint;
use convox_client::transport::{Event, LocalSocket};
use convox_devrack::daemon::{self, Address, DaemonError, Status};
use convox_devrack::runner::BaseEnvironment;

/// The arguments that start this program as the rack.
pub(crate) const AS_DAEMON: [&str; 3] = ["rack", "start", "--as-daemon"];

/// Returns the endpoint of the development rack, its Unix-domain socket. The rack is started in the
/// background if it is not running.
pub(super) async fn running(cx: &Context) -> Result<Endpoint, CommandError> {
    let data = data_dir(cx)?;
    match daemon::status(&data).await? {
        Status::Running { .. } => (),
        _ if !cx.starts_rack() => {
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
            start(cx, None).await?;
        }
    }
    cx.uses_dev_rack.set(true);
    let owner = rustix::process::geteuid().as_raw();
    Ok(Endpoint::unix(LocalSocket { path: daemon::socket(&data)?, owner })?)
}

/// Returns a listener that also starts the rack again if it dies while this command changes
/// something. A rack that was stopped stays stopped.
pub(super) fn reviving(cx: &Context, listener: Listener) -> Result<Listener, CommandError> {
    let (Some(program), true) = (cx.settings.program(), cx.starts_rack()) else {
        return Ok(listener);
    };
    let (data, program, ui) = (data_dir(cx)?, program.to_owned(), cx.ui.clone());
    let is_starting = Arc::new(AtomicBool::new(false));
    Ok(Arc::new(move |event: Event| {
        let is_failure = matches!(event, Event::Failed { .. } | Event::SocketClosed { .. });
        listener(event);
        if !is_failure || is_starting.swap(true, Ordering::Relaxed) {
            return;
        }
        let (data, program, ui) = (data.clone(), program.clone(), ui.clone());
        let is_starting = Arc::clone(&is_starting);
        tokio::spawn(async move {
            if let Err(error) = revive(&data, &program, &ui).await {
                let failure = CommandError::from(error);
                ui.notice(Severity::Warning, &failure.message(), failure.hints());
            }
            is_starting.store(false, Ordering::Relaxed);
        });
    }))
}

async fn revive(data: &Path, program: &Path, ui: &Ui) -> Result<(), DaemonError> {
    if daemon::has_died(data)? {
        ui.notice(Severity::Notice, "the development rack has died; starting it again", &[]);
        daemon::start_detached(data, program, &AS_DAEMON.map(Into::into), &log_file(data)).await?;
    }
    Ok(())
}

fn log_file(data: &Path) -> PathBuf {
    data.join("rack.log")
}

/// Starts the rack in the background, or finds it running. With `listen` it also listens on this
/// address.
///
/// # Errors
/// The rack cannot be started, or is running and does not listen on this address.
pub(crate) async fn start(
    cx: &Context,
    listen: Option<SocketAddr>,
) -> Result<Option<Address>, CommandError> {
    let data = data_dir(cx)?;
    let program = program(cx)?;
    let mut arguments: Vec<OsString> = AS_DAEMON.map(OsString::from).into();
    if let Some(listen) = listen {
        arguments.extend(["--listen".into(), listen.to_string().into()]);
    }
    let address = daemon::start_detached(&data, program, &arguments, &log_file(&data)).await?;
    match listen {
        Some(listen) if !address.as_ref().is_some_and(|address| serves(address, listen)) => {
            Err(CommandError::new(format!(
                "the development rack is running, and does not listen on {listen}"
            ))
            .hint(Hint::command("stop it first with", "rack stop")))
        }
        _ => Ok(address),
    }
}

/// The path of this program, to start it again.
pub(crate) fn program(cx: &Context) -> Result<&Path, CommandError> {
    cx.settings.program().ok_or_else(|| {
        CommandError::new("the path of this program is not known")
            .hint(Hint::command("start the rack with", "rack start"))
    })
}

/// Whether an address is the requested one. Port 0 requests any port.
fn serves(address: &Address, requested: SocketAddr) -> bool {
    address.socket.ip() == requested.ip()
        && (requested.port() == 0 || address.socket.port() == requested.port())
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
        servers: convox_devrack::server_directories(),
    }
}
