//! What the reference says about racks is what the commands check.

use super::docs::read;
use crate::support::{MockServer, Response, Story, ordinary};

/// The first example of each command that needs a v3 rack of this version.
fn examples_of_commands_since(version: &str) -> Vec<String> {
    let page = read("docs/src/reference/commands.md");
    let claim = format!("\nWorks on: v3 racks from {version} on.\n");
    let sections = page.split("\n#").filter(|section| section.contains(&claim));
    let example = |section: &str| {
        let (_, examples) = section.split_once("```sh\n").expect("examples");
        examples.lines().next().expect("a line").to_owned()
    };
    sections.map(example).collect()
}

/// A v3 rack of this version without the newer routes.
fn rack_of(version: &'static str) -> MockServer {
    MockServer::new(move |ask| match ask.line.as_str() {
        "GET /system" => Response::json(&format!(
            r#"{{"name":"test","provider":"aws","status":"running","version":"{version}"}}"#
        )),
        "POST /apps/web/builds" | "PUT /apps/web/builds/BACTIVE" => {
            Response::json(r#"{"id":"BACTIVE","app":"web","status":"created"}"#)
        }
        _ => ordinary(ask),
    })
}

#[test]
fn commands_that_need_a_newer_rack_say_which_one_the_reference_names() {
    let fake = rack_of("3.24.5");
    let story = Story::against(&fake);
    let examples = examples_of_commands_since("3.24.6");
    assert_eq!(examples.len(), 12, "{examples:#?}");
    for example in examples {
        let asks_first = example.starts_with("convox budget reset");
        let force = if asks_first { " --force" } else { "" };
        let refused = story.run(&format!("{example}{force}"));
        refused.code(1).stderr_contains("requires rack version 3.24.6 or later");
    }
}
