//! Bad input is named, with what to do about it, and leaves everything as it was.

use std::net::TcpListener;

use crate::support::Story;

/// Lines, a part of the error, and a part of the hint.
const CASES: [(&str, &str, &str); 27] = [
    ("run nope ls", "service not found: nope", "convox services -a web"),
    ("exec nope ls", "process not found: nope", "convox ps -a web"),
    ("ps info nope", "process not found: nope", "convox ps -a web"),
    ("ps stop nope", "process not found: nope", "convox ps -a web"),
    ("cp nope:/web.py x", "process not found: nope", "convox ps -a web"),
    ("scale nope --count 1", "service not found: nope", "convox services -a web"),
    ("services restart nope", "service not found: nope", "convox services -a web"),
    ("logs -s nope --no-follow", "no such service: nope", "convox services -a web"),
    ("proxy PORT:web.web:3000", "can't listen on 127.0.0.1:", "another local port"),
    ("proxy 0:web.web:3000", "invalid argument: 0:web", "a port is a number from 1 to 65535"),
    ("exec web no-such-program", "executable file not found", "PATH of the process"),
    ("run web no-such-program", "executable file not found", "PATH of the process"),
    ("cp PROCESS:/web.py file/x", "can't write ", "create the directory"),
    ("cp nope PROCESS:/x", "can't read ", "check the path"),
    ("cp PROCESS:/nope x", "no such file: /nope", "convox exec web-aaaaaa ls -a web"),
    ("deploy file", "not a directory: ", "the directory that has the convox.yml"),
    ("build file", "not a directory: ", "the directory that has the convox.yml"),
    ("builds export BUILD --file dir", "can't write ", "name a file in "),
    ("builds export BUILD --file file/x", "can't write ", "create the directory"),
    ("builds import --file dir", "can't read ", "check the path"),
    ("builds import --file nope", "can't read ", "check the path"),
    ("builds import --file cut.tgz", "it is truncated", "convox builds export BUILD -a web"),
    ("apps import shop --file cut.tgz", "it is truncated", "nothing was created"),
    ("apps import shop --file out.tgz", "this is not an exported app", "nothing was created"),
    ("apps import shop --file root.tgz", "this is not an exported app", "nothing was created"),
    ("apps import shop --file nope", "can't read nope", "check the path"),
    ("resources export nope --file x", "resource not found: nope", "convox resources -a web"),
];

/// Archives that are cut, or lead elsewhere; a file and a directory.
const FILES: &str = "mkdir dir; echo x > file; echo {} > app.json
    head -c 9000 /dev/urandom > noise; tar czf whole.tgz noise; head -c 700 whole.tgz > cut.tgz
    tar czf out.tgz -P --transform 's,^,../,' app.json
    tar czf root.tgz -P --transform 's,^,/,' app.json; rm app.json noise whole.tgz";

#[test]
fn bad_input_is_named_with_what_to_do_about_it() {
    let story = Story::deployed("web");
    story.shell(FILES).ok();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let id = |path: &str| story.rack().json(path)[0]["id"].as_str().unwrap().to_owned();
    let (process, build) = (id("/apps/web/processes"), id("/apps/web/builds"));
    let before = story.shell("find . | sort");
    for (line, error, hint) in CASES {
        let file = line.replace("BUILD", &build).replace("PORT", &port);
        let ran = story.shell(&format!("convox {}", file.replace("PROCESS", &process)));
        ran.code(1);
        let errors: Vec<&str> =
            ran.err.lines().filter(|line| line.starts_with("ERROR: ")).collect();
        assert!(matches!(errors[..], [only] if only.contains(error)), "{ran}");
        let is_given = |line: &str| line.starts_with("HINT: ") && line.contains(hint);
        assert!(ran.err.lines().any(is_given), "{hint:?} is missing: {ran}");
    }
    assert_eq!(story.shell("find . | sort").out, before.out, "nothing is left");
    let apps = story.rack().json("/apps");
    assert_eq!(apps.as_array().unwrap().len(), 1, "nothing was created: {apps}");
    assert_eq!(story.rack().json("/apps/web/builds").as_array().unwrap().len(), 1);
    assert_eq!(story.rack().json("/apps/web/releases").as_array().unwrap().len(), 1);
}

#[test]
fn what_is_no_variable_or_no_number_is_a_mistake_of_the_command_line() {
    let story = Story::deployed("web");
    for (line, error) in [
        ("env set NAME", "KEY=VALUE expected: NAME"),
        ("env set =value", "KEY=VALUE expected: the name before = is empty"),
        ("env set ''", "KEY=VALUE expected"),
        ("env unset ''", "<KEY> is empty"),
        ("scale web --count two", "invalid value 'two' for '--count"),
        ("scale web --cpu x", "invalid value 'x' for '--cpu"),
    ] {
        let ran = story.run(&format!("convox {line}"));
        ran.code(2).out("").stderr_contains(error);
    }
    story.run("convox scale web --count -1").code(1).stderr_contains("--count must be >= 0");
    assert_eq!(story.rack().json("/apps/web/releases").as_array().unwrap().len(), 1);
}
