//! Errors of packing a source.

use convox_package::PackageError;

use super::{CommandError, from_error};

impl From<PackageError> for CommandError {
    fn from(error: PackageError) -> Self {
        let advice = match &error {
            PackageError::NotADirectory(_) => Some("name the directory that has the convox.yml"),
            PackageError::Empty(_) => Some("name the directory that has the source of the app"),
            PackageError::NoManifest(_) => Some("or name the manifest with --manifest"),
            other => other.advice(),
        };
        let failure = from_error(error);
        match advice {
            Some(advice) => failure.hint(advice),
            None => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use convox_package::Source;

    use super::*;

    #[test]
    fn a_directory_without_a_manifest_gets_a_hint() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("file"), "").unwrap();
        let error = CommandError::from(Source::open(dir.path(), None).unwrap_err());
        assert!(error.message().starts_with("no convox.yml or docker-compose.yml in /"));
        assert_eq!(
            error.hints(),
            [super::super::Hint::from("or name the manifest with --manifest")]
        );
    }

    #[test]
    fn the_reason_is_shown_once() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("convox.yml"), "").unwrap();
        let source = Source::open(dir.path(), None).unwrap();
        let error = convox_package::spool(&source, convox_package::Times::Own, Path::new("/no"));
        let message = CommandError::from(error.unwrap_err()).message();
        assert_eq!(message, "cannot keep the archive in /no: no such file or directory");
    }
}
