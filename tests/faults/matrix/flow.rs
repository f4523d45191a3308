//! The commands of the matrix, and what each needs at the rack.

use std::path::PathBuf;

use crate::support::api::Api;
use crate::support::app;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Flow {
    Deploy,
    Build,
    Promote,
    Rollback,
    EnvSet,
    Logs,
    Follow,
    BuildLogs,
}

/// What exists at the rack before a command runs.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) app: String,
    /// The directory that is deployed.
    pub(crate) source: PathBuf,
    /// An existing build.
    pub(crate) build: String,
    /// The active release.
    pub(crate) active: String,
    /// Another release.
    pub(crate) other: String,
    /// The existing log.
    pub(crate) log: String,
}

impl Flow {
    pub(crate) const ALL: [Self; 8] = [
        Self::Deploy,
        Self::Build,
        Self::Promote,
        Self::Rollback,
        Self::EnvSet,
        Self::Logs,
        Self::Follow,
        Self::BuildLogs,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Deploy => "deploy --wait",
            Self::Build => "build",
            Self::Promote => "releases promote --wait",
            Self::Rollback => "releases rollback",
            Self::EnvSet => "env set --promote",
            Self::Logs => "logs --no-follow",
            Self::Follow => "logs",
            Self::BuildLogs => "builds logs",
        }
    }

    /// Whether it starts a build.
    pub(crate) fn builds(self) -> bool {
        matches!(self, Self::Deploy | Self::Build)
    }

    /// Whether it promotes a release.
    pub(crate) fn promotes(self) -> bool {
        matches!(self, Self::Deploy | Self::Promote | Self::Rollback | Self::EnvSet)
    }

    pub(crate) fn args(self, scene: &Scene) -> Vec<String> {
        let text = match self {
            Self::Deploy => "deploy SOURCE --wait --description matrix -a APP",
            Self::Build => "build SOURCE --description matrix -a APP",
            Self::Promote => "releases promote OTHER --wait -a APP",
            Self::Rollback => "releases rollback OTHER -a APP",
            Self::EnvSet => "env set GREETING=hello --promote -a APP",
            Self::Logs => "logs --no-follow --since 1h -a APP",
            Self::Follow => "logs --since 1h -a APP",
            Self::BuildLogs => "builds logs BUILD -a APP",
        };
        let word = |word: &str| match word {
            "SOURCE" => scene.source.display().to_string(),
            "APP" => scene.app.clone(),
            "OTHER" => scene.other.clone(),
            "BUILD" => scene.build.clone(),
            word => word.to_owned(),
        };
        text.split(' ').map(word).collect()
    }

    /// Creates what the command needs.
    pub(crate) async fn prepare(self, api: &Api, app: &str, source: PathBuf) -> Scene {
        api.post("/apps", &[("name", app)]).await;
        api.running(app).await;
        let mut scene = Scene {
            app: app.to_owned(),
            source,
            build: String::new(),
            active: String::new(),
            other: String::new(),
            log: String::new(),
        };
        match self {
            Self::Deploy | Self::Build => {}
            Self::Promote | Self::EnvSet => {
                scene.run(api, &app::archive(&[("convox.yml", app::IDLE)])).await;
                if self == Self::Promote {
                    scene.other = scene.change(api, "GREETING=new").await;
                }
            }
            Self::Rollback => {
                scene.run(api, &app::archive(&[("convox.yml", app::IDLE)])).await;
                scene.other = scene.active.clone();
                scene.active = scene.change(api, "GREETING=new").await;
                api.promote(app, &scene.active).await;
            }
            Self::Logs => {
                scene.run(api, &app::ticking(80, "")).await;
                scene.log = scene.log_with(api, "tick 80 of 80").await;
            }
            Self::Follow => {
                (scene.build, scene.active) =
                    api.build(app, &app::ticking(25, "sleep 0.02;")).await;
                api.post(&format!("/apps/{app}/releases/{}/promote", scene.active), &[]).await;
            }
            Self::BuildLogs => {
                (scene.build, scene.active) =
                    api.build(app, &app::archive(&[("convox.yml", LONG)])).await;
                scene.log = api.build_log(app, &scene.build).await;
            }
        }
        scene
    }
}

/// A build with a log.
const LONG: &str = "services:
  web:
    command: sleep 600
    x-dev:
      build: seq -f 'step %g of a build that is over' 40
";

impl Scene {
    /// Builds an archive and promotes its release.
    async fn run(&mut self, api: &Api, archive: &[u8]) {
        (self.build, self.active) = api.build(&self.app, archive).await;
        api.promote(&self.app, &self.active).await;
    }

    /// Creates a release with another environment.
    async fn change(&self, api: &Api, env: &str) -> String {
        let path = format!("/apps/{}/releases", self.app);
        api.post(&path, &[("env", env)]).await["id"].as_str().unwrap().to_owned()
    }

    /// Waits until the log of the running app contains a text; returns the log.
    pub(crate) async fn log_with(&self, api: &Api, last: &str) -> String {
        loop {
            let log = api.app_log(&self.app).await;
            if log.contains(last) && log.contains(&format!("release {} is running", self.active)) {
                return log;
            }
            tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        }
    }
}
