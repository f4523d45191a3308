//! `scale`, `restart`, and the subcommands of `services`.

use std::collections::BTreeSet;

use rustix::process::Signal;
use snapbox::str;

use crate::support::{MockServer, Response, Story, ordinary, until};

/// A deployed app whose service answers with the id of its process.
fn story() -> Story {
    let story = Story::new("web");
    story.edit("web.py", "b\"Hello World!\\n\"", "str(os.getpid()).encode()");
    story.deploy();
    story
}

/// The processes that answer the next few requests.
fn who_answers(story: &Story) -> BTreeSet<String> {
    (0..6).map(|_| story.get("web")).collect()
}

fn ids(story: &Story) -> BTreeSet<String> {
    let processes = story.rack().json("/apps/web/processes");
    let processes = processes.as_array().unwrap().iter();
    processes.map(|process| process["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn requests_are_spread_over_as_many_processes_as_were_asked_for() {
    let mut story = story();
    story.run("convox scale").prints(str![[r#"
SERVICE  DESIRED  RUNNING  CPU  MEMORY  GPU  MIN  MAX  STATUS
web      1        1        0    0       -    -    -
"#]]);
    // The log of the deploy is older than what a rollout shows.
    story.advance_clock(60);
    story.run("convox scale web --count 2").prints(str![[r#"
Scaling web... 
TIME system/rack/web scaling web to 2
TIME system/web/web-aaaaaa web-aaaaaa: starting release RAAAAAAAAAA: python3 web.py
TIME system/web/web-aaaaaa web-aaaaaa: ready
OK
"#]]);
    assert_eq!(who_answers(&story).len(), 2);
    story.run("convox scale web --count 3").ok().stdout_contains("OK\n");
    story.run("convox scale web").prints(str![[r#"
SERVICE  DESIRED  RUNNING  CPU  MEMORY  GPU  MIN  MAX  STATUS
web      3        3        0    0       -    -    -
"#]]);
    assert_eq!(who_answers(&story).len(), 3);
    // The number outlives the release, and the rack.
    story.deploy();
    assert_eq!(who_answers(&story).len(), 3);
    let port = story.port_of("web");
    story.restart_rack(&[port]);
    until("the processes", || (ids(&story).len() == 3).then_some(()));
    until("the app", || story.run("convox apps info").out.contains("running").then_some(()));
    until("all processes", || (who_answers(&story).len() == 3).then_some(()));
    story.run("convox scale web --count 1").ok();
    assert_eq!(who_answers(&story).len(), 1);
}

#[test]
fn a_service_that_cannot_be_scaled_keeps_what_it_has() {
    let story = story();
    story.run("convox scale nope --count 2").fails(str![[r#"
ERROR: service not found: nope
HINT: list services with: convox services -a web
"#]]);
    story.run("convox scale nope").fails(str![[r#"
ERROR: service "nope" not found in app web
HINT: list the services with: convox services -a web
"#]]);
    story.run("convox scale --count 2").fails(str![[r#"
ERROR: service name required
HINT: list the services with: convox services -a web
"#]]);
    story.run("convox scale web --count=-1").fails(str!["ERROR: --count must be >= 0"]);
    story.run("convox scale web --count many").code(2);
    story
        .run("convox scale web --count 1000")
        .fails(str!["ERROR: the development rack runs at most 100 processes of a service"]);
    story.run("convox scale web --cpu 512").fails(str!["ERROR: the development rack cannot set cpu: processes have no limits, and only their number can be changed"]);
    story
        .run("convox scale web --count 1 --min 1")
        .fails(str!["ERROR: --min/--max and --count are mutually exclusive"]);
    story.run("convox scale web --min 2 --max 1").fails(str!["ERROR: --max must be >= --min"]);
    story.run("convox scale web --max 0").fails(str!["ERROR: --max must be >= 1"]);
    story.run("convox scale web --min 0").fails(str!["ERROR: service web has no autoscale configured; --min 0 would terminate pods with no wake-up mechanism. Set scale.autoscale.* in convox.yml and promote a release first, or use --min 1+"]);
    assert_eq!(who_answers(&story).len(), 1);
}

#[test]
fn json_has_every_field() {
    let story = story();
    let scaled = story.run("convox scale web --count 2 --json").json();
    assert_eq!(scaled, serde_json::json!({"app": "web", "service": "web"}));
    let listed = story.run("convox scale --json").json();
    let expected = serde_json::json!([{
        "service": "web", "desired": 2, "running": 2, "cpu": 0, "memory": 0, "gpu": 0,
        "gpu_vendor": null, "min": null, "max": null, "autoscale": null, "cold_start": false,
        "budget": null,
    }]);
    assert_eq!(listed, expected);
    let updated = story.run("convox services update web --count 1 --json").json();
    assert_eq!(updated, scaled);
    let restarted = serde_json::json!({"app": "web", "restarted": ["web"]});
    assert_eq!(story.run("convox restart --json").json(), restarted);
    assert_eq!(story.run("convox services restart web --json").json(), restarted);
}

#[test]
fn a_restart_replaces_the_processes() {
    let story = story();
    for (line, expected) in [
        ("convox restart", str!["Restarting web... OK"]),
        ("convox services restart web", str!["Restarting web... OK"]),
    ] {
        let before = ids(&story);
        story.run(line).prints(expected);
        until("the new process", || {
            let now = ids(&story);
            (now.len() == 1 && now.is_disjoint(&before)).then_some(())
        });
    }
    story.run("convox services restart nope").fails(str![[r#"
ERROR: service not found: nope
HINT: list services with: convox services -a web
"#]]);
    story.run("convox services update web --count 2").prints(str![[r#"
Updating web... 
TIME system/rack/web promoting release RAAAAAAAAAA
TIME system/web/web-aaaaaa web-aaaaaa: starting release RAAAAAAAAAA: python3 web.py
TIME system/web/web-aaaaaa web-aaaaaa: ready
TIME system/rack/web release RAAAAAAAAAA is running
TIME system/rack/web restarting web
TIME system/web/web-bbbbbb web-bbbbbb: starting release RAAAAAAAAAA: python3 web.py
TIME system/web/web-bbbbbb web-bbbbbb: ready
TIME system/web/web-aaaaaa web-aaaaaa: stopped
TIME system/rack/web restarting web
TIME system/web/web-cccccc web-cccccc: starting release RAAAAAAAAAA: python3 web.py
TIME system/web/web-cccccc web-cccccc: ready
TIME system/web/web-bbbbbb web-bbbbbb: stopped
TIME system/rack/web scaling web to 2
TIME system/web/web-dddddd web-dddddd: starting release RAAAAAAAAAA: python3 web.py
TIME system/web/web-dddddd web-dddddd: ready
OK
"#]]);
    assert_eq!(ids(&story).len(), 2);
}

/// A service that scales by itself, of an app whose budget has stopped deploys.
fn autoscaled() -> MockServer {
    MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps/web/services" => Response::json(
            r#"[{"name":"web","count":2,"cpu":256,"memory":512,"min":1,"max":5,"cold-start":true,
                "ports":[],"autoscale":{"enabled":true,"cpu-threshold":70,"queue-threshold":9}},
                {"name":"job","count":1,"cpu":256,"memory":512,"ports":[]}]"#,
        ),
        "GET /apps/web/processes" => {
            Response::json(r#"[{"id":"web-1","name":"web","status":"running"}]"#)
        }
        "GET /apps/web/budget" => Response::json(
            r#"{"config":{"monthly-cap-usd":10,"at-cap-action":"auto-shutdown"},
                "state":{"circuit-breaker-tripped":true}}"#,
        ),
        "GET /apps/web/budget/shutdown-state" => Response::json(
            r#"{"armedAt":"2020-01-01T00:00:00Z","notifyBeforeMinutes":9223372036854775807}"#,
        ),
        "POST /apps/web/services/web/triggers/enable"
        | "POST /apps/web/services/web/triggers/disable"
        | "POST /apps/web/services/web/triggers/threshold"
        | "PUT /apps/web/services/web" => Response::refusal(200, "ok\n"),
        _ => ordinary(ask),
    })
}

#[test]
fn lists_show_autoscaling_and_what_the_budget_does() {
    let fake = autoscaled();
    let story = Story::against(&fake);
    story.run("convox scale").prints(str![[r#"
SERVICE  DESIRED  RUNNING  CPU  MEMORY  GPU  MIN  MAX  AUTOSCALE       STATUS
job      1        0        256  512     -    -    -    -               at-cap-auto
web      2        1        256  512     -    1    5    cpu>70 queue>9  COLD (~2-5m first req) at-cap-keda
"#]]);
    story.run("convox services").prints(str![[r#"
SERVICE  DOMAIN  PORTS  SCALE  AUTOSCALE       COLD  BUDGET
web                     1-5    cpu>70 queue>9  yes   at-cap-keda
job                     -      -               -     at-cap-auto
"#]]);
    story.run("convox ps").prints(str![[r#"
ID     SERVICE  STATUS               RELEASE  STARTED  COMMAND
web-1  web      running at-cap-keda
"#]]);
}

#[test]
fn triggers_are_replaced_and_restored() {
    let fake = autoscaled();
    let story = Story::against(&fake);
    let enable = "convox services triggers enable web --min 1 --max 5 --cpu 70 --queue 9";
    story.run(enable).prints(str!["Enabling triggers override on web... OK"]);
    let sent = fake.one("POST /apps/web/services/web/triggers/enable").text();
    let sent: Vec<_> = url::form_urlencoded::parse(sent.as_bytes()).collect();
    assert_eq!(sent[0].0, "opts");
    let options: serde_json::Value = serde_json::from_str(&sent[0].1).unwrap();
    let expected = serde_json::json!({"min": 1, "max": 5, "triggers": [
        {"type": "cpu", "threshold": 70}, {"type": "queueDepth", "threshold": 9},
    ]});
    assert_eq!(options, expected);
    story
        .run("convox services triggers disable web")
        .prints(str!["Disabling triggers override on web... OK"]);
    let set = "convox services triggers threshold-set web --type gpu --threshold 55.5";
    story.run(set).prints(str!["Setting web gpu threshold to 55.5... OK"]);
    assert_eq!(
        story.run(&format!("{set} --json")).json(),
        serde_json::json!({"app": "web", "service": "web"})
    );
    let sent = fake.requests().pop().unwrap();
    assert_eq!(sent.text(), "type=gpuUtilization&threshold=55.5");
}

#[test]
fn triggers_that_make_no_sense_are_not_sent() {
    let story = Story::against(&autoscaled());
    story
        .run("convox services triggers enable web --min 1")
        .fails(str!["ERROR: at least one of --cpu, --memory, --gpu, --queue is required"]);
    let set = "convox services triggers threshold-set web";
    story
        .run(&format!("{set} --type disk --threshold 5"))
        .fails(str![[r#"ERROR: invalid --type "disk"; expected cpu|memory|gpu|queue"#]]);
    story.run(&format!("{set} --type cpu")).fails(str!["ERROR: --threshold is required"]);
    story
        .run(&format!("{set} --type cpu --threshold high"))
        .fails(str![[r#"ERROR: --threshold must be a number: "high""#]]);
}

#[test]
fn a_range_needs_a_rack_that_has_them() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /system" => Response::json(r#"{"name":"old","version":"3.18.0"}"#),
        _ => ordinary(ask),
    });
    let story = Story::against(&fake);
    story.run("convox scale web --min 1 --max 2").fails(str![[r#"ERROR: --min / --max range scale requires rack version 3.24.6 or later; rack reports "3.18.0""#]]);
    story.run("convox services triggers disable web").fails(str![[r#"ERROR: services triggers disable requires rack version 3.24.6 or later; rack reports "3.18.0""#]]);
    assert!(fake.requests().iter().all(|ask| ask.line.starts_with("GET ")));
}

#[test]
fn a_rack_of_2018_lists_and_changes_a_formation() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /system" => Response::json(r#"{"name":"old","version":"20180401000000"}"#),
        "GET /apps/web/services" | "GET /apps/web/budget" => Response::refusal(404, ""),
        "GET /apps/web/formation" => Response::json(
            r#"[{"name":"web","balancer":"web.elb.test","hostname":"h","count":2,"cpu":256,
                "memory":512,"ports":[80,443]},{"name":"job","count":1,"ports":null}]"#,
        ),
        "GET /apps/web/ssl" => {
            Response::json(r#"[{"process":"web","port":443,"certificate":"cert-1"}]"#)
        }
        "GET /certificates" => Response::json(
            r#"[{"id":"cert-1","domain":"web.test","expiration":"1970-01-01T00:00:00Z"}]"#,
        ),
        "POST /apps/web/formation/web" => Response::json("{}"),
        "GET /apps/web/logs" => Response::open_log(&[]),
        _ => ordinary(ask),
    });
    let story = Story::against(&fake);
    story.run("convox scale").prints(str![[r#"
SERVICE  DESIRED  RUNNING  CPU  MEMORY  GPU  MIN  MAX  STATUS
job      1        0        0    0       -    -    -
web      2        0        256  512     -    -    -
"#]]);
    story.run("convox services").prints(str![[r#"
SERVICE  DOMAIN        PORTS
web      web.elb.test  80 443
job
"#]]);
    story.run("convox ssl").prints(str![[r#"
ENDPOINT  CERTIFICATE  DOMAIN    EXPIRES
web:443   cert-1       web.test  a long while ago
"#]]);
    story.run("convox scale web --count 3 --memory 256").prints(str![[r#"
Scaling web... 
OK
"#]]);
    assert_eq!(fake.one("POST /apps/web/formation/web").text(), "count=3&memory=256");
}

#[test]
fn a_change_that_is_ended_by_a_signal_says_that_the_rack_may_go_on() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps/web" => Response::json(r#"{"name":"web","release":"RNEW","status":"updating"}"#),
        "PUT /apps/web/services/web" => Response::refusal(200, "ok\n"),
        _ => ordinary(ask),
    });
    let story = Story::against(&fake);
    let running = story.start("convox scale web --count 2");
    until("a poll after the change", || {
        let asked = fake.count("PUT /apps/web/services/web") > 0;
        (asked && fake.count("GET /apps/web") > 1).then_some(())
    });
    running.signal(Signal::TERM);
    running.end().code(143).stderr_contains(
        "ERROR: terminated\nHINT: the rack may go on with what it was asked to do\n\
         HINT: look at the app with: convox status -a web\n",
    );
}
