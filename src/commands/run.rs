use std::time::Duration;

use serde::Serialize;

use super::remote_command;
use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::flows::notify_unavailable;
use crate::flows::session::{attach, window_size};
use crate::outcome::Outcome;
use crate::signals;
use convox_client::rack::{ExecOptions, ExitCode, Rack, RunOptions};
use convox_client::wait::until;
use convox_wire::{AppName, ProcessId, ProcessStatus, ReleaseId, ServiceName};

/// How long a process may take to start.
const STARTS_WITHIN: Duration = Duration::from_secs(5 * 60);
/// How long stopping the process may take when the command ends.
const STOPS_WITHIN: Duration = Duration::from_secs(30);

/// Run a command in a new process
///
/// The process is started for the command, and stopped when the command or this program ends. On a
/// terminal every key goes to the command, Ctrl-C too. The exit code is that of the command. With
/// --detach the command runs on its own, and its output is in the app's log.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox run web sh\n  \
                        convox run web --detach -- rake db:migrate")]
pub(crate) struct Args {
    /// Service whose release, variables and image the process gets
    #[arg(value_name = "SERVICE")]
    service: ServiceName,
    /// The command and its arguments
    #[arg(value_name = "COMMAND", required = true, num_args = 1.., trailing_var_arg = true)]
    #[arg(allow_hyphen_values = true)]
    command: Vec<String>,
    /// Do not wait for the command
    #[arg(short, long)]
    detach: bool,
    /// Stop the process after this many seconds
    #[arg(short, long, value_name = "SECONDS", default_value_t = 3600)]
    timeout: u32,
    /// Run the command through the image's entrypoint; --entrypoint=false bypasses it
    #[arg(short, long, value_name = "BOOL", num_args = 0..=1, require_equals = true)]
    #[arg(default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    entrypoint: bool,
    /// Release to run, instead of the active one
    #[arg(long, value_name = "RELEASE")]
    release: Option<ReleaseId>,
    #[command(flatten)]
    resources: Resources,
}

/// What the process may use.
#[derive(clap::Args)]
struct Resources {
    /// CPU, in thousandths of a core
    #[arg(long, value_name = "N")]
    cpu: Option<u32>,
    /// Most CPU, in thousandths of a core
    #[arg(long, value_name = "N")]
    cpu_limit: Option<u32>,
    /// Memory, in MB
    #[arg(long, value_name = "MB")]
    memory: Option<u32>,
    /// Most memory, in MB
    #[arg(long, value_name = "MB")]
    memory_limit: Option<u32>,
    /// Number of GPUs
    #[arg(long, value_name = "N")]
    gpu: Option<u32>,
    /// Vendor of the GPUs
    #[arg(long, value_name = "NAME")]
    gpu_vendor: Option<String>,
    /// Nodes to run on, as KEY=VALUE pairs joined by commas
    #[arg(long, value_name = "LABELS")]
    node_labels: Option<String>,
    /// Mount the volumes of the service
    #[arg(long)]
    use_service_volume: bool,
    /// Keep the process when the rack is short of resources
    #[arg(long)]
    system_critical: bool,
}

impl Args {
    fn options(&self, command: String) -> RunOptions {
        let Resources { cpu, cpu_limit, memory, memory_limit, gpu, .. } = self.resources;
        RunOptions {
            command: Some(command),
            release: self.release.clone(),
            cpu,
            cpu_limit,
            memory,
            memory_limit,
            gpu,
            gpu_vendor: self.resources.gpu_vendor.clone(),
            node_labels: self.resources.node_labels.clone(),
            use_service_volume: self.resources.use_service_volume.then_some(true),
            system_critical: self.resources.system_critical.then_some(true),
            ..RunOptions::default()
        }
    }
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let rack = cx.rack().await?;
    if args.detach {
        return detached(cx, &rack, &app, &args).await;
    }
    let size = window_size(cx);
    let options = RunOptions { size, ..args.options(format!("sleep {}", args.timeout)) };
    // From here on there is a process to stop, whatever happens.
    let _claim = signals::claim();
    let process = rack.start_process(&app, &args.service, &options).await?.id;
    let attached = Attached { cx, rack: &rack, app: &app, process: &process };
    let ended = attached.run(&args).await;
    attached.stop().await;
    Ok(Outcome::streamed().with_remote_exit(ended?.map_or(0, ExitCode::status)))
}

async fn detached(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    args: &Args,
) -> Result<Outcome, CommandError> {
    let options = args.options(remote_command(&args.command));
    let start = async { Ok(rack.start_process(app, &args.service, &options).await?.id) };
    let started = cx.step_with("Running detached process", start, |id| Some(id.to_string()));
    let process = started.await?;
    Ok(Outcome::json(Detached { process: process.clone() }).with_id(&process))
}

#[derive(Serialize)]
struct Detached {
    process: ProcessId,
}

/// A process that waits for its command.
struct Attached<'a> {
    cx: &'a Context,
    rack: &'a Rack,
    app: &'a AppName,
    process: &'a ProcessId,
}

impl Attached<'_> {
    async fn run(&self, args: &Args) -> Result<Option<ExitCode>, CommandError> {
        tokio::select! {
            started = self.started() => started?,
            signal = signals::received() => return Err(CommandError::ended(signal)),
        }
        let options = ExecOptions {
            command: remote_command(&args.command),
            entrypoint: Some(args.entrypoint),
            size: window_size(self.cx),
            no_tty: !self.cx.ui.can_ask(),
            no_stdin: false,
        };
        let session = tokio::select! {
            session = self.rack.exec(self.app, self.process, &options) => session?,
            signal = signals::received() => return Err(CommandError::ended(signal)),
        };
        attach(self.cx, session).await.map_err(|error| error.into_command_error(Vec::new()))
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

    /// Stops the process. A second signal ends that too.
    async fn stop(&self) {
        let stop = self.rack.stop_process(self.app, self.process);
        let stopped = tokio::select! {
            stopped = tokio::time::timeout(STOPS_WITHIN, stop) => stopped.ok(),
            _ = signals::received() => None,
        };
        match stopped {
            Some(Ok(())) => {}
            // It has ended by itself.
            Some(Err(error)) if error.status() == Some(404) => {}
            _ => {
                let hint = Hint::command("stop it with", "ps stop").arg(self.process);
                let text = format!("process {} may still be running", self.process);
                self.cx.warn_with(text, [hint]);
            }
        }
    }
}
