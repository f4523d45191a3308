//! A process that is started for one command, with its output and input attached.

use std::time::Duration;

use super::notify_unavailable;
use super::session::{AttachError, attach, window_size};
use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::signals;
use convox_client::rack::{ExecOptions, ExitCode, Rack, RunOptions};
use convox_client::wait::until;
use convox_wire::{AppName, ProcessId, ProcessStatus, ServiceName};

/// How long a process may take to start.
const STARTS_WITHIN: Duration = Duration::from_secs(5 * 60);
/// How long stopping the process may take when the command ends.
const STOPS_WITHIN: Duration = Duration::from_secs(30);

/// A command and the process to run it in.
pub(crate) struct OneOff {
    /// The service.
    pub(crate) service: ServiceName,
    /// The command line.
    pub(crate) command: String,
    /// Whether it goes through the image's entrypoint.
    pub(crate) entrypoint: bool,
    /// The process. Its own command waits for the real one.
    pub(crate) options: RunOptions,
}

impl OneOff {
    /// Starts the process, runs the command and stops the process on every way out. Returns the
    /// exit code of the command, if it has one.
    pub(crate) async fn run(
        self,
        cx: &Context,
        rack: &Rack,
        app: &AppName,
    ) -> Result<Option<ExitCode>, CommandError> {
        let options = RunOptions { size: window_size(cx), ..self.options.clone() };
        // From here on there is a process to stop, whatever happens.
        let _claim = signals::claim();
        let process = rack.start_process(app, &self.service, &options).await?.id;
        let attached = Attached { cx, rack, app, process: &process };
        let ended = attached.run(&self).await;
        let stopped = attached.stop().await;
        ended.map_err(|error| {
            let stopped = stopped.then(|| format!("process {process} has been stopped").into());
            error.into_command_error(stopped.into_iter().collect())
        })
    }
}

/// A process that waits for its command.
struct Attached<'a> {
    cx: &'a Context,
    rack: &'a Rack,
    app: &'a AppName,
    process: &'a ProcessId,
}

impl Attached<'_> {
    async fn run(&self, one_off: &OneOff) -> Result<Option<ExitCode>, AttachError> {
        tokio::select! {
            started = self.started() => started?,
            signal = signals::received() => return Err(AttachError::Ended(signal)),
        }
        let options = ExecOptions {
            command: one_off.command.clone(),
            entrypoint: Some(one_off.entrypoint),
            size: window_size(self.cx),
            no_tty: !self.cx.ui.can_ask(),
            no_stdin: false,
        };
        let session = tokio::select! {
            session = self.rack.exec(self.app, self.process, &options) => session?,
            signal = signals::received() => return Err(AttachError::Ended(signal)),
        };
        attach(self.cx, session).await
    }

    /// Waits until the process runs.
    async fn started(&self) -> Result<(), CommandError> {
        let rack = self.rack.without_retries();
        let away = notify_unavailable(self.cx);
        let started = until(self.cx.polls(STARTS_WITHIN), away, async |_| {
            let process = rack.process(self.app, self.process).await?;
            Ok((process.status == ProcessStatus::Running).then_some(()))
        });
        Ok(started.await?)
    }

    /// Stops the process, and returns whether it is certain that it no longer runs. A second signal
    /// ends that too.
    async fn stop(&self) -> bool {
        let stop = self.rack.stop_process(self.app, self.process);
        let stopped = tokio::select! {
            stopped = tokio::time::timeout(STOPS_WITHIN, stop) => stopped.ok(),
            _ = signals::received() => None,
        };
        match stopped {
            Some(Ok(())) => true,
            // It has ended by itself.
            Some(Err(error)) if error.status() == Some(404) => true,
            _ => {
                let hint = Hint::command("stop it with", "ps stop").arg(self.process);
                let text = format!("process {} may still be running", self.process);
                self.cx.warn_with(text, [hint]);
                false
            }
        }
    }
}
