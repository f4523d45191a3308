//! A source directory that has been checked and can be packed.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{PackageError, Role, Warning};
use super::ignore::Rules;
use super::links;
use super::manifest::{self, ManifestFile};
use super::names;
use super::read_file::read_file;
use super::system_error::SystemError;

/// The ignore file. Only the one in the root counts; others are ordinary files.
const IGNORE_FILE: &str = ".dockerignore";

/// A source directory that exists, is not empty, and has a readable manifest and a valid ignore
/// file. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Source(Arc<Checked>);

#[derive(Debug)]
struct Checked {
    root: PathBuf,
    manifest: ManifestFile,
    rules: Rules,
    always_sent: BTreeSet<Vec<u8>>,
    warnings: Vec<Warning>,
}

impl Source {
    /// Checks `dir`. The manifest is `manifest` (absolute, or relative to `dir`) if given, else
    /// `convox.yml`, else `docker-compose.yml`.
    ///
    /// # Errors
    /// Fails if the directory is missing, empty, unreadable, or not a directory; if the manifest is
    /// missing, unreadable, not a regular file, or outside of `dir` (possibly through a symlink);
    /// if `.dockerignore` is unreadable, not a regular file, or has a syntax error.
    pub fn open(dir: &Path, manifest: Option<&Path>) -> Result<Self, PackageError> {
        let root = root_of(dir)?;
        let (manifest, text) = manifest::find(&root, manifest)?;
        let rules = read_rules(&root.join(IGNORE_FILE))?;
        let dockerfiles = manifest::dockerfiles(&text);
        let mut warnings = Vec::new();
        if dockerfiles.is_none() && !rules.is_empty() {
            warnings.push(Warning::UnknownDockerfiles(manifest.name.clone()));
        }
        let always_sent = always_sent(&root, &manifest, dockerfiles.unwrap_or_default())?;
        Ok(Self(Arc::new(Checked { root, manifest, rules, always_sent, warnings })))
    }

    /// Returns the absolute path of the directory, with symlinks resolved.
    pub fn root(&self) -> &Path {
        &self.0.root
    }

    /// Returns the manifest in use.
    pub fn manifest(&self) -> &ManifestFile {
        &self.0.manifest
    }

    /// Returns warnings that are known before anything is packed.
    pub(super) fn warnings(&self) -> &[Warning] {
        &self.0.warnings
    }

    /// Returns the rules of the ignore file.
    pub(super) fn rules(&self) -> &Rules {
        &self.0.rules
    }

    /// Returns whether this file is sent whatever the ignore file says.
    pub(super) fn is_always_sent(&self, path: &[u8]) -> bool {
        self.0.always_sent.contains(path)
    }

    /// Returns whether there may be a file that is always sent below this directory, whose path
    /// ends in a slash.
    pub(super) fn has_always_sent_below(&self, directory: &[u8]) -> bool {
        let after = self.0.always_sent.range(directory.to_vec()..);
        after.into_iter().next().is_some_and(|path| path.starts_with(directory))
    }

    /// Returns the error of reading `path`, which is relative to the root.
    pub(super) fn unreadable(&self, path: &[u8], e: impl Into<SystemError>) -> PackageError {
        let path = path.strip_suffix(b"/").unwrap_or(path);
        PackageError::reading(self.root().join(names::path(path)), self.role(path), e)
    }

    /// Returns the error for a `path` that has changed during packing.
    pub(super) fn changed(&self, path: &[u8]) -> PackageError {
        self.unreadable(path, io::Error::from(io::ErrorKind::NotFound))
    }

    fn role(&self, path: &[u8]) -> Role {
        if path.is_empty()
            || self.is_always_sent(path)
            || self.has_always_sent_below(&[path, b"/"].concat())
        {
            return Role::Required;
        }
        // a path that is read although a rule covers it is included by a `!` rule
        match self.rules().judge_path(path).is_decided() {
            true => Role::Readmitted,
            false => Role::Optional,
        }
    }
}

fn root_of(dir: &Path) -> Result<PathBuf, PackageError> {
    let root = dir.canonicalize().map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => PackageError::NoDirectory(dir.to_owned()),
        io::ErrorKind::NotADirectory => PackageError::NotADirectory(dir.to_owned()),
        _ => PackageError::reading(dir, Role::Required, e),
    })?;
    if !root.is_dir() {
        return Err(PackageError::NotADirectory(dir.to_owned()));
    }
    let mut entries =
        fs::read_dir(&root).map_err(|e| PackageError::reading(dir, Role::Required, e))?;
    match entries.next() {
        None => Err(PackageError::Empty(dir.to_owned())),
        Some(Err(e)) => Err(PackageError::reading(dir, Role::Required, e)),
        Some(Ok(_)) => Ok(root),
    }
}

/// Returns the files that are sent whatever the ignore file says, with the symlinks on the way to
/// them and their targets.
fn always_sent(
    root: &Path,
    manifest: &ManifestFile,
    dockerfiles: Vec<Vec<u8>>,
) -> Result<BTreeSet<Vec<u8>>, PackageError> {
    let leads_out =
        || PackageError::ManifestLeadsOut { path: manifest.name.clone(), root: root.to_owned() };
    let names = links::follow(root, manifest.name.as_os_str().as_bytes()).ok_or_else(leads_out)?;
    let mut sent = BTreeSet::from_iter(names);
    let defaults = [IGNORE_FILE.into(), b"Dockerfile".to_vec()];
    for name in dockerfiles.into_iter().chain(defaults) {
        sent.extend(links::follow(root, &name).unwrap_or_default());
        sent.insert(name);
    }
    Ok(sent)
}

fn read_rules(path: &Path) -> Result<Rules, PackageError> {
    let text = read_file(path, PackageError::IgnoreNotAFile)?.unwrap_or_default();
    Rules::parse(&text).map_err(|source| PackageError::Ignore { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::super::manifest::ManifestChoice;
    use super::*;

    fn source_dir(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    fn refusal(dir: &Path, manifest: Option<&str>) -> String {
        Source::open(dir, manifest.map(Path::new)).unwrap_err().to_string()
    }

    #[test]
    fn convox_yml_is_the_default_manifest() {
        let dir = source_dir(&[("convox.yml", ""), ("docker-compose.yml", "")]);
        let source = Source::open(dir.path(), None).unwrap();
        let wanted = ManifestFile { name: "convox.yml".into(), choice: ManifestChoice::Default };
        assert_eq!(source.manifest(), &wanted);
    }

    #[test]
    fn docker_compose_yml_is_the_fallback() {
        let dir = source_dir(&[("docker-compose.yml", "")]);
        let source = Source::open(dir.path(), None).unwrap();
        assert_eq!(source.manifest().choice, ManifestChoice::Fallback);
    }

    #[test]
    fn a_named_manifest_may_be_relative_or_absolute() {
        let dir = source_dir(&[("deploy/app.yml", "")]);
        let link = tempfile::tempdir().unwrap();
        symlink(dir.path(), link.path().join("link")).unwrap();
        for name in [
            "deploy/app.yml".into(),
            "./x/../deploy//app.yml".into(),
            dir.path().join("deploy/app.yml"),
            link.path().join("link/deploy/app.yml"),
        ] {
            let source = Source::open(dir.path(), Some(&name)).unwrap();
            assert_eq!(source.manifest().name, Path::new("deploy/app.yml"));
            assert_eq!(source.manifest().choice, ManifestChoice::Explicit);
        }
    }

    #[test]
    fn errors_name_the_directory_that_cannot_be_packed() {
        let dir = source_dir(&[("file", ""), ("convox.yml/file", "")]);
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("empty")).unwrap();
        fs::create_dir(at("bare")).unwrap();
        fs::create_dir(at("bare/directory")).unwrap();
        let shown = |name: &str| at(name).display().to_string();
        let cases = [
            ("gone", format!("no such directory: {}", shown("gone"))),
            ("file", format!("not a directory: {}", shown("file"))),
            ("file/below", format!("not a directory: {}", shown("file/below"))),
            ("empty", format!("directory is empty: {}", shown("empty"))),
            ("bare", format!("no convox.yml or docker-compose.yml in {}", shown("bare"))),
            ("", format!("manifest is not a file: {}", shown("convox.yml"))),
        ];
        for (name, wanted) in cases {
            assert_eq!(refusal(&at(name), None), wanted);
        }
    }

    #[test]
    fn errors_name_the_manifest_that_cannot_be_sent() {
        let dir = source_dir(&[("convox.yml", "")]);
        let missing = format!("no such manifest: {}", dir.path().join("other.yml").display());
        assert_eq!(refusal(dir.path(), Some("other.yml")), missing);
        for name in ["../convox.yml", "/etc/passwd"] {
            let text = refusal(dir.path(), Some(name));
            assert!(text.starts_with(&format!("manifest {name} is outside of")), "{text}");
        }
    }

    #[test]
    fn a_manifest_that_is_a_link_has_to_stay_in_the_directory() {
        let dir = source_dir(&[("sub/real.yml", ""), ("app/inner", "")]);
        let app = dir.path().join("app");
        let root = app.canonicalize().unwrap().display().to_string();
        for target in ["../sub/real.yml".into(), dir.path().join("sub/real.yml")] {
            symlink(target, app.join("convox.yml")).unwrap();
            let wanted = format!("manifest convox.yml is a link that leads out of {root}");
            assert_eq!(refusal(&app, None), wanted);
            fs::remove_file(app.join("convox.yml")).unwrap();
        }
    }

    #[test]
    fn a_syntax_error_in_the_ignore_file_is_reported_with_its_line() {
        let dir = source_dir(&[("convox.yml", ""), (".dockerignore", "a\n!\n")]);
        let path = dir.path().join(".dockerignore");
        let wanted = format!("{}: line 2: illegal exclusion pattern: \"!\"", path.display());
        assert_eq!(refusal(dir.path(), None), wanted);
    }

    #[test]
    fn an_ignore_file_that_is_not_a_regular_file_is_refused_without_blocking() {
        let dir = source_dir(&[("convox.yml", "")]);
        let path = dir.path().canonicalize().unwrap().join(IGNORE_FILE);
        let wanted = format!("ignore file is not a file: {}", path.display());
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert_eq!(refusal(dir.path(), None), wanted);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(refusal(dir.path(), None), wanted);
        fs::remove_dir(&path).unwrap();
        symlink("/dev/null", &path).unwrap();
        assert_eq!(refusal(dir.path(), None), wanted);
    }

    #[test]
    fn a_manifest_or_ignore_file_of_excessive_size_is_not_read() {
        let dir = source_dir(&[("convox.yml", "")]);
        let root = dir.path().canonicalize().unwrap();
        for name in [IGNORE_FILE, "convox.yml"] {
            let file = fs::File::create(dir.path().join(name)).unwrap();
            file.set_len(3 << 30).unwrap();
            let wanted = format!("{} is larger than 16 MB", root.join(name).display());
            assert_eq!(refusal(dir.path(), None), wanted);
        }
    }

    #[test]
    fn advice_to_ignore_a_file_is_given_only_if_that_works() {
        let manifest = "services: {web: {build: svc}, api: {build: left/out}}";
        let rules = "vendor\n!vendor/**/keep\nleft\n*.log\n!a.log\n";
        let dir = source_dir(&[("convox.yml", manifest), (".dockerignore", rules)]);
        let source = Source::open(dir.path(), None).unwrap();
        let cases = [
            ("", Role::Required),
            ("convox.yml", Role::Required),
            (".dockerignore", Role::Required),
            ("svc/Dockerfile", Role::Required),
            ("left/", Role::Required),
            ("left/out/", Role::Required),
            ("svc/", Role::Required),
            ("svc/key.pem", Role::Optional),
            ("lib/", Role::Optional),
            ("vendor/", Role::Readmitted),
            ("vendor/private/", Role::Readmitted),
            ("vendor/private/keep", Role::Readmitted),
            ("a.log", Role::Readmitted),
        ];
        for (path, role) in cases {
            let denied = || io::Error::from_raw_os_error(13);
            let PackageError::Unreadable { role: found, path: full, .. } =
                source.unreadable(path.as_bytes(), denied())
            else {
                panic!("{path}");
            };
            assert_eq!(found, role, "{path:?}");
            let root = dir.path().canonicalize().unwrap();
            assert_eq!(full, root.join(path.trim_end_matches('/')));
            let advice = source.unreadable(path.as_bytes(), denied()).advice().unwrap();
            assert_eq!(advice.contains(".dockerignore"), role != Role::Required, "{path:?}");
            assert_eq!(advice.contains("after the ! rules"), role == Role::Readmitted);
        }
    }

    #[test]
    fn the_root_is_absolute_without_symlinks() {
        let dir = source_dir(&[("app/convox.yml", "")]);
        symlink("app", dir.path().join("link")).unwrap();
        let source = Source::open(&dir.path().join("link"), None).unwrap();
        assert_eq!(source.root(), dir.path().join("app").canonicalize().unwrap());
    }
}
