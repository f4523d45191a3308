//! File names as bytes: displaying them, and cleaning them as Go's `filepath.Clean` does.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Displays a path: invalid UTF-8 becomes `\u{fffd}`, control characters are escaped.
pub(super) struct DisplayPath<'a>(pub(super) &'a Path);

impl fmt::Display for DisplayPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.to_string_lossy().chars() {
            match c.is_control() {
                true => write!(f, "{}", c.escape_default())?,
                false => write!(f, "{c}")?,
            }
        }
        Ok(())
    }
}

/// Returns the path with these bytes.
pub(super) fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

/// Returns the shortest equivalent of a path: without empty and `.` components, with `..` resolved
/// where possible, without a slash at the end; `.` if nothing remains.
pub(super) fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.first() == Some(&b'/');
    let mut kept: Vec<&[u8]> = Vec::new();
    for part in path.split(|&b| b == b'/') {
        match part {
            b"" | b"." => {}
            b".." if kept.last().is_some_and(|&last| last != b"..") => {
                kept.pop();
            }
            b".." if rooted => {}
            part => kept.push(part),
        }
    }
    let joined = kept.join(&b'/');
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/", joined.as_slice()].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}

/// Returns `base/name`, cleaned; `None` if that is absolute, or outside of the directory that
/// `base` is relative to.
pub(super) fn inside(base: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    let joined = clean(&[base, b"/", name].concat().split_off(usize::from(base.is_empty())));
    let leaves = joined.first() == Some(&b'/') || joined == b".." || joined.starts_with(b"../");
    (!leaves && joined != b".").then_some(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleaning_follows_go() {
        let cases = [
            ("", "."),
            ("a/b", "a/b"),
            ("a//b/", "a/b"),
            ("./a/./b", "a/b"),
            ("a/../b", "b"),
            ("a/..", "."),
            ("../a", "../a"),
            ("a/../../b", "../b"),
            ("../../a", "../../a"),
            ("/", "/"),
            ("/../a", "/a"),
            ("//a/", "/a"),
        ];
        for (given, wanted) in cases {
            assert_eq!(clean(given.as_bytes()), wanted.as_bytes(), "{given}");
        }
    }

    #[test]
    fn a_joined_name_that_leads_outside_is_refused() {
        let case = |base: &str, name: &str| inside(base.as_bytes(), name.as_bytes());
        assert_eq!(case(".", "Dockerfile").as_deref(), Some(&b"Dockerfile"[..]));
        assert_eq!(case("", "Dockerfile").as_deref(), Some(&b"Dockerfile"[..]));
        assert_eq!(case("web", "../Dockerfile").as_deref(), Some(&b"Dockerfile"[..]));
        assert_eq!(case("web", "../../Dockerfile"), None);
        assert_eq!(case("/etc", "passwd"), None);
        assert_eq!(case("", "/etc/passwd"), None);
        assert_eq!(case("a", ".."), None);
    }

    #[test]
    fn control_characters_and_invalid_utf8_are_escaped() {
        let name = path(b"a\x1b[31m\xffb\n");
        assert_eq!(DisplayPath(&name).to_string(), "a\\u{1b}[31m\u{fffd}b\\n");
    }
}
