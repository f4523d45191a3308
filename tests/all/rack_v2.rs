//! What v2 racks have and v3 racks have not.

use snapbox::str;

use crate::support::{MockServer, Request, Response, Story, ordinary};

const OLD: &str = "20260101000000";

/// A v2 rack of this version.
fn system(version: &str, status: &str) -> Response {
    Response::json(&format!(
        r#"{{"name":"old","provider":"aws","status":"{status}","version":"{version}",
            "parameters":{{"Autoscale":"Yes","NLBInternal":"Yes"}}}}"#
    ))
}

fn answer(ask: &Request) -> Response {
    match ask.line.as_str() {
        "GET /system" => system(OLD, "running"),
        "PUT /system" | "DELETE /rds/old-database" => {
            Response::raw("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        }
        line if line.starts_with("GET /system/logs") => Response::log(&[]),
        _ => ordinary(ask),
    }
}

#[test]
fn parameters_that_a_v2_rack_would_refuse_or_misunderstand_are_not_sent() {
    let fake = MockServer::new(answer);
    let story = Story::against(&fake);
    story.run("convox rack params set HighAvailability=true Autoscale=No").fails(str![[r#"
ERROR: the HighAvailability parameter is only supported during rack installation
HINT: leave it out to set the others
"#]]);
    story.run("convox rack params set ScheduleRackScaleDown='0 20 * * ? *'").fails(str![[r#"
ERROR: to configure ScheduleAction you need both ScheduleRackScaleDown and ScheduleRackScaleUp parameters
HINT: set both with: convox rack params set 'ScheduleRackScaleDown=CRON' 'ScheduleRackScaleUp=CRON'
"#]]);
    story.run("convox rack params set LogDriver=Syslog").fails(str![[r#"
ERROR: to enable Syslog as the LogDriver you must pass SyslogDestination parameter
HINT: set both with: convox rack params set 'LogDriver=Syslog' 'SyslogDestination=tcp+tls://HOST:PORT'
"#]]);
    assert_eq!(fake.count("PUT /system"), 0);
    let both = "ScheduleRackScaleDown=1 ScheduleRackScaleUp=2";
    story.run(&format!("convox rack params set {both}")).prints(str!["Updating parameters... OK"]);
    story
        .run("convox rack params set LogDriver=Syslog SyslogDestination=tcp+tls://logs.test:1234")
        .ok();
    assert_eq!(fake.count("PUT /system"), 2);
}

#[test]
fn the_parameters_of_a_rack_of_2018_are_those_of_an_app_of_its_name() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /system" => system("20180708231844", "running"),
        "POST /apps/old/parameters" => Response::refusal(200, "ok\n"),
        _ => answer(ask),
    });
    Story::against(&fake)
        .run("convox rack params set Autoscale=No Telemetry=Yes")
        .prints("Updating parameters... OK");
    assert_eq!(fake.one("POST /apps/old/parameters").text(), "Autoscale=No&Telemetry=Yes");
    assert_eq!(fake.count("PUT /system"), 0);
}

#[test]
fn a_new_load_balancer_is_said_to_take_a_while() {
    let fake = MockServer::new(answer);
    let story = Story::against(&fake);
    story.run("convox rack params set NLB=Yes").code(0).err(str![[r#"
NOTICE: NLB provisioning typically takes 5-10 minutes
HINT: check its status with: convox rack
"#]]);
    story.run("convox rack params set NLBInternal=Yes").code(0).err("");
    story.run("convox rack params set NLB=No").code(0).err("");
}

#[test]
fn a_change_of_a_rack_is_waited_for_if_that_is_asked_for() {
    let polls = std::sync::atomic::AtomicUsize::new(0);
    let fake = MockServer::new(move |ask| match ask.line.as_str() {
        "GET /system" => {
            let number = polls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            system(OLD, if (2..5).contains(&number) { "updating" } else { "running" })
        }
        _ => answer(ask),
    });
    let story = Story::against(&fake);
    story.run("convox rack params set Autoscale=No --wait").prints(str![[r#"
Updating parameters... 
OK
"#]]);
    assert!(fake.count("GET /system") >= 6);
}

#[test]
fn without_a_version_a_v2_rack_gets_the_next_one_of_its_list() {
    let published = MockServer::new(|ask| match ask.line.as_str() {
        "GET /release/versions.json" => Response::json(
            r#"[{"version":"20260101000000","published":true,"required":false},
                {"version":"20260401000000","published":true,"required":false},
                {"version":"20260501000000","published":false,"required":false}]"#,
        ),
        _ => Response::refusal(404, "no such route"),
    });
    for (version, expected) in
        [(OLD, "Updating to 20260401000000... OK"), ("dev", "Updating to dev... OK")]
    {
        let fake = MockServer::new(move |ask| match ask.line.as_str() {
            "GET /system" => system(version, "running"),
            _ => answer(ask),
        });
        let mut story = Story::against(&fake);
        story.set("CONVOX_RELEASES_URL", format!("http://{}", published.host()));
        story.run("convox rack update").prints(expected);
    }
    for (version, expected) in [
        ("20260401000000", "current version \"20260401000000\" is latest"),
        ("20250101000000", "current version \"20250101000000\" not found"),
    ] {
        let fake = MockServer::new(move |ask| match ask.line.as_str() {
            "GET /system" => system(version, "running"),
            _ => answer(ask),
        });
        let mut story = Story::against(&fake);
        story.set("CONVOX_RELEASES_URL", format!("http://{}", published.host()));
        let ran = story.run("convox rack update");
        ran.code(1).stderr_contains(&format!("ERROR: {expected}\nHINT: choose the version with: "));
        assert_eq!(fake.count("PUT /system"), 0);
    }
}

/// A v2 rack with the database `db`, which takes a while to change.
fn with_database() -> MockServer {
    let polls = std::sync::atomic::AtomicUsize::new(0);
    let gone = std::sync::atomic::AtomicBool::new(false);
    MockServer::new(move |ask| match ask.line.as_str() {
        "GET /resources/db" if gone.load(std::sync::atomic::Ordering::SeqCst) => {
            Response::refusal(500, "no such resource: db")
        }
        "GET /resources/db" => {
            let number = polls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let status = if number.is_multiple_of(3) { "updating" } else { "running" };
            Response::json(&format!(
                r#"{{"name":"db","type":"postgres","status":"{status}",
                    "url":"postgres://u:p@db.internal:5432/app"}}"#
            ))
        }
        "GET /resources/queue" => {
            Response::json(r#"{"name":"queue","type":"sqs","status":"running","url":"amqp://q"}"#)
        }
        "GET /resources/empty" => {
            Response::json(r#"{"name":"empty","type":"s3","status":"running"}"#)
        }
        "DELETE /resources/db" => {
            gone.store(true, std::sync::atomic::Ordering::SeqCst);
            Response::refusal(200, "ok\n")
        }
        "POST /resources" => Response::json(r#"{"name":"db","type":"postgres"}"#),
        "PUT /resources/db" | "POST /resources/db/links" | "DELETE /resources/db/links/web" => {
            Response::json("{}")
        }
        line if line.contains("/resources/nope") => {
            Response::refusal(404, "no such resource: nope")
        }
        _ => answer(ask),
    })
}

#[test]
fn changes_of_the_resources_of_a_rack_are_waited_for_if_that_is_asked_for() {
    let fake = with_database();
    let story = Story::against(&fake);
    story.run("convox rack resources update db storage=80").prints("Updating resource... OK");
    assert_eq!(fake.count("GET /resources/db"), 0);
    for (line, expected) in [
        ("create postgres -n db", "Creating resource... OK, db"),
        ("update db storage=80", "Updating resource... OK"),
        ("link db", "Linking to web... OK"),
        ("unlink db", "Unlinking from web... OK"),
        ("delete db", "Deleting resource... OK"),
    ] {
        let before = fake.count("GET /resources/db");
        story.run(&format!("convox rack resources {line} --wait")).prints(expected);
        assert!(fake.count("GET /resources/db") > before, "{line}");
    }
}

#[test]
fn a_resource_of_a_rack_that_is_not_there_is_named_with_the_list() {
    let story = Story::against(&with_database());
    for line in ["info", "url", "delete", "link", "unlink", "proxy"] {
        story.run(&format!("convox rack resources {line} nope")).code(1).stderr_contains(
            "ERROR: no such resource: nope\nHINT: list resources with: convox rack resources\n",
        );
    }
    story.run("convox rack resources update nope a=b").code(1).stderr_contains("rack resources\n");
    story.run("convox rack resources url empty").fails(str![[r#"
ERROR: no url for resource: empty
HINT: show it with: convox rack resources info empty
"#]]);
    story.run("convox rack resources proxy queue").fails(str![[r#"
ERROR: unknown port for the url of resource queue
HINT: print it with: convox rack resources url queue
"#]]);
}

#[test]
fn a_resource_of_a_rack_is_made_available_on_this_machine() {
    let story = Story::against(&with_database());
    let running = story.start("convox rack resources proxy db --port 15999");
    running.shows("proxying localhost:15999 to db.internal:5432").interrupt();
    running.end().code(130);
}

#[test]
fn a_database_that_the_rack_has_kept_is_deleted() {
    let fake = MockServer::new(answer);
    let story = Story::against(&fake);
    story.run("convox resources db delete old-database").prints("OK");
    let deleted = story.run("convox resources db delete old-database --json").json();
    assert_eq!(deleted, serde_json::json!({"database": "old-database"}));
    story.run("convox resources db delete nope").fails(str![[r#"
ERROR: response status 404
HINT: the request was DELETE /rds/nope
HINT: list the resources of an app with: convox resources
"#]]);
    let help = story.run("convox resources --help");
    assert!(!help.out.contains("  db "), "{help}");
}
