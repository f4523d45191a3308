use std::path::PathBuf;

use crate::context::Context;
use crate::error::{CommandError, ErrorKind, Hint};
use crate::event::Event;
use crate::flows::build::{self, Request};
use crate::flows::one_off::OneOff;
use crate::outcome::Outcome;
use convox_client::rack::{BuildOptions, ExitCode, Rack, RunOptions};
use convox_package::{ServiceTest, service_tests};
use convox_wire::{AppName, ReleaseId, ServiceName};

/// Build a directory and run the tests of its services
///
/// Each service with a `test` command in convox.yml is tested in a process of its own, in the order
/// of the manifest. The first test that fails ends the command, with the exit code of the test. The
/// release is not promoted.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox test\n  convox test --release RABCDEFGHIJ")]
pub(crate) struct Args {
    /// Directory to build
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Description of the build; defaults to the last git commit, if no tracked file has changed
    #[arg(short, long, value_name = "TEXT")]
    description: Option<String>,
    /// Test this release, and build nothing
    #[arg(long, value_name = "RELEASE")]
    release: Option<ReleaseId>,
    /// Stop a test after this many seconds
    #[arg(short, long, value_name = "SECONDS", default_value_t = 3600)]
    timeout: u32,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let (app, rack, id) = match args.release {
        Some(release) => (cx.app_of(&args.dir)?, cx.rack().await?, release),
        None => build(cx, args.dir, args.description).await?,
    };
    let release = rack.release(&app, &id).await?;
    let manifest = release.manifest.unwrap_or_default();
    let tests =
        service_tests(&release.env.interpolate(&manifest)).ok_or_else(|| unreadable(&app, &id))?;
    for test in tests {
        run_test(cx, &rack, &app, &id, test, args.timeout).await?;
    }
    Ok(Outcome::streamed())
}

fn unreadable(app: &AppName, release: &ReleaseId) -> CommandError {
    CommandError::new(format!("the manifest of release {release} is not valid YAML"))
        .hint(Hint::command("show it with", "releases manifest").arg(release).app(app))
}

async fn build(
    cx: &Context,
    dir: PathBuf,
    description: Option<String>,
) -> Result<(AppName, Rack, ReleaseId), CommandError> {
    let options = BuildOptions { development: true, description, ..BuildOptions::default() };
    let request = Request { dir, manifest: None, create: false, options };
    let checked = build::check(cx, request).await?;
    let (app, rack) = (checked.app.clone(), checked.rack.clone());
    cx.emit(Event::About(app.clone(), None))?;
    let built = build::build(cx, checked).await?;
    cx.emit(Event::Built { build: built.build, release: built.release.clone(), announce: true })?;
    Ok((app, rack, built.release))
}

async fn run_test(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    release: &ReleaseId,
    test: ServiceTest,
    timeout: u32,
) -> Result<(), CommandError> {
    let ServiceTest { service, command } = test;
    cx.emit(Event::Line(format!("Running {command} on {service}")))?;
    let one_off = OneOff {
        service: ServiceName::from_rack(service.clone()),
        command: command.clone(),
        entrypoint: true,
        options: RunOptions {
            command: Some(format!("sleep {timeout}")),
            release: Some(release.clone()),
            ..RunOptions::default()
        },
    };
    match one_off.run(cx, rack, app).await?.map(ExitCode::status) {
        Some(0) => Ok(()),
        Some(code) => Err(CommandError::new(format!("exit {code}: {command} on {service}"))
            .with_kind(ErrorKind::Remote(code))),
        None => {
            Err(CommandError::new(format!("{command} on {service} ended without an exit code")))
        }
    }
}
