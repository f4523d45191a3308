use std::os::unix::fs::PermissionsExt;

use super::*;

const SPEC: FileSpec = FileSpec { expected: "an object of strings", remedy: Remedy::RunAgain };

fn config_dir() -> (tempfile::TempDir, ConfigDir) {
    let home = tempfile::tempdir().unwrap();
    let config = ConfigDir::new(Some(home.path().join("a/convox")));
    (home, config)
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn reading_creates_nothing() {
    let (home, config) = config_dir();
    assert_eq!(config.text("host").unwrap(), None);
    assert_eq!(config.json::<Strings>("auth", SPEC).unwrap(), None);
    assert!(fs::read_dir(home.path()).unwrap().next().is_none());
}

#[test]
fn without_a_home_reads_are_empty_and_writes_fail() {
    let config = ConfigDir::new(None);
    assert_eq!(config.text("host").unwrap(), None);
    let error = config.try_lock().unwrap_err().to_string();
    assert_eq!(error, "no directory for settings: set HOME, or point CONVOX_CONFIG at a directory");
}

#[test]
fn written_files_and_created_directories_are_private() {
    let (_home, config) = config_dir();
    config.writer().write_text("rack-meta/a.json", "one").unwrap();
    config.writer().write_text("rack-meta/a.json", "two").unwrap();
    assert_eq!(config.text("rack-meta/a.json").unwrap().as_deref(), Some("two"));
    let dir = config.dir().unwrap();
    for (path, expected) in
        [("", 0o700), ("rack-meta", 0o700), ("rack-meta/a.json", 0o600), (".lock", 0o600)]
    {
        assert_eq!(mode(&dir.join(path)), expected, "{path}");
    }
    assert_eq!(fs::read_dir(dir.join("rack-meta")).unwrap().count(), 1);
}

#[test]
fn a_world_readable_file_becomes_private_when_written() {
    let (_home, config) = config_dir();
    let path = config.path("auth").unwrap();
    fs::create_dir_all(config.dir().unwrap()).unwrap();
    fs::write(&path, "{}").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    config
        .writer()
        .update_strings("auth", SPEC, |strings| drop(strings.insert("a".into(), "b".into())))
        .unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(fs::read_to_string(&path).unwrap(), "{\n  \"a\": \"b\"\n}");
}

#[test]
fn a_symbolic_link_is_written_through() {
    let (home, config) = config_dir();
    let real = home.path().join("real");
    fs::create_dir_all(config.dir().unwrap()).unwrap();
    fs::write(&real, "old").unwrap();
    std::os::unix::fs::symlink(&real, config.path("host").unwrap()).unwrap();
    config.writer().write_text("host", "new").unwrap();
    assert!(config.path("host").unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&real).unwrap(), "new");
}

#[test]
fn blank_files_and_null_are_absent() {
    let (_home, config) = config_dir();
    for content in ["", " \n", "null"] {
        config.writer().write_text("auth", content).unwrap();
        assert_eq!(config.json::<Strings>("auth", SPEC).unwrap(), None, "{content:?}");
        config.writer().update_strings("auth", SPEC, |_| ()).unwrap();
    }
}

#[test]
fn invalid_content_is_reported_with_the_file_and_a_remedy_but_no_value() {
    let (_home, config) = config_dir();
    for content in ["{", "\"hunter2\"", "{\"a\": [\"hunter2\"]}", "hunter2", "{\"hunter2\":5}"] {
        config.writer().write_text("auth", content).unwrap();
        let error = config.writer().update_strings("auth", SPEC, |_| ()).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("convox/auth is not an object of strings ("), "{shown}");
        assert!(shown.contains("RunAgain"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert_eq!(config.text("auth").unwrap().as_deref(), Some(content), "unchanged");
    }
}

#[test]
fn an_unusable_file_is_named() {
    let (_home, config) = config_dir();
    fs::create_dir_all(config.path("host/below").unwrap()).unwrap();
    assert!(config.text("host").unwrap_err().to_string().contains("a/convox/host: "));
    assert!(
        config
            .writer()
            .write_text("host", "x")
            .unwrap_err()
            .to_string()
            .contains("a/convox/host: ")
    );
}

#[test]
fn concurrent_writers_lose_no_change() {
    let (_home, config) = config_dir();
    std::thread::scope(|scope| {
        for client in 0..8 {
            let config = config.clone();
            scope.spawn(move || {
                for round in 0..10 {
                    let host = format!("host-{client}-{round}");
                    config
                        .writer()
                        .update_strings("auth", SPEC, |strings| {
                            strings.insert(host, "token".into());
                        })
                        .unwrap();
                    assert!(config.json::<Strings>("auth", SPEC).unwrap().is_some());
                }
            });
        }
    });
    assert_eq!(config.json::<Strings>("auth", SPEC).unwrap().unwrap().len(), 80);
}

#[test]
fn a_byte_order_mark_at_the_start_of_a_file_is_dropped() {
    let (_home, config) = config_dir();
    config.writer().write_text("host", "\u{feff}console.test\r\n").unwrap();
    assert_eq!(config.text("host").unwrap().as_deref(), Some("console.test"));
    config.writer().write_text("auth", "\u{feff}{\"a\":\"b\"}").unwrap();
    assert_eq!(config.json::<Strings>("auth", SPEC).unwrap().unwrap()["a"], "b");
}

#[test]
fn the_next_write_removes_what_a_killed_one_left_behind() {
    let (home, config) = config_dir();
    config.writer().write_text("rack-meta/a.json", "one").unwrap();
    let dir = config.dir().unwrap();
    let elsewhere = home.path().join("dotfiles");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("auth"), "{}").unwrap();
    std::os::unix::fs::symlink(elsewhere.join("auth"), dir.join("auth")).unwrap();
    let leftovers =
        [dir.join(".new-abc"), dir.join("rack-meta/.new-abc"), elsewhere.join(".new-abc")];
    for leftover in &leftovers {
        fs::write(leftover, "{\"host\": \"hunter2\"}").unwrap();
    }
    let writer = config.writer();
    writer.write_text("rack-meta/a.json", "two").unwrap();
    writer.write_text("auth", "{}").unwrap();
    assert!(leftovers.iter().all(|leftover| !leftover.exists()));
}

#[test]
fn a_lock_that_is_held_is_not_waited_for() {
    let (_home, config) = config_dir();
    let writer = config.writer();
    assert!(config.clone().try_lock().unwrap().is_none());
    drop(writer);
    assert!(config.try_lock().unwrap().is_some());
}
