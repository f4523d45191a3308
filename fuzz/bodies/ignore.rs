//! Ignore files: the file, a NUL, and one path per line.

use convox_package::ignore::Rules;

pub(crate) fn check(bytes: &[u8]) {
    let at = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (file, paths) = bytes.split_at(at);
    let rules = match Rules::parse(file) {
        Ok(rules) => rules,
        Err(error) => {
            let lines = file.split(|byte| *byte == b'\n').count();
            assert!((1..=lines).contains(&error.line), "{error}");
            return;
        }
    };
    for path in paths.split(|byte| matches!(byte, 0 | b'\n')) {
        let before = rules.excludes(path);
        assert_eq!(before, rules.excludes(path), "the same again");
        if is_plain(path) {
            check_last_rule(file, path);
        }
    }
}

/// The last rule that matches decides.
fn check_last_rule(file: &[u8], path: &[u8]) {
    let pattern = literal(path);
    let out = Rules::parse(&[file, b"\n", &pattern].concat()).unwrap();
    assert!(out.excludes(path), "{}", path.escape_ascii());
    assert!(out.excludes(&[path, b"/below"].concat()), "{}", path.escape_ascii());
    let back = Rules::parse(&[file, b"\n", &pattern, b"\n!", &pattern].concat()).unwrap();
    assert!(!back.excludes(path), "{}", path.escape_ascii());
}

/// Whether a line of an ignore file can match exactly this path.
fn is_plain(path: &[u8]) -> bool {
    let odd = |part: &[u8]| matches!(part, b"" | b"." | b"..");
    let text = String::from_utf8_lossy(path);
    text.trim() == text && !path.contains(&b'\r') && !path.split(|b| *b == b'/').any(odd)
}

fn literal(path: &[u8]) -> Vec<u8> {
    let escaped = |byte: &u8| match byte {
        b'/' | 0x80.. => vec![*byte],
        byte if byte.is_ascii_alphanumeric() => vec![*byte],
        byte => vec![b'\\', *byte],
    };
    path.iter().flat_map(escaped).collect()
}
