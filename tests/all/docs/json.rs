//! The page about JSON output lists the fields that the program prints.

use std::collections::BTreeSet;
use std::fs;

use super::read;
use crate::support::Story;

fn page() -> String {
    read("docs/src/reference/json.md")
}

/// The rows of every table with these headers, as the code in their first two cells.
/// Code in parentheses is explanation, and does not count.
fn rows(page: &str, headers: &str) -> Vec<[BTreeSet<String>; 2]> {
    let mut found = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if line.starts_with(headers) {
            let rows = lines.by_ref().skip(1).take_while(|row| row.starts_with('|'));
            found.extend(rows.map(|row| [1, 2].map(|cell| names(row.split('|').nth(cell)))));
        }
    }
    found
}

fn names(cell: Option<&str>) -> BTreeSet<String> {
    let mut cell = cell.unwrap_or_default().to_owned();
    while let (Some(start), Some(end)) = (cell.find('('), cell.find(')')) {
        cell.replace_range(start..=end.max(start), "");
    }
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn keys(value: &serde_json::Value) -> BTreeSet<String> {
    let value = value.as_array().map_or(value, |rows| &rows[0]);
    value.as_object().expect("an object").keys().cloned().collect()
}

/// Command lines whose documents are compared with the table, in an order that works.
const LINES: &[&str] = &[
    "encrypt --key AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= --data teal",
    "decrypt --key AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= --data \
     eyJOb25jZSI6WzEwMCwxMDEsMTAyLDEwMywxMDQsMTA1LDEwNiwxMDcsMTA4LDEwOSwxMTAsMTExLDExMiwxMTMsMTE0LDExNSwxMTYsMTE3LDExOCwxMTksMTIwLDEyMSwxMjIsMTIzXSwiQ2lwaGVyVGV4dCI6IlBxMmEzUDhLeEphTSs5cm5RVDFqcTNiYytLVT0ifQ==",
    "init empty",
    "builds",
    "builds info BAAAAAAAAAA",
    "releases",
    "releases manifest RAAAAAAAAAA",
    "releases info RAAAAAAAAAA",
    "releases promote RAAAAAAAAAA --force",
    "releases diff RAAAAAAAAAA RAAAAAAAAAA",
    "releases create-from --use-active-release-build --use-active-release-env",
    "releases rollback RAAAAAAAAAA",
    "env set A=1",
    "env get A",
    "env unset A",
    "apps",
    "apps info",
    "apps wait",
    "apps create other",
    "apps delete other",
    "apps lock",
    "apps unlock",
    "config set nginx.conf --value a",
    "config get nginx.conf",
    "configs",
    "services",
    "scale",
    "budget show web",
    "status",
    "open --print",
    "ps",
    "ps info web-aaaaaa",
    "run web --detach sleep 600",
    "ps stop web-bbbbbb",
    "services update web --count 1",
    "services restart web",
    "restart",
    "rack",
    "rack status",
    "rack prune",
    "rack stop",
    "racks",
    "switch",
    "version",
    "completions bash",
    "man",
];

/// The fields of `env` are variables. What the development rack does not have is tested with mock
/// servers, and `login` has a test of its own.
const TESTED_ELSEWHERE: &[&str] = &[
    "api get",
    "apps cancel",
    "apps export",
    "apps import",
    "apps params",
    "apps params set",
    "balancers",
    "budget cap raise",
    "budget clear",
    "budget dismiss-recovery",
    "budget reset",
    "budget set",
    "budget simulate-shutdown",
    "builds export",
    "builds import",
    "builds import-image",
    "certs",
    "certs delete",
    "certs generate",
    "certs import",
    "certs renew",
    "cloud machines",
    "cost",
    "deploy-debug",
    "env",
    "env edit",
    "env mask",
    "env mask set",
    "env mask unset",
    "instances",
    "instances keyroll",
    "instances terminate",
    "letsencrypt dns route53 add",
    "letsencrypt dns route53 delete",
    "letsencrypt dns route53 list",
    "letsencrypt dns route53 role",
    "letsencrypt dns route53 update",
    "login",
    "rack access",
    "rack access key rotate",
    "rack karpenter cleanup",
    "rack kubeconfig",
    "rack params",
    "rack params set",
    "rack ps",
    "rack releases",
    "rack runtime attach",
    "rack runtimes",
    "rack scale",
    "rack sync",
    "rack sync whitelist instances ip",
    "rack update",
    "rack wait",
    "registries",
    "registries add",
    "registries remove",
    "resources",
    "resources export",
    "resources import",
    "resources info",
    "resources url",
    "runtimes",
    "services triggers disable",
    "services triggers enable",
    "services triggers threshold-set",
    "ssl",
    "ssl update",
    "workflows",
    "workflows run",
];

#[test]
fn every_json_document_has_the_fields_that_are_listed() {
    let page = page();
    let mut story = Story::deployed("web");
    let table = rows(&page, "| command | document |");
    let listed = |command: &str| {
        let row = table.iter().find(|[commands, _]| commands.contains(command));
        row.unwrap_or_else(|| panic!("{command} is not listed")).clone()[1].clone()
    };
    story.write("empty/README", "");
    // One rack is configured, so that `racks` has something to list.
    let racks = story.settings("racks");
    fs::create_dir_all(&racks).unwrap();
    fs::write(racks.join("north"), story.rack().url()).unwrap();
    story.set("CONVOX_DATA", story.path("no-rack").as_os_str());
    let mut untested: BTreeSet<String> =
        table.iter().flat_map(|[names, _]| names).cloned().collect();
    for line in LINES {
        let command = commands_of(line, &untested);
        let mut expected = listed(&command);
        if expected == BTreeSet::from(["builds info".to_owned()]) {
            expected = listed("builds info");
        }
        let json = story.run(&format!("convox {line} --json"));
        let json = serde_json::from_str(&json.code(0).out).unwrap();
        assert_eq!(keys(&json), expected, "{line}");
        untested.remove(&command);
    }
    assert_eq!(untested, TESTED_ELSEWHERE.iter().map(ToString::to_string).collect());
}

/// The longest command that a line begins with.
fn commands_of(line: &str, commands: &BTreeSet<String>) -> String {
    let begins = |command: &&String| format!("{line} ").starts_with(&format!("{command} "));
    commands.iter().filter(begins).max_by_key(|command| command.len()).unwrap().clone()
}

#[test]
fn every_event_has_the_fields_that_are_listed() {
    let page = page();
    let story = Story::new("web");
    let table = rows(&page, "| event | fields |");
    let mut events = story.run("convox deploy --create --wait --json").events();
    events.extend(story.run("convox deploy --style v3 --json").events());
    events.extend(story.run("convox logs --no-follow --json").events());
    events.extend(story.run("convox deploy --dry-run --json").events());
    for event in events {
        let name = event["event"].as_str().unwrap();
        let row = table.iter().find(|[names, _]| names.contains(name));
        let [_, expected] = row.unwrap_or_else(|| panic!("{name} is not listed"));
        let mut fields = keys(&event);
        fields.remove("event");
        assert_eq!(fields, *expected, "{name}");
    }
}

/// Commands that print events, or nothing.
const WITHOUT_DOCUMENT: &[&str] = &[
    "deploy",
    "build",
    "builds logs",
    "logs",
    "rack start",
    "exec",
    "proxy",
    "cp",
    "test",
    "rack logs",
    "resources console",
    "resources proxy",
    "instances ssh",
];

#[test]
fn every_command_that_prints_a_document_is_listed() {
    let commands = convox::reference::pages().swap_remove(0).text;
    let rows = commands.lines().filter_map(|line| line.strip_prefix("| [`convox "));
    let names = rows.filter_map(|row| row.split('`').next());
    let with_document = names.filter(|name| !WITHOUT_DOCUMENT.contains(name)).map(str::to_owned);
    let table = rows_of_documents();
    assert_eq!(with_document.collect::<BTreeSet<String>>(), table);
}

fn rows_of_documents() -> BTreeSet<String> {
    rows(&page(), "| command | document |").into_iter().flat_map(|[names, _]| names).collect()
}
