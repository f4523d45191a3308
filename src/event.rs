//! What a long command tells while it works. A renderer draws it.

use std::time::Duration;

use bytes::Bytes;

use convox_wire::{AppName, BuildId, Process, ReleaseId};

/// Something that happened, in the words of the domain.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// A deploy begins.
    Deploying(AppName),
    /// What the events that follow are about, if no other event says so.
    About(AppName, Option<BuildId>),
    /// Packing the source begins.
    Packaging,
    /// Some of the source is packed: entries, and bytes before compression.
    PackProgress { entries: u64, bytes: u64 },
    /// The source is packed.
    Packaged,
    /// Uploading what packing has left begins.
    Uploading(Upload),
    /// Bytes were sent.
    Progress { sent: u64, total: u64 },
    /// The source is uploaded.
    Uploaded { upload: Upload, total: u64, took: Duration },
    /// Asking the rack for the build.
    StartingBuild,
    /// The rack has started the build.
    BuildStarted(BuildId),
    /// Bytes of the build's log.
    BuildLog(Bytes),
    /// The build has created a release.
    Built { build: BuildId, release: ReleaseId, announce: bool },
    /// Waiting for an update of the app to end.
    WaitingForApp,
    /// The update has ended.
    AppReady,
    /// Asking the rack for the promote.
    Promoting(ReleaseId),
    /// The rack has accepted the promote.
    Accepted(ReleaseId),
    /// Waiting until the app runs the release.
    Waiting(ReleaseId),
    /// Lines of the app's log.
    Log(Bytes),
    /// Lines of the log of one of several apps.
    LogOf(AppName, Bytes),
    /// A process has changed its status.
    Process(Box<Process>),
    /// The app runs the release.
    Running(ReleaseId),
    /// What a program prints that does the work of a step.
    Program(ProgramOutput),
    /// A step begins, such as `Creating web`.
    Step(String),
    /// The rack has accepted the step; lines of a log follow.
    LogFollows,
    /// The step has succeeded, with the id of what it created.
    Done(Option<String>),
    /// A line of its own.
    Line(String),
    /// A large body moves. It has a progress bar on stderr, if that is a terminal.
    Transfer(Transfer),
}

/// Bytes that another program prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ProgramOutput {
    /// On its stdout.
    Out(Bytes),
    /// On its stderr.
    Err(Bytes),
}

/// What a large body is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Transfer {
    /// It begins, under this label, such as `Downloading`.
    Started(String),
    /// So many bytes have moved. The total is unknown for a stream.
    Moved { done: u64, total: Option<u64> },
    /// So many bytes have moved, and there are no more.
    Finished(u64),
}

/// How a source is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Upload {
    /// As an object, before the build is asked for.
    Object,
    /// In the request that asks for the build (racks before 20180708231844).
    WithBuild,
}
