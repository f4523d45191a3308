use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::table::Record;
use convox_wire::{
    App, AppName, AppStatus, Build, BuildId, BuildStatus, Environment, Release, ReleaseId,
    ReleaseStatus, ServiceName,
};

/// An app.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AppRecord {
    pub(crate) name: AppName,
    pub(crate) created: DateTime<Utc>,
    pub(crate) locked: bool,
    /// The release that most recently became ready.
    pub(crate) active: Option<ReleaseId>,
    /// The promote in progress; kept until it succeeded or was rolled back.
    pub(crate) rollout: Option<Rollout>,
    pub(crate) deleting: bool,
    /// The number of processes of each service that was scaled.
    #[serde(default)]
    pub(crate) counts: BTreeMap<ServiceName, usize>,
}

/// An accepted promote that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rollout {
    /// Distinguishes it from a later promote, which may be of the same release.
    pub(crate) number: u64,
    pub(crate) release: ReleaseId,
    pub(crate) stage: Stage,
}

/// The stage of a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// The new release is being started.
    Updating,
    /// The new release failed; the previous one is being restored.
    Rollback,
}

impl AppRecord {
    pub(crate) fn new(name: AppName, created: DateTime<Utc>) -> Self {
        Self {
            name,
            created,
            locked: false,
            active: None,
            rollout: None,
            deleting: false,
            counts: BTreeMap::new(),
        }
    }

    pub(crate) fn status(&self) -> AppStatus {
        if self.deleting {
            return AppStatus::Deleting;
        }
        match self.rollout.as_ref().map(|rollout| rollout.stage) {
            None => AppStatus::Running,
            Some(Stage::Updating) => AppStatus::Updating,
            Some(Stage::Rollback) => AppStatus::Rollback,
        }
    }

    /// Returns the release that clients see: the new one as soon as its promote is accepted, the
    /// previous one as soon as the promote has failed. v3 racks do the same.
    pub(crate) fn shown_release(&self) -> Option<&ReleaseId> {
        match &self.rollout {
            Some(rollout) if rollout.stage == Stage::Updating => Some(&rollout.release),
            _ => self.active.as_ref(),
        }
    }

    pub(crate) fn to_wire(&self) -> App {
        App {
            generation: Some("3".to_owned()),
            locked: self.locked,
            release: self.shown_release().cloned(),
            ..App::new(self.name.clone(), self.status())
        }
    }
}

/// A build.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BuildRecord {
    pub(crate) number: u64,
    pub(crate) id: BuildId,
    pub(crate) app: AppName,
    pub(crate) description: Option<String>,
    pub(crate) git_sha: Option<String>,
    /// The manifest's file name, if the client sent one.
    pub(crate) manifest_name: Option<String>,
    /// The text of the manifest; `None` until the build has completed.
    pub(crate) manifest: Option<String>,
    /// The key of the uploaded source.
    pub(crate) object: String,
    pub(crate) status: BuildStatus,
    pub(crate) release: Option<ReleaseId>,
    pub(crate) reason: Option<String>,
    pub(crate) started: DateTime<Utc>,
    pub(crate) ended: Option<DateTime<Utc>>,
}

impl BuildRecord {
    pub(crate) fn to_wire(&self) -> Build {
        let logs = format!("object://{}/{}", self.app, Self::logs_key(&self.id));
        Build {
            app: Some(self.app.clone()),
            description: self.description.clone(),
            git_sha: self.git_sha.clone(),
            logs: self.ended.map(|_| logs),
            manifest: self.manifest.clone(),
            release: self.release.clone(),
            reason: self.reason.clone(),
            started: Some(self.started),
            ended: self.ended,
            ..Build::new(self.id.clone(), self.status.clone())
        }
    }

    /// Returns the key of the object with a finished build's log, named as on v3 racks.
    pub(crate) fn logs_key(id: &BuildId) -> String {
        format!("build/{id}/logs")
    }
}

/// A release.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ReleaseRecord {
    pub(crate) number: u64,
    pub(crate) id: ReleaseId,
    pub(crate) app: AppName,
    pub(crate) build: Option<BuildId>,
    pub(crate) environment: Environment,
    pub(crate) manifest: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) created: DateTime<Utc>,
    /// Why its last promote was rolled back; `None` if it ran, or was never promoted.
    #[serde(default)]
    pub(crate) failure: Option<String>,
    /// When it last became the active release.
    #[serde(default)]
    pub(crate) promoted: Option<DateTime<Utc>>,
}

impl ReleaseRecord {
    pub(crate) fn to_wire(&self) -> Release {
        Release {
            app: Some(self.app.clone()),
            build: self.build.clone(),
            env: self.environment.clone(),
            manifest: self.manifest.clone(),
            description: self.description.clone(),
            created: Some(self.created),
            status: self.failure.as_ref().map(|_| ReleaseStatus::Failed),
            reason: self.failure.clone(),
            promoted: self.promoted,
            ..Release::new(self.id.clone())
        }
    }
}

impl Record for BuildRecord {
    const TABLE: &'static str = "builds";

    fn key(&self) -> (&str, &str, u64) {
        (self.app.as_str(), self.id.as_str(), self.number)
    }
}

impl Record for ReleaseRecord {
    const TABLE: &'static str = "releases";

    fn key(&self) -> (&str, &str, u64) {
        (self.app.as_str(), self.id.as_str(), self.number)
    }
}
