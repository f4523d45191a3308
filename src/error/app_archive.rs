//! Errors of archives of apps.

use super::{CommandError, Hint, from_complete_error};
use crate::app_archive::AppArchiveError;

impl From<AppArchiveError> for CommandError {
    fn from(error: AppArchiveError) -> Self {
        let hint = match &error {
            AppArchiveError::Kept(_) => {
                "check the free space of the temporary directory, or set TMPDIR to another one"
                    .into()
            }
            AppArchiveError::Unpack(_) | AppArchiveError::App(_) => {
                Hint::command("nothing was created; export the app with", "apps export")
            }
        };
        from_complete_error(error).hint(hint)
    }
}
