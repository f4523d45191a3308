//! What a long command tells while it works. A renderer draws it.

use std::time::Duration;

use bytes::Bytes;

use convox_wire::{AppName, BuildId, Process, ReleaseId};

/// Something that happened, in the words of the domain.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// A deploy begins.
    Deploying(AppName),
    /// What everything that follows is about, where no other event says so.
    About(AppName, Option<BuildId>),
    /// The source is being packed.
    Packaging,
    /// It is packed.
    Packaged,
    /// The rest of it is being uploaded.
    Uploading(Upload),
    /// Bytes have gone.
    Progress { sent: u64, total: u64 },
    /// All of it has gone.
    Uploaded { upload: Upload, total: u64, took: Duration },
    /// The build is being asked for.
    StartingBuild,
    /// The rack builds.
    BuildStarted(BuildId),
    /// Bytes of the build's log.
    BuildLog(Bytes),
    /// The build has made a release.
    Built { build: BuildId, release: ReleaseId, told: bool },
    /// The app has to come to rest first.
    WaitingForApp,
    /// It has.
    AppReady,
    /// A promote is being asked for.
    Promoting(ReleaseId),
    /// The rack has accepted it.
    Accepted(ReleaseId),
    /// The app is to run the release.
    Waiting(ReleaseId),
    /// Lines of the app's log.
    Log(Bytes),
    /// A process has changed its status.
    Process(Box<Process>),
    /// The app runs the release.
    Running(ReleaseId),
    /// A step begins: what is being done, in a few words.
    Step(String),
    /// It has succeeded; with ids that it made.
    Done(Option<String>),
    /// A line of its own.
    Line(String),
    /// Something worth knowing has happened: a retry, a lost stream.
    Notice(String),
    /// Something that may be a mistake.
    Warning(String),
}

/// How a source travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Upload {
    /// As an object, before the build is asked for.
    Object,
    /// In the request that asks for the build (racks before 20180708231844).
    Styles,
}
