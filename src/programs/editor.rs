//! The user's editor.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::ExitStatus;

use tokio::process::{Child, Command};

use crate::signals::{self, EndSignal};

/// The editor if the environment names none (POSIX).
const EDITOR: &str = "vi";

/// Why a file was not edited.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EditorError {
    /// The shell could not be started.
    #[error("the editor can't be started: {0}")]
    Start(#[from] io::Error),
    /// There is no such program.
    #[error("the editor was not found: {0}")]
    NotFound(String),
    /// The editor reports a failure.
    #[error("the editor failed: {0}")]
    Failed(ExitStatus),
    /// A signal came that is not meant for the editor.
    #[error("interrupted")]
    Ended(EndSignal),
}

/// Edits a file with `editor`, a line for a shell such as `code --wait`, and waits for its end. On
/// a terminal, Ctrl-C is for the editor; TERM and HUP end it.
///
/// # Errors
/// [`EditorError`].
pub(crate) async fn edit(editor: Option<&OsStr>, file: &Path) -> Result<(), EditorError> {
    let claim = signals::claim();
    let editor = editor.unwrap_or(OsStr::new(EDITOR));
    // In place of the shell, the editor itself gets the signals.
    let mut line = OsStr::new("exec ").to_owned();
    line.push(editor);
    line.push(" \"$@\"");
    let mut command = Command::new("sh");
    command.arg("-c").arg(line).arg("editor").arg(file).kill_on_drop(true);
    let mut child = command.spawn()?;
    let status = wait(&mut child).await?;
    claim.release().await;
    match status.code() {
        Some(0) => Ok(()),
        // POSIX, sh: the command was not found.
        Some(127) => Err(EditorError::NotFound(editor.to_string_lossy().into_owned())),
        _ => Err(EditorError::Failed(status)),
    }
}

async fn wait(child: &mut Child) -> Result<ExitStatus, EditorError> {
    loop {
        tokio::select! {
            ended = child.wait() => return Ok(ended?),
            signal = signals::received() => match signal {
                EndSignal::Interrupt => (),
                signal => return Err(EditorError::Ended(signal)),
            },
        }
    }
}
