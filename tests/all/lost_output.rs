//! Output that can't be written.

use crate::support::{MockServer, Request, Response, Story, ordinary};

/// A rack that builds and promotes.
fn rack() -> MockServer {
    MockServer::new(|ask: &Request| match ask.line.as_str() {
        "POST /apps/web/builds" => Response::json(r#"{"id":"BNEW","status":"running"}"#),
        "GET /apps/web/builds/BNEW" => {
            Response::json(r#"{"id":"BNEW","status":"complete","release":"RNEW"}"#)
        }
        "GET /apps/web/builds/BNEW/logs" => Response::log(&["step 1\n"]),
        "POST /apps" => Response::json(r#"{"name":"other","status":"running"}"#),
        "GET /apps/other" => Response::json(r#"{"name":"other","status":"running"}"#),
        "POST /apps/web/releases" => Response::json(r#"{"id":"RNEW","env":"COLOR=teal"}"#),
        "POST /apps/web/releases/RNEW/promote" => Response::refusal(200, "ok\n"),
        line if line.starts_with("POST /apps/web/objects/") => {
            Response::json(r#"{"Url":"object://web/tmp/x.tgz"}"#)
        }
        _ => ordinary(ask),
    })
}

fn has_full_disk() -> bool {
    let found = std::path::Path::new("/dev/full").exists();
    if !found {
        eprintln!("skipped: there is no /dev/full");
    }
    found
}

#[test]
fn a_change_whose_output_is_lost_fails_with_what_was_done_and_its_id() {
    if !has_full_disk() {
        return;
    }
    let rack = rack();
    let story = Story::against(&rack);
    for (line, done) in [
        ("convox build --id", "build succeeded (RNEW)"),
        ("convox build", "build succeeded (RNEW)"),
        ("convox build --json", "build succeeded (RNEW)"),
        ("convox deploy --id", "deploy succeeded (RNEW)"),
        ("convox deploy --json", "deploy succeeded (RNEW)"),
        ("convox env set COLOR=teal --id", "env set succeeded (RNEW)"),
        ("convox apps create other --json", "apps create succeeded"),
    ] {
        let ran = story.shell(&format!("{line} > /dev/full"));
        ran.code(1)
            .stderr_contains(&format!("ERROR: {done}, but can't write the output: No space left"));
    }
}

#[test]
fn a_change_succeeds_if_the_reader_of_its_output_is_gone() {
    let rack = rack();
    let story = Story::against(&rack);
    for line in ["convox build --id", "convox deploy", "convox deploy --json"] {
        story.shell(&format!("{{ {line}; echo code $? >&2; }} | true")).stderr_contains("code 0");
    }
}

#[test]
fn help_on_a_full_disk_says_why_it_fails() {
    if !has_full_disk() {
        return;
    }
    let story = Story::alone("web");
    for line in ["convox help > /dev/full", "convox deploy --help > /dev/full"] {
        story.shell(line).code(1).stderr_contains("ERROR: can't write the output: No space left");
    }
}
