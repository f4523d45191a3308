//! Shows long texts on a terminal, through the programs that people have chosen for it.

use std::ffi::OsStr;
use std::io;
use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use crate::signals;

/// The pager if `PAGER` names none.
const PAGER: &str = "less";

/// Shows a manual page with `man`, which formats it and starts its own pager. Returns `false` if
/// `man` is not installed or can't show it.
///
/// # Errors
/// The program was started, but can't be waited for.
pub(crate) async fn show_manual_page(page: &str) -> io::Result<bool> {
    show(Command::new("man").args(["-l", "-"]), page).await
}

/// Shows a text with `pager`, a line for a shell, or with less. Returns `false` if it is not
/// installed or fails.
///
/// # Errors
/// The program was started, but can't be waited for.
pub(crate) async fn show_text(pager: Option<&OsStr>, text: &str) -> io::Result<bool> {
    match pager {
        Some(pager) => show(Command::new("sh").arg("-c").arg(pager), text).await,
        None => show(&mut Command::new(PAGER), text).await,
    }
}

async fn show(command: &mut Command, text: &str) -> io::Result<bool> {
    // Ctrl-C is for the pager.
    let claim = signals::claim();
    let Ok(mut child) = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn() else {
        return Ok(false);
    };
    let shown = write_and_wait(&mut child, text);
    let ignored = async {
        loop {
            signals::received().await;
        }
    };
    let shown = tokio::select! {
        shown = shown => shown,
        () = ignored => Ok(true),
    };
    claim.release().await;
    shown
}

async fn write_and_wait(child: &mut Child, text: &str) -> io::Result<bool> {
    if let Some(mut stdin) = child.stdin.take() {
        // A pager that is left early closes its input.
        let _ = stdin.write_all(text.as_bytes()).await;
    }
    Ok(child.wait().await?.success())
}
