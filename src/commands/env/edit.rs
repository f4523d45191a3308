use std::io::Write;
use std::path::Path;

use tempfile::NamedTempFile;

use super::set::{ThenFlags, outcome};
use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::event::Event;
use crate::flows::environment::{Change, change, read};
use crate::outcome::Outcome;
use crate::programs::editor::{self, EditorError};
use convox_wire::{AppName, EnvVar, Environment};

/// Edit the environment of an app in an editor
///
/// Opens VISUAL, or else EDITOR, or else vi, and creates a release if something has changed.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  convox env edit\n  EDITOR='code --wait' convox env edit --promote"
)]
pub(crate) struct Args {
    #[command(flatten)]
    then: ThenFlags,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let rack = cx.rack().await?;
    let after = args.then.then();
    let before = read(&rack, &app, after.base.as_ref()).await?.env;
    let file = EditedFile::create(cx, &app, &before)?;
    editor::edit(cx.settings.env.editor.as_deref(), file.path()).await.map_err(
        |error| match error {
            EditorError::Ended(signal) => CommandError::ended(signal),
            error => CommandError::new(error).hint("set EDITOR to the editor of your choice"),
        },
    )?;
    let edited = file.read()?;
    let pairs = match EnvVar::parse_lines(&edited) {
        Ok(pairs) => pairs,
        Err(error) => return Err(file.keep(CommandError::new(error))),
    };
    if is_same(&pairs, &before) {
        cx.emit(Event::Line("No changes".to_owned()))?;
        return Ok(outcome(app, None));
    }
    let changed = change(cx, &rack, &app, Change::Replace(pairs), after).await;
    match changed {
        Ok(release) => Ok(outcome(app, release)),
        Err(error) => Err(file.keep(error)),
    }
}

fn is_same(pairs: &[EnvVar], before: &Environment) -> bool {
    let mut edited = Environment::default();
    pairs.iter().cloned().for_each(|pair| edited.set(pair));
    edited.iter().eq(before.iter())
}

/// The environment in a file that only this user can read. It is removed on every way out, unless
/// the edited text would be lost.
struct EditedFile {
    file: NamedTempFile,
}

impl EditedFile {
    fn create(cx: &Context, app: &AppName, env: &Environment) -> Result<Self, CommandError> {
        let failed = |error| CommandError::while_doing("can't write a temporary file", error);
        // Temporary files have mode 0600.
        let mut file = tempfile::Builder::new()
            .prefix(&format!("{app}-"))
            .suffix(".env")
            .tempfile_in(cx.settings.temp_dir())
            .map_err(failed)?;
        let text = env.iter().map(|(key, value)| format!("{key}={value}\n")).collect::<String>();
        file.write_all(text.as_bytes()).map_err(failed)?;
        Ok(Self { file })
    }

    fn path(&self) -> &Path {
        self.file.path()
    }

    /// Reads the file by its name: editors replace it by another.
    fn read(&self) -> Result<String, CommandError> {
        std::fs::read_to_string(self.path())
            .map_err(|error| CommandError::while_doing("can't read the edited file", error))
    }

    /// Keeps the file, and says where it is.
    fn keep(self, error: CommandError) -> CommandError {
        let path = self.path().to_owned();
        match self.file.keep() {
            Ok(_) => error.hint(
                Hint::command(
                    format!("the edited text is kept in {}; set it with", path.display()),
                    "env set",
                )
                .arg("--replace"),
            ),
            Err(_) => error,
        }
    }
}
