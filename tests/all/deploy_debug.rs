//! `deploy-debug`.

use snapbox::str;

use crate::support::{MockServer, Response, Story, ordinary};

const REPORT: &str = r#"{"namespace":"north-web","rack":"north","app":"web",
    "timestamp":"2026-02-11T10:20:30Z","overview":{"services":[
    {"name":"web","desiredReplicas":2,"readyReplicas":1,"updatedReplicas":1,"status":"stalled",
    "stallReason":"progress deadline exceeded"},
    {"name":"job","desiredReplicas":0,"readyReplicas":0,"updatedReplicas":0,
    "status":"scaled-down","agent":true}]},
    "initPods":[{"name":"web-2","service":"web","phase":"Pending",
    "initContainers":[{"name":"setup","state":"waiting","logs":"not yet\n"}]}],
    "pods":[{"name":"web-1","service":"web","phase":"Running","ready":"0/1","ageSeconds":400,
    "restarts":4,"classification":"unhealthy","stateDetail":"CrashLoopBackOff",
    "hint":"the process exits soon after start; look at the previous logs for the reason",
    "logs":"starting\n\u001b[2Jno database\n","previousLogs":"panic\n"}],
    "summary":{"total":2,"unhealthy":1,"notReady":0,"new":0,"healthy":1}}"#;

fn fake() -> MockServer {
    MockServer::new(|ask| match ask.line.split('?').next().unwrap_or_default() {
        "GET /apps/web/diagnose" => Response::json(REPORT),
        _ => ordinary(ask),
    })
}

#[test]
fn a_report_names_what_is_wrong() {
    let fake = fake();
    let story = Story::against(&fake);
    story.run("convox deploy-debug").prints(str![[r#"

Deploy Diagnostics: web on north
Namespace: north-web
Time:      TIME

--- Service Status ---
  ● web  1/2 processes ready  STALLED
      progress deadline exceeded
  ○ job (agent)  0/0 processes ready  SCALED DOWN

--- Init Containers ---
  ● web-2 (service: web)
    init-container/setup: waiting
      --- Init Container Logs ---
      not yet

--- Processes ---

  ● web  unhealthy
    process: web-1
    state: Running    ready: 0/1    age: 6m    restarts: 4
    detail:  CrashLoopBackOff
    hint:    the process exits soon after start; look at the previous logs for the reason

    --- Current Logs (last 2 lines) ---
    starting
    \x1b[2Jno database

    --- Previous Container Logs ---
    panic

Summary: 2 total  1 unhealthy  1 healthy

Legend: ● unhealthy  ● not-ready  ● new  ● healthy

"#]]);
    story.run("convox deploy-debug --output summary").prints(str![[r#"
SERVICE  DESIRED  READY  STATUS
web      2        1      stalled *
job      0        0      scaled-down

PROCESS  SERVICE  STATUS            READY  RESTARTS  AGE  HINT
web-1    web      CrashLoopBackOff  0/1    4         6m   the process exits soon after start; look at the previous ...
"#]]);
    let ran = story.run("convox deploy-debug --output json");
    ran.ok().stdout_contains("  \"namespace\": \"north-web\",\n");
    let json = story.run("convox deploy-debug --json").json();
    assert_eq!(json["pods"][0]["age_seconds"], 400);
}

#[test]
fn options_are_sent_only_if_they_are_given() {
    let fake = fake();
    let story = Story::against(&fake);
    story.run("convox deploy-debug").ok();
    story
        .run("convox deploy-debug -s web,job -c pods -n 20 -A 60 --all --no-events --no-previous")
        .ok();
    let lines: Vec<String> = fake.requests().into_iter().map(|ask| ask.line).collect();
    assert_eq!(lines[0], "GET /apps/web/diagnose");
    let (_, query) = lines[1].split_once('?').unwrap();
    let mut options: Vec<_> = url::form_urlencoded::parse(query.as_bytes())
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    options.sort_unstable();
    assert_eq!(
        options,
        [
            "age=60",
            "all=true",
            "checks=pods",
            "events=false",
            "lines=20",
            "previous=false",
            "services=web,job"
        ]
    );
}

#[test]
fn a_rack_that_cannot_diagnose_says_so() {
    let fake = MockServer::new(ordinary);
    Story::against(&fake).run("convox deploy-debug").fails(str![[r#"
ERROR: response status 404
HINT: the request was GET /apps/web/diagnose
HINT: check that this is the address of a rack: convox racks
HINT: the rack may be too old for this
"#]]);
    let dev = Story::deployed("web");
    dev.run("convox deploy-debug").fails(str!["ERROR: the development rack does not diagnose apps: `ps` shows how the processes are, and `logs` why they fail"]);
    dev.run("convox deploy-debug -a shop").fails(str![[r#"
ERROR: app not found: shop
HINT: list apps with: convox apps
"#]]);
}
