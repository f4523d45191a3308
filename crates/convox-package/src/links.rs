//! Following symlinks the way a rack will after unpacking: within the archive.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::names;

/// The number of symlinks that Linux follows in one path.
const MOST_LINKS: usize = 40;

/// Returns everything that has to be in the archive for `name` to resolve: the symlinks on the way,
/// and the file (which need not exist). Returns `None` if a link is absolute, leads out of `root`,
/// or is part of a loop.
pub(super) fn follow(root: &Path, name: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (mut found, mut reached) = (Vec::new(), Vec::<Vec<u8>>::new());
    let mut ahead = parts(name);
    while let Some(part) = ahead.pop_front() {
        if part == b".." {
            reached.pop()?;
            continue;
        }
        reached.push(part);
        let path = reached.join(&b'/');
        let Ok(target) = fs::read_link(root.join(names::path(&path))) else { continue };
        if target.is_absolute() || found.len() == MOST_LINKS {
            return None;
        }
        found.push(path);
        reached.pop();
        parts(target.as_os_str().as_bytes())
            .into_iter()
            .rev()
            .for_each(|part| ahead.push_front(part));
    }
    found.push(reached.join(&b'/'));
    Some(found)
}

fn parts(name: &[u8]) -> VecDeque<Vec<u8>> {
    let parts = name.split(|&byte| byte == b'/');
    parts.filter(|part| !matches!(*part, b"" | b".")).map(<[u8]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn followed(links: &[(&str, &str)], name: &str) -> Option<Vec<String>> {
        let dir = tempfile::tempdir().unwrap();
        for (name, target) in links {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            symlink(target, path).unwrap();
        }
        let names = follow(dir.path(), name.as_bytes())?;
        Some(names.into_iter().map(|name| String::from_utf8(name).unwrap()).collect())
    }

    #[test]
    fn links_are_followed_component_by_component() {
        let links = [
            ("svc", "./deep/real/"),
            ("deep/real", "../other/x/.."),
            ("other/x", "../far/y"),
            ("far/D", "E"),
        ];
        let wanted = ["svc", "deep/real", "other/x", "far/D", "far/E"];
        assert_eq!(followed(&links, "svc/D").unwrap(), wanted);
        assert_eq!(followed(&[], "svc/D").unwrap(), ["svc/D"]);
    }

    #[test]
    fn a_link_that_leads_out_or_to_itself_is_not_followed() {
        for target in ["/etc/passwd", "..", "sub/../../x", "f", "f/g"] {
            assert_eq!(followed(&[("f", target)], "f"), None, "{target}");
        }
    }
}
