//! What a deploy would send, and what would keep it from working.

use serde::Serialize;

use crate::context::{Context, PromoteOptions};
use crate::error::{CommandError, Hint};
use crate::flows::build::{self, Request};
use crate::flows::{app, environment};
use crate::output::info::InfoBlock;
use crate::output::{Render, RenderContext, View, humanize};
use crate::settings::BusyPolicy;
use convox_client::rack::Force;
use convox_devrack::manifest::Manifest;
use convox_package::{PackageError, Source, Survey};
use convox_wire::{AppName, AppStatus, Environment};

/// The most left out paths that are listed.
const MAX_EXCLUDED: usize = 20;

/// What a deploy would do.
#[derive(Serialize)]
pub(crate) struct Plan {
    /// Tells it from the events of a deploy.
    event: &'static str,
    app: AppName,
    creates_app: bool,
    manifest: String,
    files: u64,
    bytes: u64,
    largest: Vec<LargeFile>,
    /// What ignore rules leave out.
    excluded: Vec<String>,
    /// The variables that the manifest requires and the app lacks.
    missing_env: Vec<String>,
    warnings: Vec<String>,
    /// What would keep the deploy from working.
    problems: Vec<String>,
}

#[derive(Serialize)]
struct LargeFile {
    path: String,
    bytes: u64,
}

/// What the rack says about the app.
struct Target {
    exists: bool,
    env: Environment,
    problems: Vec<String>,
}

/// Finds out what a deploy of this request would do. Nothing is changed.
pub(crate) async fn plan(
    cx: &Context,
    request: Request,
    options: PromoteOptions,
) -> Result<Plan, CommandError> {
    let source = build::open(cx, &request)?;
    let app = cx.app_of(&request.dir)?;
    let target = Target::read(cx, &app, request.create, options).await?;
    let manifest = source.manifest().name.to_string_lossy().into_owned();
    let path = source.root().join(&source.manifest().name);
    let text = tokio::fs::read_to_string(&path).await.map_err(|error| {
        CommandError::while_doing(format!("{} cannot be read", path.display()), error)
    })?;
    let survey = survey(source).await?;
    let Target { exists, env, mut problems } = target;
    let (mut missing_env, mut warnings) = (Vec::new(), Vec::new());
    match Manifest::parse(&text, &env) {
        Ok(parsed) => missing_env = parsed.missing(&env),
        // Real racks know more than the development rack, which wrote this parser.
        Err(error) => warnings.push(format!("{manifest}: {error}")),
    }
    if !missing_env.is_empty() {
        let keys = missing_env.join(", ");
        problems.push(format!("{app} lacks variables that {manifest} requires: {keys}"));
    }
    warnings.extend(survey.warnings.iter().map(ToString::to_string));
    let excluded = survey.excluded.iter().map(|path| path.display().to_string()).collect();
    let largest = survey.largest.iter();
    Ok(Plan {
        event: "plan",
        creates_app: !exists,
        app,
        manifest,
        files: survey.files,
        bytes: survey.size,
        largest: largest
            .map(|file| LargeFile { path: file.path.display().to_string(), bytes: file.size })
            .collect(),
        excluded,
        missing_env,
        warnings,
        problems,
    })
}

async fn survey(source: Source) -> Result<Survey, CommandError> {
    let surveyed =
        tokio::task::spawn_blocking(move || -> Result<Survey, PackageError> { source.survey() });
    Ok(surveyed.await.map_err(|error| CommandError::while_doing("reading the source", error))??)
}

impl Target {
    async fn read(
        cx: &Context,
        name: &AppName,
        create: bool,
        options: PromoteOptions,
    ) -> Result<Self, CommandError> {
        let rack = cx.rack().await?;
        let found = match rack.app(name).await {
            Ok(app) => app,
            Err(error) if app::is_missing(&error) => {
                let problem = (!create).then(|| format!("no such app: {name}"));
                let problems = problem.into_iter().collect();
                return Ok(Self { exists: false, env: Environment::default(), problems });
            }
            Err(error) => return Err(error.into()),
        };
        let mut problems = Vec::new();
        let refuses = options.busy == BusyPolicy::Refuse && options.force == Force::No;
        if refuses && found.status != AppStatus::Running {
            problems.push(app::busy(&found));
        }
        if found.locked {
            problems.push(format!("app {name} is locked"));
        }
        let env = environment::read(&rack, name, None).await?.env;
        Ok(Self { exists: true, env, problems })
    }
}

impl Plan {
    /// The error of a deploy that could not work.
    pub(crate) fn failure(&self) -> Option<CommandError> {
        if self.problems.is_empty() {
            return None;
        }
        let error =
            CommandError::new(format!("the deploy would fail: {}", self.problems.join("; ")));
        Some(match self.missing_env.is_empty() {
            true if self.creates_app => {
                error.hint(Hint::command("create it with", "apps create").arg(&self.app))
            }
            true => error,
            false => {
                let set = Hint::command("set them with", "env set");
                let keys = self.missing_env.iter();
                error.hint(keys.fold(set, |set, key| set.arg(format!("{key}=…"))).app(&self.app))
            }
        })
    }

    fn largest(&self) -> String {
        let lines = self
            .largest
            .iter()
            .map(|file| format!("{:>10}  {}", humanize::size(file.bytes), file.path));
        lines.collect::<Vec<_>>().join("\n")
    }

    fn excluded(&self) -> String {
        let mut lines: Vec<String> = self.excluded.iter().take(MAX_EXCLUDED).cloned().collect();
        if let Some(more) = self.excluded.len().checked_sub(MAX_EXCLUDED).filter(|more| *more > 0) {
            lines.push(format!("and {more} more"));
        }
        lines.join("\n")
    }
}

impl Render for Plan {
    fn render(&self, _rc: &RenderContext) -> View {
        let mut info = InfoBlock::new();
        let app = if self.creates_app { " (does not exist yet)" } else { "" };
        info.entry("App", format!("{}{app}", self.app));
        info.entry("Manifest", &self.manifest);
        info.entry("Files", self.files.to_string());
        info.entry("Size", format!("{} before compression", humanize::size(self.bytes)));
        if !self.largest.is_empty() {
            info.entry("Largest", self.largest());
        }
        if !self.excluded.is_empty() {
            info.entry("Left out", self.excluded());
        }
        if !self.missing_env.is_empty() {
            info.entry("Missing env", self.missing_env.join("\n"));
        }
        if !self.warnings.is_empty() {
            info.entry("Warnings", self.warnings.join("\n"));
        }
        View::Info(info)
    }
}
