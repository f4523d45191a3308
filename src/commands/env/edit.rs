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
use convox_wire::{AppName, EnvVar, Environment, InvalidLine};

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
    let editor = cx.settings.env.editor.as_deref();
    if editor.is_none() && !cx.ui.can_ask() {
        return Err(CommandError::new("the default editor, vi, needs a terminal")
            .hint("set EDITOR to the editor of your choice")
            .hint(
                Hint::command("set variables without an editor with", "env set")
                    .arg("KEY=VALUE")
                    .app(&app),
            ));
    }
    let rack = cx.rack().await?;
    let after = args.then.then();
    let before = text_of(&read(&rack, &app, after.base.as_ref()).await?.env);
    let file = EditedFile::create(cx, &app, &before)?;
    match editor::edit(editor, file.path()).await {
        Ok(()) => {}
        Err(EditorError::Ended(signal)) => return Err(CommandError::ended(signal)),
        Err(error) => {
            let failure = CommandError::new(error).hint("set EDITOR to the editor of your choice");
            let is_edited = file.read().map_or(true, |text| text != before);
            return Err(if is_edited { file.keep(failure) } else { failure });
        }
    }
    let edited = match file.read() {
        Ok(text) => text,
        Err(error) => return Err(file.keep(error)),
    };
    let wanted = match edit_of(&before, &edited) {
        Ok(wanted) => wanted,
        Err(error) => return Err(file.keep(CommandError::new(error))),
    };
    let Some(wanted) = wanted else {
        cx.emit(Event::Line("No changes".to_owned()))?;
        return Ok(outcome(app, None));
    };
    match change(cx, &rack, &app, wanted, after).await {
        Ok(release) => Ok(outcome(app, release)),
        Err(error) => Err(file.keep(error)),
    }
}

/// The lines to edit. Variables that such lines can't represent are left out, and stay as they are.
fn text_of(env: &Environment) -> String {
    let lines = env.iter().map(|(key, value)| format!("{key}={value}\n"));
    lines.filter(|line| EnvVar::parse_lines(line).is_ok_and(|read| !read.is_empty())).collect()
}

/// What was edited, so that it can be applied to what others have changed meanwhile.
fn edit_of(before: &str, edited: &str) -> Result<Option<Change>, InvalidLine> {
    let mut after = Environment::default();
    let pairs = EnvVar::parse_lines(edited)?;
    pairs.iter().cloned().for_each(|pair| after.set(pair));
    let changed = Environment::parse(before).difference(&after);
    if changed.is_empty() {
        return Ok(None);
    }
    let names = pairs.iter().map(|pair| pair.key().to_owned()).collect();
    let set = pairs.into_iter().filter(|pair| changed.iter().any(|key| key == pair.key()));
    let unset = changed.iter().filter(|key| after.get(key).is_none());
    Ok(Some(Change::Edit { names, set: set.collect(), unset: unset.cloned().collect() }))
}

/// The environment in a file that only this user can read. It is removed on every way out, unless
/// the edited text would be lost.
struct EditedFile {
    file: NamedTempFile,
}

impl EditedFile {
    fn create(cx: &Context, app: &AppName, text: &str) -> Result<Self, CommandError> {
        let failed = |error| CommandError::while_doing("can't write a temporary file", error);
        // Temporary files have mode 0600.
        let mut file = tempfile::Builder::new()
            .prefix(&format!("{app}-"))
            .suffix(".env")
            .tempfile_in(cx.settings.temp_dir())
            .map_err(failed)?;
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
                Hint::command("the edited text is kept; set it with", "env set")
                    .arg("--replace")
                    .stdin(&path),
            ),
            Err(_) => error,
        }
    }
}
