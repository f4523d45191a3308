use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::flows::copy::{TreeUpload, fetch, put};
use crate::flows::destination::{unreadable, unwritable};
use crate::flows::transfer::{Source, upload};
use crate::outcome::Outcome;
use crate::signals;
use convox_client::rack::{Rack, Refusal};
use convox_wire::{AppName, ProcessId};

/// Copy files and directories to or from a process
///
/// One side is PROCESS:/PATH. A file is copied to the exact name, or into a directory that is
/// there already; the content of a directory joins what is there.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox cp web-6d5f-x2x:/app/log ./log\n  \
                        convox cp seed.sql web-6d5f-x2x:/tmp/seed.sql")]
pub(crate) struct Args {
    /// What to copy: PATH or PROCESS:/PATH
    #[arg(value_name = "SOURCE")]
    source: Side,
    /// Where to: PATH or PROCESS:/PATH
    #[arg(value_name = "DESTINATION")]
    destination: Side,
    /// Options for the rack's tar, joined by commas
    #[arg(long, value_name = "OPTIONS", allow_hyphen_values = true)]
    tar_extra: Option<String>,
}

/// One side of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Side {
    Local(PathBuf),
    Remote(ProcessId, String),
}

impl FromStr for Side {
    type Err = std::convert::Infallible;

    /// A colon before any slash separates a process from a path.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let remote = text.split_once(':').and_then(|(process, path)| {
            let process = process.parse().ok().filter(|_| !process.contains('/'))?;
            Some(Self::Remote(process, path.to_owned()))
        });
        Ok(remote.unwrap_or_else(|| Self::Local(text.into())))
    }
}

impl Side {
    fn check(&self) -> Result<(), CommandError> {
        match self {
            Self::Remote(_, path) if !path.starts_with('/') => {
                Err(CommandError::new("must specify absolute paths for processes"))
            }
            _ => Ok(()),
        }
    }
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    args.source.check()?;
    args.destination.check()?;
    let app = cx.app()?;
    let rack = cx.rack().await?;
    let copy = Copy { cx, rack: &rack, app: &app, tar_extra: args.tar_extra };
    // What is half done is removed before a signal ends the run.
    let _claim = signals::claim();
    tokio::select! {
        biased;
        copied = copy.run(&args.source, &args.destination) => copied?,
        signal = signals::received() => return Err(CommandError::ended(signal)),
    }
    Ok(Outcome::streamed())
}

struct Copy<'a> {
    cx: &'a Context,
    rack: &'a Rack,
    app: &'a AppName,
    tar_extra: Option<String>,
}

impl Copy<'_> {
    async fn run(&self, source: &Side, destination: &Side) -> Result<(), CommandError> {
        match (source, destination) {
            (Side::Local(source), Side::Remote(process, path)) => {
                self.send(&self.cx.path(source)?, process, path).await
            }
            (Side::Remote(process, path), Side::Local(destination)) => {
                self.fetch(process, path, &self.cx.path(destination)?).await
            }
            (Side::Remote(from, path), Side::Remote(to, other)) => {
                let directory = tempfile::tempdir_in(self.cx.path(Path::new("."))?)
                    .map_err(|error| CommandError::while_doing("can't keep the files", error))?;
                let kept = directory.path().join("kept");
                self.fetch(from, path, &kept).await?;
                self.send(&kept, to, other).await
            }
            (Side::Local(_), Side::Local(_)) => {
                Err(CommandError::new("neither side is in a process")
                    .hint("name a process before one of the paths: PROCESS:/PATH")
                    .hint(Hint::command("list processes with", "ps")))
            }
        }
    }

    async fn send(
        &self,
        source: &Path,
        process: &ProcessId,
        path: &str,
    ) -> Result<(), CommandError> {
        if let Err(error) = std::fs::symlink_metadata(source) {
            return Err(unreadable(source, error));
        }
        let tree = TreeUpload::new(source.to_owned(), PathBuf::from(path));
        let source = Source::counted(Arc::new(tree));
        let options: Vec<String> = self.tar_extra.iter().cloned().collect();
        let sending = self.rack.upload_files(self.app, process, source.body(), &options);
        let ended = |signal| {
            CommandError::ended_while(signal, "a part of it may have been copied")
                .hint("copy it again to complete it")
        };
        upload(self.cx, "Copying", &source, sending, ended).await
    }

    async fn fetch(
        &self,
        process: &ProcessId,
        path: &str,
        destination: &Path,
    ) -> Result<(), CommandError> {
        let download = self.rack.download_files(self.app, process, path).await;
        let download = download.map_err(|error| match error.refusal() {
            Some(Refusal::Other) if error.status().is_some_and(|status| status < 500) => {
                let look = Hint::command("look at the files with", "exec").arg(process);
                CommandError::from(error).hint(look.arg("ls").app(self.app))
            }
            _ => error.into(),
        })?;
        let fetched = fetch(self.cx, download, destination).await?;
        let found = find(fetched.path(), path)
            .ok_or_else(|| CommandError::new(format!("the rack sent nothing for {path}")))?;
        let name = found.file_name().unwrap_or(OsStr::new("")).to_owned();
        put(&found, destination, &name).map_err(|error| unwritable(destination, error))
    }
}

/// Where in an archive the path is that was asked for: racks give entries their full path; some
/// give them only the last part of it.
fn find(archive: &Path, path: &str) -> Option<PathBuf> {
    let path = path.trim_matches('/');
    let last = path.rsplit('/').next().unwrap_or_default();
    let mut candidates = [archive.join(path), archive.join(last)].into_iter();
    candidates.find(|candidate| candidate.symlink_metadata().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colon_before_any_slash_names_a_process() {
        let side = |text: &str| text.parse::<Side>().unwrap();
        let remote = |path: &str| Side::Remote(ProcessId::from_rack("web-1"), path.to_owned());
        assert_eq!(side("web-1:/srv/app"), remote("/srv/app"));
        assert_eq!(side("web-1:"), remote(""));
        for local in ["notes.txt", "./a:b", "/a:b", ":x", "."] {
            assert_eq!(side(local), Side::Local(local.into()));
        }
        assert!(side("web-1:in.txt").check().is_err());
        assert!(side("web-1:/in.txt").check().is_ok());
    }
}
