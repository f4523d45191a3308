use serde::Serialize;

use super::remote_command;
use crate::context::Context;
use crate::error::CommandError;
use crate::flows::one_off::OneOff;
use crate::outcome::Outcome;
use convox_client::rack::{ExitCode, Rack, RunOptions};
use convox_wire::{AppName, ProcessId, ReleaseId, ServiceName};

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
    let one_off = OneOff {
        service: args.service.clone(),
        command: remote_command(&args.command),
        entrypoint: args.entrypoint,
        options: args.options(format!("sleep {}", args.timeout)),
    };
    let code = one_off.run(cx, &rack, &app).await?;
    Ok(Outcome::streamed().with_remote_exit(code.map_or(0, ExitCode::status)))
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
