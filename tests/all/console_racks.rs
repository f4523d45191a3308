//! What only racks of a console have: runtimes and workflows.

use snapbox::str;

use crate::support::{MockServer, PASSWORD, Request, Response, Story, ordinary};

fn answer(ask: &Request) -> Response {
    match (ask.line.as_str(), ask.header("rack")) {
        ("GET /racks", None) => Response::json(
            r#"[{"name":"production","organization":{"name":"acme"},"provider":"aws",
                 "status":"running"}]"#,
        ),
        ("GET /racks/acme/production", _) => Response::json(
            r#"{"name":"production","organization":{"name":"acme"},"status":"running"}"#,
        ),
        ("GET /racks/acme/production/runtimes" | "GET /organizations/acme/runtimes", _) => {
            Response::json(r#"[{"id":"rt-1","title":"AWS 1"}]"#)
        }
        ("GET /racks/acme/production/workflows", _) => {
            Response::json(r#"{"workflows":[{"id":"wf-1","kind":"deployment","name":"main"}]}"#)
        }
        ("POST /racks/acme/production/workflows/wf-1/run", _) => {
            Response::json(r#"{"jod_id":"job-1"}"#)
        }
        ("PUT /racks/acme/production/runtimes" | "POST /racks/acme/production/sync", _) => {
            Response::refusal(200, "ok\n")
        }
        (_, Some("acme/production")) => ordinary(ask),
        (line, _) => Response::refusal(404, &format!("no route {line}")),
    }
}

fn story(console: &MockServer) -> Story {
    let mut story = Story::alone("web");
    story.set("X_DEV_ALLOW_HTTP", "true").set("CONVOX_HOST", console.host());
    story.set("CONVOX_PASSWORD", PASSWORD).set("CONVOX_RETRY", "0");
    story.run("convox switch acme/production").ok();
    story
}

#[test]
fn runtimes_are_listed_and_attached() {
    let console = MockServer::new(answer);
    let story = story(&console);
    story.run("convox runtimes acme").prints(str![[r#"
ID    TITLE
rt-1  AWS 1
"#]]);
    story.run("convox rack runtimes").prints(str![[r#"
ID    TITLE
rt-1  AWS 1
"#]]);
    story.run("convox rack runtime attach rt-1").prints(str!["OK"]);
    assert_eq!(console.one("PUT /racks/acme/production/runtimes").text(), "runtime=rt-1");
    story.run("convox rack sync").prints(str!["OK"]);
}

#[test]
fn a_rack_that_is_named_counts_whatever_is_selected() {
    let console = MockServer::new(answer);
    let story = story(&console);
    for selected in [None, Some(r#"{"name":"acme/other","type":"console"}"#)] {
        match selected {
            None => std::fs::remove_file(story.settings("current")).unwrap(),
            Some(text) => std::fs::write(story.settings("current"), text).unwrap(),
        }
        for line in ["rack sync", "rack runtimes", "rack runtime attach rt-1", "workflows"] {
            story.run(&format!("convox {line} -r acme/production")).code(0);
        }
    }
    let asked = console.requests().into_iter().filter(|ask| ask.line.contains("other")).count();
    assert_eq!(asked, 0);
}

#[test]
fn workflows_are_listed_and_run() {
    let console = MockServer::new(answer);
    let story = story(&console);
    story.run("convox workflows").prints(str![[r#"
ID    KIND        NAME
wf-1  deployment  main
"#]]);
    story
        .run("convox workflows run wf-1 -a web --branch main")
        .prints(str!["Successfully trigger the workflow, job id: job-1"]);
    let sent = console.one("POST /racks/acme/production/workflows/wf-1/run").text();
    assert_eq!(sent, "app=web&branch=main");
    story.run("convox workflows run wf-1 --branch main").fails(str![[r#"
ERROR: app is required
HINT: name it with --app
"#]]);
    story.run("convox workflows run wf-1 -a web").fails(str![[r#"
ERROR: branch or commit is required
HINT: name what to run it on with --branch or --commit
"#]]);
    story.run("convox workflows run wf-9 -a web --commit abc").fails(str![[r#"
ERROR: response status 404
HINT: the request was POST /racks/acme/production/workflows/wf-9/run
HINT: list workflows with: convox workflows
"#]]);
}
