//! Resources for real: databases and caches that run as processes of the rack.
//!
//! A promote starts those that its release declares, before its services. They keep their data,
//! port and password until the app is deleted.

mod account;
mod data;
mod engine;
mod place;
mod program;
mod server;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::join_all;
use tokio::process::Command;
use tokio::sync::watch;

use self::engine::driver;
use self::place::Place;
pub use self::program::server_directories;
use self::server::{Server, State};
use crate::directories::Directories;
use crate::error::Refusal;
use crate::logs::AppLogs;
use crate::manifest::{Manifest, ResourceLink, ResourceSpec, ServiceSpec, variable_of};
use crate::runner::{BaseEnvironment, Limits, Mark, RunnerStore, Workplace, new_id};
use convox_wire::{AppName, Environment, ProcessId, Resource};

/// What all resources share.
pub(crate) struct Context {
    pub(crate) directories: Directories,
    pub(crate) store: Arc<dyn RunnerStore>,
    pub(crate) logs: AppLogs,
    pub(crate) base: BaseEnvironment,
    pub(crate) limits: Limits,
}

impl Context {
    /// Marks a command as one of the rack, so that it does not survive the rack. Returns the id in
    /// the mark.
    fn mark(&self, place: &Place, command: &mut Command) -> io::Result<ProcessId> {
        let id = new_id(&place.name).map_err(io::Error::other)?;
        command.envs([Mark::of_process(self.directories.root(), &id).variable()]);
        Ok(id)
    }
}

/// The resources of all apps.
pub(crate) struct Resources {
    context: Arc<Context>,
    apps: Mutex<BTreeMap<AppName, Arc<tokio::sync::Mutex<Servers>>>>,
    /// What is shown without waiting for a start or an import.
    known: Mutex<BTreeMap<(AppName, String), Known>>,
}

/// What clients see of a resource.
#[derive(Clone)]
struct Known {
    place: Arc<Place>,
    state: watch::Receiver<State>,
}

/// The servers of an app by the names of their resources.
type Servers = BTreeMap<String, Server>;

impl Known {
    fn is_running(&self) -> bool {
        *self.state.borrow() == State::Running
    }

    fn url(&self) -> String {
        driver(self.place.engine).url(&self.place)
    }
}

impl Resources {
    pub(crate) fn new(context: Context) -> Self {
        Self { context: Arc::new(context), apps: Mutex::default(), known: Mutex::default() }
    }

    /// Checks that the servers that a release needs are installed.
    ///
    /// # Errors
    /// Returns a sentence with the package to install.
    pub(crate) fn check(
        &self,
        manifest: &Manifest,
        environment: &Environment,
    ) -> Result<(), String> {
        for spec in own(manifest, environment) {
            if let Some(engine) = spec.engine() {
                let server = driver(engine).server().find(&self.context.base);
                server.map_err(|reason| {
                    format!(
                        "resource {}: {reason}, or set {} to use a server of your own",
                        spec.name,
                        spec.variable()
                    )
                })?;
            }
        }
        Ok(())
    }

    /// Starts the resources of a release that are not running, and returns when they answer.
    ///
    /// # Errors
    /// Returns why one does not, as a sentence.
    pub(crate) async fn start(
        &self,
        app: &AppName,
        manifest: &Manifest,
        environment: &Environment,
    ) -> Result<(), String> {
        self.check(manifest, environment)?;
        let servers = self.servers(app);
        let mut servers = servers.lock().await;
        for spec in own(manifest, environment) {
            let Some(engine) = spec.engine() else { continue };
            if servers.get(&spec.name).is_some_and(|server| server.place.engine == engine) {
                continue;
            }
            if let Some(other) = servers.remove(&spec.name) {
                other.stop().await;
            }
            let Context { directories, base, .. } = self.context.as_ref();
            let place = Place::open(directories, base, app, spec, engine);
            let place = place.map_err(|error| format!("resource {}: {error}", spec.name))?;
            let server = Server::start(&self.context, Arc::new(place)).await;
            let server = server.map_err(|reason| format!("resource {reason}"))?;
            self.add(&mut servers, server);
        }
        Ok(())
    }

    fn add(&self, servers: &mut Servers, server: Server) {
        let (place, state) = (server.place.clone(), server.state());
        let key = (place.app.clone(), place.name.clone());
        servers.insert(place.name.clone(), server);
        self.known().insert(key, Known { place, state });
    }

    /// Stops the resources that a release does not declare. They keep their data.
    pub(crate) async fn keep_only(
        &self,
        app: &AppName,
        manifest: &Manifest,
        environment: &Environment,
    ) {
        let wanted: Vec<&ResourceSpec> = own(manifest, environment).collect();
        self.stop(app, |name| !wanted.iter().any(|spec| spec.name == name)).await;
    }

    /// Stops the resources of an app.
    pub(crate) async fn stop_app(&self, app: &AppName) {
        self.stop(app, |_| true).await;
    }

    /// Stops the resources of all apps.
    pub(crate) async fn stop_all(&self) {
        let apps: Vec<AppName> = self.apps().keys().cloned().collect();
        join_all(apps.iter().map(|app| self.stop_app(app))).await;
    }

    /// Removes the data of an app's resources that is not in its directory.
    pub(crate) fn remove(&self, app: &AppName) -> io::Result<()> {
        place::remove_outside(&self.context.directories.resources(app))
    }

    async fn stop(&self, app: &AppName, matches: impl Fn(&str) -> bool) {
        let servers = self.servers(app);
        let mut servers = servers.lock().await;
        let names: Vec<String> = servers.keys().filter(|name| matches(name)).cloned().collect();
        let stopped = names.into_iter().filter_map(|name| {
            let server = servers.remove(&name)?;
            self.known().remove(&(app.clone(), name));
            Some(server.stop())
        });
        join_all(stopped.collect::<Vec<_>>()).await;
    }

    /// Returns the resources that a release declares, as clients see them.
    pub(crate) fn shown(
        &self,
        app: &AppName,
        manifest: &Manifest,
        environment: &Environment,
    ) -> Vec<Resource> {
        let show = |spec: &ResourceSpec| {
            let external = environment.get(&spec.variable()).map(str::to_owned);
            let known = self.of(app, &spec.name);
            let is_running = known.as_ref().is_some_and(Known::is_running);
            let status = match (&external, is_running) {
                (Some(_), _) => "external",
                (None, true) => "running",
                (None, false) => "pending",
            };
            let url = external.or_else(|| known.map(|known| known.url()));
            Resource {
                name: spec.name.clone(),
                kind: spec.kind.clone(),
                url,
                status: Some(status.to_owned()),
                parameters: BTreeMap::new(),
            }
        };
        manifest.resources.iter().map(show).collect()
    }

    /// Whether a resource of an app listens on this port.
    pub(crate) fn has_port(&self, app: &AppName, port: u16) -> bool {
        let known = self.known();
        known.iter().any(|((owner, _), known)| owner == app && known.place.port == port)
    }

    /// Returns the variables for the resources that a service lists: the URL, and its parts if the
    /// variable ends in `_URL`.
    pub(crate) fn variables(
        &self,
        app: &AppName,
        service: &ServiceSpec,
        environment: &Environment,
    ) -> Vec<(String, String)> {
        let of_link = |link: &ResourceLink| match environment.get(&variable_of(&link.resource)) {
            Some(url) => Some(vec![(link.variable.clone(), url.to_owned())]),
            None => {
                let known = self.of(app, &link.resource)?;
                Some(variables(&link.variable, &known.place))
            }
        };
        service.resources.iter().filter_map(of_link).flatten().collect()
    }

    /// Returns the interactive client of a resource: where and with which variables it runs, and
    /// its words.
    ///
    /// # Errors
    /// The resource is not running, has no client, or its client is not installed.
    pub(crate) fn console(
        &self,
        app: &AppName,
        name: &str,
    ) -> Result<(Workplace, Vec<String>), Refusal> {
        let place = self.running(app, name)?;
        let client = driver(place.engine).console(&place);
        let client = client.ok_or_else(|| data::unavailable("console", &place))?;
        let program = client.path(&place).map_err(Refusal::bad_request)?;
        let mut command = client.command(&place).map_err(Refusal::bad_request)?;
        self.context.mark(&place, &mut command)?;
        let words = std::iter::once(program.to_string_lossy().into_owned());
        let words = words.chain(client.arguments).collect();
        Ok((Workplace::of_command(&command), words))
    }

    fn of(&self, app: &AppName, name: &str) -> Option<Known> {
        self.known().get(&(app.clone(), name.to_owned())).cloned()
    }

    fn servers(&self, app: &AppName) -> Arc<tokio::sync::Mutex<Servers>> {
        Arc::clone(self.apps().entry(app.clone()).or_default())
    }

    fn apps(&self) -> MutexGuard<'_, BTreeMap<AppName, Arc<tokio::sync::Mutex<Servers>>>> {
        self.apps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<(AppName, String), Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the resources that the rack is to run: those for which the release has no URL.
fn own<'a>(
    manifest: &'a Manifest,
    environment: &'a Environment,
) -> impl Iterator<Item = &'a ResourceSpec> {
    manifest.resources.iter().filter(|spec| environment.get(&spec.variable()).is_none())
}

fn variables(variable: &str, place: &Place) -> Vec<(String, String)> {
    let url = driver(place.engine).url(place);
    let mut variables = vec![(variable.to_owned(), url.clone())];
    let Some(prefix) = variable.strip_suffix("_URL") else { return variables };
    let mut add =
        |name: &str, value: &str| variables.push((format!("{prefix}_{name}"), value.to_owned()));
    add("HOST", "127.0.0.1");
    add("PORT", &place.port.to_string());
    if let Ok(url) = url::Url::parse(&url)
        && let Some(password) = url.password()
    {
        add("USER", url.username());
        add("PASS", password);
        add("NAME", url.path().trim_start_matches('/'));
    }
    variables
}

fn io_error(place: &Place, what: &str, error: &io::Error) -> String {
    format!("{}: {} {what}: {error}", place.name, driver(place.engine).name())
}
