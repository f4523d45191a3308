//! Saves what can be read of a damaged database, and keeps the damaged file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::lock::Lock;
use super::{DaemonError, RackError, at};
use crate::clock::Clock;
use crate::directories::{self, Directories};
use crate::removal;
use crate::store::{self, Salvaged, Step, Store, StoreError};

/// A step that takes longer reads damaged pages in a circle.
const STEP_LIMIT: Duration = Duration::from_secs(60);

/// A database that was recovered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// What was saved.
    pub salvaged: Salvaged,
    /// Where the damaged file is kept.
    pub damaged: PathBuf,
}

/// The files of a recovery, beside the database.
struct Files {
    database: PathBuf,
    /// A copy of the damaged file for each step, which may change it.
    scratch: PathBuf,
    salvaged: PathBuf,
}

impl Files {
    fn new(data: &Path) -> Self {
        let database = Directories::new(data.to_owned()).database();
        let beside = |extension| database.with_extension(extension);
        Self { scratch: beside("redb.scratch"), salvaged: beside("redb.salvaged"), database }
    }

    fn remove_temporary(&self) -> Result<(), DaemonError> {
        for file in [&self.scratch, &self.salvaged] {
            removal::remove(file).map_err(at(file))?;
        }
        Ok(())
    }
}

/// Replaces the database of a data directory by what can be read of it, if it is damaged. `program`
/// is started with `arguments` and the name of a step for each [`Step`], and has to call
/// [`recover_step`]. The damaged file is kept. Returns `None` if there is nothing to recover.
///
/// # Errors
/// Fails if a rack is running, or if a file can't be written.
pub async fn recover(
    data: &Path,
    program: &Path,
    arguments: &[&str],
) -> Result<Option<Recovered>, DaemonError> {
    let files = Files::new(data);
    if !files.database.exists() {
        return Ok(None);
    }
    let held = Lock::hold(data).await?;
    match Store::open(&files.database) {
        Err(StoreError::Damaged(..)) => (),
        Err(error) => return Err(RackError::from(error).into()),
        Ok(_) => return Ok(None),
    }
    files.remove_temporary()?;
    for (name, _) in Step::ALL {
        fs::copy(&files.database, &files.scratch).map_err(at(&files.scratch))?;
        let mut step = Command::new(program);
        step.args(arguments).arg(name).env("CONVOX_DATA", data).kill_on_drop(true);
        step.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        run_step(step).await.map_err(at(program))?;
    }
    let salvaged = store::finish_salvage(&files.salvaged).map_err(RackError::from)?;
    let damaged = keep(&files.database)?;
    fs::rename(&files.salvaged, &files.database).map_err(at(&files.database))?;
    files.remove_temporary()?;
    directories::sync(data).map_err(at(data))?;
    drop(held);
    Ok(Some(Recovered { salvaged, damaged }))
}

/// Runs a step to its end. One that fails or crashes has stored what it could read.
async fn run_step(mut step: Command) -> io::Result<()> {
    let mut child = step.spawn()?;
    if timeout(STEP_LIMIT, child.wait()).await.is_err() {
        // The next step can't open the database before it has ended.
        child.kill().await?;
    }
    Ok(())
}

/// Gives the damaged file a second name, so that there is a database at any time.
fn keep(database: &Path) -> Result<PathBuf, DaemonError> {
    let now = Clock::system().now().format("%Y%m%dT%H%M%S");
    let kept = database.with_extension(format!("redb.damaged-{now}"));
    fs::hard_link(database, &kept).map_err(at(&kept))?;
    Ok(kept)
}

/// Performs a step of a recovery. May end the process: the rest of the step is lost then.
///
/// # Errors
/// Fails if the database can't be read at all.
pub fn recover_step(data: &Path, step: Step) -> Result<(), DaemonError> {
    let files = Files::new(data);
    Ok(step.run(&files.scratch, &files.salvaged).map_err(RackError::from)?)
}
