//! `env edit`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use snapbox::str;

use crate::support::{Story, Terminal, until};

/// A story whose editor is a shell script; `$1` is the file, and `$convox` the program under test.
fn with_editor(script: &str) -> Story {
    let mut story = Story::deployed("web");
    story.run("convox env set A=1 B=2 --promote").ok();
    edit_with(&mut story, script);
    story
}

fn edit_with(story: &mut Story, script: &str) {
    let convox = env!("CARGO_BIN_EXE_convox");
    story.write("editor.sh", &format!("convox={convox}\n{script}\n"));
    story.set("EDITOR", format!("sh {}", story.path("web/editor.sh").display()));
}

fn files_in(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn what_was_edited_is_set_and_unset_and_the_file_is_private_and_removed() {
    let story =
        with_editor("stat -c '%a %n' \"$1\" > seen\nprintf '# note\\nA=one\\n\\nC=3\\n' > \"$1\"");
    story.run("convox env edit").code(0).out(str![[r#"
Setting A, C... OK
Release: RCCCCCCCCCC
"#]]);
    story.run("convox env").prints(str![[r#"
A=one
C=3
"#]]);
    let seen = fs::read_to_string(story.path("web/seen")).unwrap();
    let (mode, file) = seen.trim().split_once(' ').unwrap();
    assert_eq!(mode, "600");
    assert!(!PathBuf::from(file).exists(), "{file} is left");
}

#[test]
fn variables_that_others_set_meanwhile_are_kept() {
    let story =
        with_editor("$convox env set OTHER=x A=theirs >/dev/null 2>&1\nsed -i s/B=2/B=3/ \"$1\"");
    story.run("convox env edit").code(0).stdout_contains("Setting A, B... OK\n");
    story.run("convox env").prints(str![[r#"
A=theirs
B=3
OTHER=x
"#]]);
}

#[test]
fn without_a_change_there_is_no_release() {
    let mut story = with_editor(":");
    let before = story.run("convox releases --json").json();
    story.run("convox env edit").prints(str!["No changes"]);
    edit_with(&mut story, "printf 'B=2\\nA=1\\n' > \"$1\"");
    story.run("convox env edit").prints(str!["No changes"]);
    assert_eq!(story.run("convox releases --json").json(), before);
}

#[test]
fn a_file_that_was_emptied_removes_every_variable() {
    let story = with_editor(": > \"$1\"");
    story.run("convox env edit").code(0).stdout_contains("Unsetting A, B... OK\n");
    story.run("convox env").prints("");
}

#[test]
fn text_that_can_not_be_set_is_kept_where_it_was_and_not_shown() {
    for (script, problem) in [
        ("printf 'A=1\\nhunter4\\n' > \"$1\"", "ERROR: line 2: KEY=VALUE expected\n"),
        ("printf 'A=\\377hunter4\\n' > \"$1\"", "ERROR: can't read the edited file: "),
        ("echo C=hunter4 >> \"$1\"; exit 3", "ERROR: the editor failed: exit status: 3\n"),
    ] {
        let mut story = with_editor(script);
        let temporary = story.path("temporary");
        fs::create_dir(&temporary).unwrap();
        story.set("TMPDIR", temporary.as_os_str());
        let ran = story.run("convox env edit");
        ran.code(1).stderr_contains(problem).stderr_contains(
            "HINT: the edited text is kept; set it with: convox env set --replace -a web < ",
        );
        assert!(!ran.err.contains("hunter4"), "{ran}");
        let [file] = files_in(&temporary).try_into().unwrap();
        let text = fs::read(&file).unwrap();
        assert!(text.windows(7).any(|part| part == b"hunter4"), "{script}");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn without_an_editor_and_a_terminal_nothing_is_edited() {
    let story = Story::deployed("web");
    story.run("convox env edit").fails(str![[r#"
ERROR: the default editor, vi, needs a terminal
HINT: set EDITOR to the editor of your choice
HINT: set variables without an editor with: convox env set 'KEY=VALUE' -a web
"#]]);
}

#[test]
fn an_editor_that_fails_without_an_edit_leaves_no_file() {
    let mut story = with_editor("exit 1");
    story.run("convox env edit").fails(str![[r#"
ERROR: the editor failed: exit status: 1
HINT: set EDITOR to the editor of your choice
"#]]);
    story.set("EDITOR", "no-such-editor --wait");
    let ran = story.run("convox env edit");
    ran.code(1).stderr_contains("ERROR: the editor was not found: no-such-editor --wait\n");
}

#[test]
fn an_editor_that_ends_by_ctrl_c_may_still_have_saved() {
    // The editor's end and the signal arrive together, in any order.
    let mut story = with_editor("");
    story.set("TERM", "xterm");
    for round in 0..8 {
        let script =
            format!("echo ROUND={round} >> \"$1\"\ntrap 'exit 0' INT\nkill -INT 0\nsleep 5");
        edit_with(&mut story, &script);
        let (code, seen) = story.on_terminal("convox env edit").end();
        assert_eq!(code, 0, "{seen}");
    }
}

#[test]
fn ctrl_c_is_for_the_editor() {
    let mut story = with_editor(
        "trap 'echo C=3 >> \"$1\"; exit 0' INT\necho ready\nwhile :; do read line || sleep 0.05; done",
    );
    story.set("TERM", "xterm");
    let mut terminal: Terminal = story.on_terminal("convox env edit");
    until("the editor", || terminal.seen().contains("ready").then_some(()));
    terminal.types("\u{3}");
    let (code, seen) = terminal.end();
    assert_eq!(code, 0, "{seen}");
    assert!(seen.contains("Setting A, B, C... "), "{seen}");
}
