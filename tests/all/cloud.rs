//! Machines of a console: `cloud machines`, and commands of apps on a machine.

use std::fs;
use std::path::Path;

use snapbox::str;

use crate::support::api::Api;
use crate::support::http::request;
use crate::support::upstream::Upstream;
use crate::support::{MockServer, PASSWORD, Request, Response, Story, ordinary};

const MACHINES: &str = r#"[
    {"ID":"m-1","Name":"production","organization_info":{"name":"acme"},
     "Dimensions":{"vcpu":"1","mem":"2GB"},"Age":"3 days","created_at_rfc3339":"2026-01-05T09:00:00Z"},
    {"ID":"m-2","Name":"production-eu","organization_info":{"name":"acme"},
     "Dimensions":{"vcpu":"0.5","mem":"1GB"},"Age":"2 hours"},
    {"ID":"m-3","Name":"staging","organization_info":{"name":"beta"},"Dimensions":null}]"#;

/// The routes of a machine, without those of the console before them.
fn of_machine<'a>(ask: &'a Request, id: &str) -> Option<(&'a str, &'a str)> {
    let (method, path) = ask.line.split_once(' ')?;
    let path = path.strip_prefix(&format!("/machines/{id}"))?;
    path.starts_with("/app").then_some((method, path))
}

/// A console with machines, the first of which has an app. It has no racks and no version, and its
/// list can be read while the file `away` is missing.
fn console(away: &Path) -> MockServer {
    let away = away.to_owned();
    MockServer::new(move |ask| {
        assert_eq!(ask.header("rack"), None, "a machine is not a rack");
        match (ask.line.as_str(), of_machine(ask, "m-1")) {
            ("GET /machines", _) if away.exists() => Response::refusal(500, "out of order"),
            ("GET /machines", _) => Response::json(MACHINES),
            (_, Some((_, "/apps/web/releases/RNOPE"))) => {
                Response::refusal(404, "release not found: RNOPE")
            }
            (_, Some((method, path))) => {
                ordinary(&Request { line: format!("{method} {path}"), ..ask.clone() })
            }
            (line, None) => Response::refusal(404, &format!("no route {line}")),
        }
    })
}

fn story(console: &MockServer) -> Story {
    with_console(Story::alone("web"), console)
}

fn with_console(mut story: Story, console: &MockServer) -> Story {
    story.set("X_DEV_ALLOW_HTTP", "true").set("CONVOX_HOST", console.host());
    story.set("CONVOX_PASSWORD", PASSWORD).set("CONVOX_RETRY", "0");
    story.set("RACK_URL", "http://rack.invalid");
    story
}

/// A console whose machine m-1 is the story's rack. Every request needs a session.
fn console_before(story: &Story) -> MockServer {
    let (upstream, api) = (Upstream::from(story.rack().address), story.rack().api.clone());
    MockServer::new(move |ask| {
        let challenge = "HTTP/1.1 401 X\r\nWWW-Authenticate: Session path=\"/session\" token=\"false\"\r\n\
                         Content-Length: 0\r\nConnection: close\r\n\r\n";
        match (ask.line.as_str(), of_machine(ask, "m-1")) {
            ("POST /session", _) => Response::json(r#"{"id":"s-1"}"#),
            _ if ask.header("session") != Some("s-1") => Response::raw(challenge),
            ("GET /machines", _) => Response::json(MACHINES),
            (_, Some((_, path))) if ask.header("upgrade").is_some() => relayed_log(&api, ask, path),
            (_, Some((method, path))) => forwarded(&upstream, ask, &format!("{method} {path}")),
            (line, None) => Response::refusal(404, &format!("no route {line}")),
        }
    })
}

fn forwarded(upstream: &Upstream, ask: &Request, line: &str) -> Response {
    let kept = ["authorization", "content-type"];
    let headers = ask.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let headers: Vec<_> = headers.filter(|(name, _)| kept.contains(name)).collect();
    let reply = request(upstream, line, &headers, &ask.body);
    let reply = tokio::runtime::Handle::current().block_on(reply).unwrap();
    Response::of(reply.status, "application/json", &reply.body)
}

fn relayed_log(api: &Api, ask: &Request, path: &str) -> Response {
    let options = ["follow", "prefix", "since", "tail"];
    let headers = options.map(|name| ask.header(name).map(|value| (name, value)));
    let headers: Vec<_> = headers.into_iter().flatten().collect();
    let text = tokio::runtime::Handle::current().block_on(api.log(path, &headers));
    Response::log(&[&text])
}

#[test]
fn machines_are_listed_with_their_sizes() {
    let away = tempfile::tempdir().unwrap();
    let console = console(&away.path().join("away"));
    let story = story(&console);
    story.run("convox cloud machines").prints(str![[r#"
NAME                CPU  MEMORY  AGE
acme/production     1    2GB     3 days
acme/production-eu  0.5  1GB     2 hours
beta/staging
"#]]);
    let rows = story.run("convox cloud machines -i ignored --json").json();
    let first = serde_json::json!({
        "name": "acme/production", "id": "m-1", "cpu": "1", "memory": "2GB", "age": "3 days",
        "created": "TIME",
    });
    let last = serde_json::json!({
        "name": "beta/staging", "id": "m-3", "cpu": null, "memory": null, "age": null,
        "created": null,
    });
    assert_eq!((&rows[0], &rows[2]), (&first, &last));
}

#[test]
fn apps_are_listed_on_a_machine_without_asking_the_console_for_a_version() {
    let away = tempfile::tempdir().unwrap();
    let console = console(&away.path().join("away"));
    let mut story = story(&console);
    story.run("convox cloud apps -i acme/production").prints(str![[r#"
APP  STATUS
web  running
"#]]);
    story.run("convox cloud apps params -i acme/production").ok();
    story
        .run("convox cloud ps -i acme/production")
        .prints(str!["ID  SERVICE  STATUS  RELEASE  STARTED  COMMAND"]);
    story
        .run("convox cloud releases -i acme/production --style v3")
        .ok()
        .stdout_contains("RACTIVE  active  BACTIVE");
    story.set("CONVOX_MACHINE", "acme/production");
    story.run("convox cloud apps").prints(str![[r#"
APP  STATUS
web  running
"#]]);
    story.run("convox -i acme/production cloud apps info").ok();
    assert_eq!(console.count("GET /system"), 0);
    assert_eq!(console.count("GET /machines"), 1, "the list is cached");
    assert!(console.count("GET /machines/m-1/apps") >= 2);
}

#[test]
fn an_app_is_deployed_and_used_on_a_machine() {
    let rack = Story::new("web");
    let console = console_before(&rack);
    let mut story = with_console(rack, &console);
    story.set("CONVOX_RETRY", "5");
    let ran = story.run("convox cloud deploy -i production --create --wait");
    ran.ok().stdout_contains("Waiting for RAAAAAAAAAA... OK");
    story.run("convox cloud releases -i acme/production").ok().stdout_contains("RAAAAAAAAAA");
    story
        .run("convox cloud env set COLOR=blue -i acme/production")
        .out(str![[r#"
Setting COLOR... OK
Release: RBBBBBBBBBB
"#]])
        .err(str![[r#"
NOTICE: RBBBBBBBBBB is not active yet
HINT: promote it with: convox cloud releases promote RBBBBBBBBBB -a web -i acme/production
"#]]);
    story.run("convox cloud ps -i acme/production").ok().stdout_contains("web");
    let log = story.run("convox cloud logs -s web --since 1h --no-follow -i acme/production");
    log.ok();
    let sockets: Vec<Request> =
        console.requests().into_iter().filter(|ask| ask.header("upgrade").is_some()).collect();
    assert!(sockets.iter().any(|ask| ask.line.ends_with("/services/web/logs")), "{sockets:?}");
    for socket in sockets {
        assert!(socket.line.starts_with("GET /machines/m-1/apps/web/"), "{}", socket.line);
        assert_eq!(socket.header("session"), Some("s-1"));
    }
    let others = console.requests().into_iter().map(|ask| ask.line);
    let others = others.filter(|line| !line.contains(" /machines/m-1/apps"));
    assert!(others.into_iter().all(|line| line == "GET /machines" || line == "POST /session"));
}

#[test]
fn hints_name_the_command_and_the_machine() {
    let away = tempfile::tempdir().unwrap();
    let console = console(&away.path().join("away"));
    let mut story = story(&console);
    let ran = story.run("convox cloud releases info RNOPE -a web -i acme/production");
    ran.fails(str![[r#"
ERROR: no such release: RNOPE
HINT: list releases with: convox cloud releases -a web -i acme/production
"#]]);
    story.run("convox cloud logs -a web -i acme/production").fails(str![[r#"
ERROR: logs must specify --service
HINT: list the services with: convox cloud services -a web -i acme/production
"#]]);
    story.run("convox cloud relases -i acme/production").fails_with(
        2,
        str![[r#"
ERROR: no such command: cloud relases
HINT: did you mean: convox cloud releases -i acme/production
"#]],
    );
    story.set("CONVOX_MACHINE", "acme/production");
    story.run("convox cloud logs -a web").fails(str![[r#"
ERROR: logs must specify --service
HINT: list the services with: convox cloud services -a web
"#]]);
}

#[test]
fn a_machine_has_to_be_named_and_to_match_one() {
    let away = tempfile::tempdir().unwrap();
    let console = console(&away.path().join("away"));
    let mut story = story(&console);
    story.run("convox cloud apps").fails(str![[r#"
ERROR: machine not specified
HINT: name one with --machine or CONVOX_MACHINE
HINT: list machines with: convox cloud machines
"#]]);
    assert_eq!(console.requests().len(), 0);
    story.run("convox cloud apps -i ''").fails_with(
        2,
        str![[r#"
ERROR: invalid value '' for '--machine <NAME>': the machine name is empty
HINT: see: convox cloud apps --help
"#]],
    );
    story.run("convox cloud apps -i nowhere").fails(str![[r#"
ERROR: no machine found matching 'nowhere'
HINT: list machines with: convox cloud machines
"#]]);
    assert_eq!(console.count("GET /machines"), 1);
    // What is cached is not the last word.
    story.run("convox cloud apps -i nowhere").code(1);
    assert_eq!(console.count("GET /machines"), 2);
    story.run("convox cloud apps -i acme").fails(str![[r#"
ERROR: multiple machines match for 'acme', please be more specific (e.g. <org-name>/<machine-name>)
HINT: the matching machines are acme/production, acme/production-eu
"#]]);
    assert_eq!(console.count("GET /machines"), 3);
    story.run("convox cloud apps -i production").ok();
    story.run("convox cloud apps -r dev").fails_with(
        2,
        str![[r#"
ERROR: unexpected argument '-r' found
HINT: name the machine with --machine, or -i
HINT: usage: convox cloud apps [OPTIONS]
HINT: usage: convox cloud apps <COMMAND>
HINT: see: convox cloud apps --help
"#]],
    );
    story.run("convox apps -i acme/production").fails_with(
        2,
        str![[r#"
ERROR: unexpected argument '-i' found
HINT: only `convox cloud` commands act on machines
HINT: usage: convox apps [OPTIONS]
HINT: usage: convox apps <COMMAND>
HINT: see: convox apps --help
"#]],
    );
    story.set("CONVOX_MACHINE", "a b");
    story.run("convox cloud apps").fails_with(2, str!["ERROR: CONVOX_MACHINE: not a machine name: it must not be . or .., or contain blanks or control characters, for example acme/production"]);
}

#[test]
fn the_cached_list_is_that_of_other_clients_and_of_the_console_of_the_login() {
    let away = tempfile::tempdir().unwrap();
    let console = console(&away.path().join("away"));
    let mut story = story(&console);
    fs::create_dir_all(story.settings("")).unwrap();
    let list = r#"[{"ID":"m-1","Name":"renamed","organization_info":{"name":"acme"},"Dimensions":{"mem":"2GB","vcpu":"1"},"Age":"3 days","created_at_rfc3339":""}]"#;
    fs::write(story.settings("machines"), list).unwrap();
    story.run("convox cloud apps -i renam").ok();
    assert_eq!(console.count("GET /machines"), 0);
    story.run("convox cloud apps -i acme/production").ok();
    assert_eq!(console.count("GET /machines"), 1);
    let cached = fs::read_to_string(story.settings("machines")).unwrap();
    assert!(
        cached.starts_with(r#"[{"ID":"m-1","Name":"production","organization_info""#),
        "{cached}"
    );
    // The file is the list of another console now.
    fs::write(story.settings("console"), "other.example.com").unwrap();
    fs::write(story.settings("machines"), list).unwrap();
    story.run("convox cloud apps -i renamed").code(1).stderr_contains("no machine found");
    assert_eq!(fs::read_to_string(story.settings("machines")).unwrap(), list);
    story.unset("CONVOX_HOST").unset("CONVOX_PASSWORD");
    fs::remove_file(story.settings("console")).unwrap();
    story.run("convox cloud apps -i renamed").fails(str![[r#"
ERROR: no console is known
HINT: log in to a console with: convox login HOST
"#]]);
}

#[test]
fn a_console_that_is_away_is_reported_with_what_is_cached() {
    let directory = tempfile::tempdir().unwrap();
    let away = directory.path().join("away");
    let console = console(&away);
    let story = story(&console);
    fs::write(&away, "").unwrap();
    story.run("convox cloud machines").fails(str![[r#"
ERROR: out of order
HINT: the rack failed at GET /machines
HINT: check the rack's status with: convox rack
"#]]);
    story.run("convox cloud apps -i production").code(1).stderr_contains("ERROR: out of order");
    fs::remove_file(&away).unwrap();
    story.run("convox cloud machines").ok();
    fs::write(&away, "").unwrap();
    let ran = story.run("convox cloud machines");
    ran.code(0).stdout_contains("acme/production-eu  0.5  1GB     2 hours");
    ran.stderr_contains("WARNING: can't list the machines of the console: out of order; showing its machines as of ");
    // A name in the list needs no other, and one that is not is the console's to know.
    story.run("convox cloud apps -i acme/production").ok();
    story.run("convox cloud apps -i production").ok();
    story.run("convox cloud apps -i nowhere").code(1).stderr_contains("ERROR: out of order");
}

#[test]
fn an_old_list_is_read_again_and_used_only_if_that_fails() {
    let directory = tempfile::tempdir().unwrap();
    let away = directory.path().join("away");
    let console = console(&away);
    let story = story(&console);
    let age = || {
        let file = fs::File::options().write(true).open(story.settings("machines")).unwrap();
        let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3 * 24 * 60 * 60);
        file.set_modified(old).unwrap();
    };
    story.run("convox cloud machines").ok();
    age();
    // The machine may be another of the same name, with another id.
    story.run("convox cloud apps -i acme/production").ok();
    story.run("convox cloud apps -i acme/production").ok();
    assert_eq!(console.count("GET /machines"), 2);
    age();
    fs::write(&away, "").unwrap();
    let ran = story.run("convox cloud apps -i production");
    ran.code(0).out("APP  STATUS\nweb  running");
    ran.stderr_contains(
        "WARNING: can't list the machines of the console: out of order; using its ",
    );
}

#[test]
fn commands_that_depend_on_the_version_of_a_rack_ask_no_machine_for_it() {
    let console = MockServer::new(|ask| match ask.line.split_once("/machines/m-1") {
        Some(("GET ", "/apps/web")) => {
            ordinary(&Request { line: "GET /apps/web".to_owned(), ..ask.clone() })
        }
        Some(("GET ", "/apps/web/cost")) => {
            Response::json(r#"{"app":"web","tracking-enabled":false}"#)
        }
        Some(("PUT " | "POST ", _)) => Response::refusal(200, "ok\n"),
        None if ask.line == "GET /machines" => Response::json(MACHINES),
        _ => Response::refusal(404, &format!("no route {}", ask.line)),
    });
    let mut story = story(&console);
    story.set("CONVOX_MACHINE", "acme/production");
    for (line, sent) in [
        ("scale web --min 1 --max 3", "PUT /machines/m-1/apps/web/services/web"),
        (
            "services triggers disable web",
            "POST /machines/m-1/apps/web/services/web/triggers/disable",
        ),
    ] {
        let before = console.requests().len();
        story.run(&format!("convox cloud {line} -a web")).ok();
        let requests = console.requests().into_iter().map(|ask| ask.line).skip(before);
        let requests: Vec<String> = requests.collect();
        assert!(requests.iter().any(|line| line.starts_with(sent)), "{requests:?}");
        assert!(!requests.iter().any(|line| line.contains("/system")), "{requests:?}");
    }
    // Parameters of the rack are not the user's to set.
    let ran = story.run("convox cloud cost -a web");
    ran.ok().stdout_contains("Cost tracking is disabled on this rack.");
    assert!(!ran.out.contains("convox rack params set"), "{ran}");
}

#[test]
fn the_budget_of_an_app_on_a_machine_is_raised() {
    let console = MockServer::new(|ask| match ask.line.as_str() {
        "GET /machines" => Response::json(MACHINES),
        "GET /machines/m-3/apps/web/cost" => Response::json("{}"),
        "POST /machines/m-3/apps/web/budget" => Response::refusal(200, "ok\n"),
        line => Response::refusal(404, &format!("no route {line}")),
    });
    let story = story(&console);
    let ran = story.run("convox cloud budget cap raise web --monthly-cap-usd 100 -i staging");
    ran.prints(str!["Raising monthly cap for web... OK"]);
    assert!(console.one("POST /machines/m-3/apps/web/budget").text().contains("100"));
}
