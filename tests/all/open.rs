//! `open`.

use snapbox::str;

use std::os::unix::fs::PermissionsExt;

use crate::support::{Story, get, until};

#[test]
fn print_shows_the_address() {
    let story = Story::deployed("web");
    let ran = story.run("convox open --print");
    assert_eq!(ran.ok().out, story.shown(&format!("http://127.0.0.1:{}\n", story.port_of("web"))));
    assert!(get(story.port_of("web"), "/").is_ok());
    let document = story.run("convox open web --print --json").json();
    assert_eq!((&document["app"], &document["service"]), (&"web".into(), &"web".into()));
}

#[test]
fn the_browser_gets_the_address() {
    let mut story = Story::deployed("web");
    let (browser, shown) = (story.path("browser"), story.path("shown"));
    std::fs::write(&browser, format!("#!/bin/sh\necho \"$1\" > {}\n", shown.display())).unwrap();
    std::fs::set_permissions(&browser, PermissionsExt::from_mode(0o700)).unwrap();
    story.set("BROWSER", browser);
    story.run("convox open").prints(str!["Opening http://127.0.0.1:10001... OK"]);
    let url = until("the browser", || {
        std::fs::read_to_string(&shown).ok().filter(|text| text.ends_with('\n'))
    });
    assert_eq!(url, format!("http://127.0.0.1:{}\n", story.port_of("web")));
}

#[test]
fn a_browser_that_is_not_there_is_named() {
    let mut story = Story::deployed("web");
    story.set("BROWSER", "no-such-browser");
    story.run("convox open").fails(str![[r#"
ERROR: no-such-browser is not installed, or not in PATH
HINT: set BROWSER to the program to use, or print the address with --print
"#]]);
}

#[test]
fn an_unknown_service_is_an_error() {
    let story = Story::deployed("web");
    story.run("convox open nope").fails(str![[r#"
ERROR: no such service: nope
HINT: list the services with: convox services -a web
"#]]);
}
