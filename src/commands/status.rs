use chrono::{DateTime, Utc};
use serde::Serialize;

use super::releases::previous::SEARCHED;
use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::flows::app::{read_existing, recent_log, wait_for_app};
use crate::outcome::Outcome;
use crate::output::info::InfoBlock;
use crate::output::table::Table;
use crate::output::{Render, RenderContext, View, humanize};
use convox_client::rack::Rack;
use convox_wire::{
    App, AppName, AppStatus, Build, BuildStatus, Process, ProcessStatus, ReleaseId, ReleaseStatus,
    ReleaseSummary, Service, ServiceName,
};

/// Show on one screen how an app is doing
///
/// Shows the active release and what is being promoted, services and processes, the last build or
/// promote that failed since then, and the command to go on with.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox status\n  convox status convox-guide --watch 2")]
pub(crate) struct Args {
    /// App name, instead of --app
    #[arg(value_name = "APP")]
    name: Option<AppName>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let name = cx.app_or(args.name.as_ref())?;
    let rack = cx.rack().await?;
    let app = read_existing(&rack, &name).await?;
    let state = State::read(&rack, app).await?;
    let next = state.next();
    Ok(Outcome::render(state.status(cx.ui.drawn(&next))))
}

/// What the rack says about an app.
struct State {
    app: App,
    releases: Vec<ReleaseSummary>,
    builds: Vec<Build>,
    services: Vec<Service>,
    processes: Vec<Process>,
}

impl State {
    async fn read(rack: &Rack, app: App) -> Result<Self, CommandError> {
        let name = &app.name;
        let (releases, builds) =
            tokio::join!(rack.releases(name, Some(SEARCHED)), rack.builds(name, None));
        let (releases, builds) = (releases?, builds?);
        let (mut services, mut processes) = (Vec::new(), Vec::new());
        // Racks refuse to list the services of an app that never ran.
        if app.release.is_some() {
            let read = tokio::join!(rack.services(name), rack.processes(name));
            (services, processes) = (read.0?, read.1?);
        }
        Ok(Self { app, releases, builds, services, processes })
    }

    fn is_at_rest(&self) -> bool {
        self.app.status == AppStatus::Running
    }

    /// The release that is being promoted. v3 racks show it as the app's release at once.
    fn promoting(&self) -> Option<&ReleaseId> {
        let is_updating = self.app.status == AppStatus::Updating;
        self.app.release.as_ref().filter(|_| is_updating)
    }

    /// The release that runs. During an update, only racks that know which releases ran tell.
    fn active(&self) -> Option<&ReleaseSummary> {
        if self.promoting().is_none() {
            return self.release(self.app.release.as_ref()?);
        }
        let ran = self.releases.iter().filter(|release| release.promoted.is_some());
        ran.rev().max_by_key(|release| release.promoted)
    }

    fn release(&self, id: &ReleaseId) -> Option<&ReleaseSummary> {
        self.releases.iter().find(|release| release.id == *id)
    }

    /// The releases that were created after the active one, newest first.
    fn newer(&self) -> impl Iterator<Item = &ReleaseSummary> {
        let active = self.active().map(|release| release.id.clone());
        self.releases.iter().take_while(move |release| Some(&release.id) != active.as_ref())
    }

    /// The last build or promote that has failed since the active release was created.
    fn failure(&self) -> Option<Failure> {
        let since = self.active().and_then(|release| release.created);
        let builds = self.builds.iter().filter(|build| build.started > since);
        let mut failed = builds.filter(|build| build.status == BuildStatus::Failed);
        let build = failed.next().map(|build| Failure {
            what: FailureKind::Build,
            id: build.id.to_string(),
            at: build.ended.or(build.started),
            reason: build.reason.clone(),
        });
        let mut failed = self.newer().filter(|one| one.status == Some(ReleaseStatus::Failed));
        let release = failed.next().map(|release| Failure {
            what: FailureKind::Promote,
            id: release.id.to_string(),
            at: release.created,
            reason: release.reason.clone(),
        });
        // Of the same second, the promote comes after the build.
        [build, release].into_iter().flatten().max_by_key(|failure| failure.at)
    }

    /// The command to go on with.
    fn next(&self) -> Hint {
        let name = &self.app.name;
        if !self.is_at_rest() {
            return wait_for_app(name);
        }
        match self.failure() {
            Some(Failure { what: FailureKind::Build, id, .. }) => {
                return Hint::command("read the log of the build", "builds logs").arg(id).app(name);
            }
            Some(_) => return recent_log(name),
            None => {}
        }
        let waiting = self.newer().find(|release| release.build.is_some());
        match (waiting, &self.app.release) {
            (Some(newest), _) => Hint::command("promote the newest release", "releases promote")
                .arg(&newest.id)
                .app(name),
            (None, None) => Hint::command("deploy it", "deploy").app(name),
            (None, Some(_)) => Hint::command("follow its log", "logs").app(name),
        }
    }

    fn status(self, next: Option<String>) -> Status {
        let active = self.active().map(|release| ReleaseRow {
            id: release.id.clone(),
            created: release.created,
            description: release.description.clone(),
        });
        let services = self.services.iter().map(|service| self.service(service)).collect();
        Status {
            active,
            promoting: self.promoting().cloned(),
            failure: self.failure(),
            services,
            app: self.app.name,
            status: self.app.status,
            processes: self.processes.into_iter().map(ProcessRow::from).collect(),
            next,
        }
    }

    fn service(&self, service: &Service) -> ServiceRow {
        let is_running = |process: &&Process| {
            process.name == service.name.as_str() && process.status == ProcessStatus::Running
        };
        ServiceRow {
            name: service.name.clone(),
            desired: service.count,
            running: self.processes.iter().filter(is_running).count(),
            address: service.domain.clone(),
        }
    }
}

#[derive(Serialize)]
struct Status {
    app: AppName,
    status: AppStatus,
    active: Option<ReleaseRow>,
    promoting: Option<ReleaseId>,
    services: Vec<ServiceRow>,
    processes: Vec<ProcessRow>,
    failure: Option<Failure>,
    /// What to do next, with its command.
    next: Option<String>,
}

#[derive(Serialize)]
struct ReleaseRow {
    id: ReleaseId,
    created: Option<DateTime<Utc>>,
    description: Option<String>,
}

#[derive(Serialize)]
struct ServiceRow {
    name: ServiceName,
    desired: i64,
    running: usize,
    address: Option<String>,
}

#[derive(Serialize)]
struct ProcessRow {
    id: String,
    service: String,
    status: ProcessStatus,
    release: Option<ReleaseId>,
    started: Option<DateTime<Utc>>,
    restarts: Option<u64>,
    last_exit: Option<String>,
}

impl From<Process> for ProcessRow {
    fn from(process: Process) -> Self {
        let Process { id, name, status, release, started, restarts, last_exit, .. } = process;
        Self { id: id.to_string(), service: name, status, release, started, restarts, last_exit }
    }
}

#[derive(Serialize)]
struct Failure {
    what: FailureKind,
    id: String,
    at: Option<DateTime<Utc>>,
    reason: Option<String>,
}

#[derive(Serialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum FailureKind {
    Build,
    Promote,
}

impl Status {
    fn head(&self, now: DateTime<Utc>) -> InfoBlock {
        let mut info = InfoBlock::new();
        info.entry("App", self.app.as_str());
        info.entry("Status", self.status.as_str());
        if let Some(active) = &self.active {
            let description = active.description.as_deref().unwrap_or_default();
            let parts = [active.id.as_str(), &humanize::ago(now, active.created), description];
            info.entry("Active", joined(&parts));
        }
        if let Some(promoting) = &self.promoting {
            info.entry("Promoting", promoting.as_str());
        }
        if let Some(failure) = &self.failure {
            let reason = failure.reason.as_deref().unwrap_or_default();
            let what = match failure.what {
                FailureKind::Build => "build",
                FailureKind::Promote => "promote of",
            };
            let line = format!("{what} {}", failure.id);
            let parts = [line.as_str(), &humanize::ago(now, failure.at), reason];
            info.entry("Failed", joined(&parts));
        }
        if let Some(next) = &self.next {
            info.entry("Next", next);
        }
        info
    }

    fn service_table(&self) -> Table {
        let mut table = Table::new(["SERVICE", "RUNNING", "ADDRESS"]);
        for service in &self.services {
            let running = format!("{} of {}", service.running, service.desired);
            let address = service.address.as_deref().unwrap_or_default();
            table.row([service.name.as_str(), &running, address]);
        }
        table
    }

    fn process_table(&self, now: DateTime<Utc>) -> Table {
        let columns = ["PROCESS", "SERVICE", "STATUS", "RELEASE", "STARTED"];
        // Real racks do not tell these.
        let knows = self.processes.iter().any(|process| process.restarts.is_some());
        let optional = if knows { &["RESTARTS", "LAST EXIT"][..] } else { &[] };
        let mut table = Table::new(columns.into_iter().chain(optional.iter().copied()));
        for process in &self.processes {
            let release = process.release.as_ref().map_or("", ReleaseId::as_str);
            let restarts = process.restarts.map_or(String::new(), |count| count.to_string());
            table.row([
                process.id.as_str(),
                &process.service,
                process.status.as_str(),
                release,
                &humanize::ago(now, process.started),
                &restarts,
                process.last_exit.as_deref().unwrap_or_default(),
            ]);
        }
        table
    }
}

fn joined(parts: &[&str]) -> String {
    let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    parts.join(", ")
}

impl Render for Status {
    fn render(&self, rc: &RenderContext) -> View {
        let mut views = vec![View::Info(self.head(rc.now))];
        for table in [
            (!self.services.is_empty()).then(|| self.service_table()),
            (!self.processes.is_empty()).then(|| self.process_table(rc.now)),
        ]
        .into_iter()
        .flatten()
        {
            views.push(View::Text(String::new()));
            views.push(View::Table(table));
        }
        View::Sequence(views)
    }
}
