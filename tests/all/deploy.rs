//! `deploy`: from a directory to a running release.

use snapbox::str;

use std::fs;

use crate::support::{MockServer, Request, Response, Story, is_root, ordinary};

#[test]
fn a_missing_app_is_created_with_create_and_an_error_without_it() {
    let story = Story::new("web");
    story.run("convox deploy").fails(str![[r#"
ERROR: no such app: web
HINT: create it with: convox apps create web
"#]]);
    assert_eq!(story.rack().json("/apps"), serde_json::json!([]), "nothing was made");
    story.run("convox deploy --create --wait").prints(str![[r#"
Deploying web
Creating tarball... OK
Uploading: SIZE / SIZE [=====] 100.00 % 0s
Starting build... OK
Building web (BAAAAAAAAAA)
Unpacked 4 entries, SIZE
Reading convox.yml
Built RAAAAAAAAAA from BAAAAAAAAAA
web: http://127.0.0.1:10001
Promoting RAAAAAAAAAA... UPDATING
Waiting for RAAAAAAAAAA... OK
"#]]);
}

#[test]
fn the_v3_style_prints_what_3_x_clients_print() {
    let story = Story::new("web");
    story.run("convox apps create").ok();
    let ran = story.run("convox deploy --style v3");
    let (build, promote) = ran.out.split_once("Promoting").expect("a promote");
    assert_eq!(
        build,
        "Packaging source... OK\nUploading source... OK\nStarting build... OK\n\
         Building web (BAAAAAAAAAA)\nUnpacked 4 entries, SIZE\nReading convox.yml\n\
         Built RAAAAAAAAAA from BAAAAAAAAAA\nweb: http://127.0.0.1:10001\n"
    );
    assert!(promote.starts_with(" RAAAAAAAAAA... \n"), "{ran}");
    assert!(promote.contains(" system/rack/web promoting release RAAAAAAAAAA\n"), "{ran}");
    assert!(promote.ends_with("\nOK\n"), "{ran}");
    story.run("convox apps --style v3").prints(str![[r#"
APP  STATUS   RELEASE
web  running  RAAAAAAAAAA
"#]]);
}

#[test]
fn a_variable_chooses_style_and_wait() {
    let mut story = Story::new("web");
    story.set("CONVOX_WAIT", "1");
    story.run("convox deploy --create").ok().stdout_contains("Waiting for RAAAAAAAAAA... OK\n");
    story.set("CONVOX_STYLE", "v3");
    story.run("convox deploy").ok().stdout_contains("Packaging source... OK\n");
}

#[test]
fn json_is_one_event_a_line_and_ends_with_the_ids() {
    let story = Story::new("web");
    let ran = story.run("convox deploy --create --wait --json");
    let events = ran.ok().events();
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    let mut steps = names.clone();
    steps.dedup();
    assert_eq!(
        steps,
        [
            "deploying",
            "packaging",
            "packaged",
            "uploading",
            "uploaded",
            "starting_build",
            "build_started",
            "build_log",
            "built",
            "promoting",
            "promoted",
            "waiting",
            "running",
            "succeeded"
        ]
    );
    assert!(events[4]["bytes"].is_u64() && events[4]["seconds"].is_f64(), "{}", events[4]);
    assert_eq!(events[7]["line"], "Building web (BAAAAAAAAAA)");
    let last = serde_json::json!({
        "event": "succeeded", "app": "web", "build": "BAAAAAAAAAA", "release": "RAAAAAAAAAA"
    });
    assert_eq!(events.last(), Some(&last));
}

#[test]
fn the_last_json_event_of_a_failure_has_the_error_which_is_on_stderr_too() {
    let story = Story::new("web");
    story.write("convox.yml", "services:\n  web:\n    image: nginx\n");
    let ran = story.run("convox deploy --create --json");
    ran.code(1).stderr_contains("ERROR: build failed: ");
    let last = ran.events().pop().unwrap();
    assert_eq!((&last["event"], &last["app"]), (&"failed".into(), &"web".into()));
    assert_eq!((&last["build"], &last["release"]), (&"BAAAAAAAAAA".into(), &().into()));
    assert!(last["error"].as_str().unwrap().starts_with("build failed: "), "{last}");
}

#[test]
fn with_id_the_release_alone_goes_to_stdout() {
    let story = Story::new("web");
    let ran = story.run("convox deploy --create --id");
    ran.code(0)
        .stderr_contains("Deploying web\n")
        .stderr_contains("Promoting RAAAAAAAAAA... UPDATING\n");
    ran.out(str![[r#"RAAAAAAAAAA"#]]);
    story.run("convox deploy --json --id").code(2).err(str![[r#"
ERROR: the argument '--json' cannot be used with '--id'
HINT: usage: convox deploy --json [DIR]
HINT: see: convox deploy --help
"#]]);
}

#[test]
fn a_directory_that_cannot_be_deployed_is_refused_before_any_request() {
    let story = Story::new("web");
    story.run("convox deploy nowhere").fails(str!["ERROR: no such directory: /story/web/nowhere"]);
    story.run("convox deploy web.py").fails(str![[r#"
ERROR: not a directory: /story/web/web.py
HINT: name the directory that has the convox.yml
"#]]);
    fs::create_dir(story.path("web/empty")).unwrap();
    story.run("convox deploy empty").fails(str![[r#"
ERROR: directory is empty: /story/web/empty
HINT: name the directory that has the source of the app
"#]]);
    story.write("other/file", "");
    story.run("convox deploy other").code(1).err(str![[r#"
ERROR: no convox.yml or docker-compose.yml in /story/web/other
HINT: write this one with: convox init other
HINT:   services:
HINT:     web:
HINT:       build: .
HINT:       port: 3000
HINT: or name the manifest with --manifest
"#]]);
    story
        .run("convox deploy -m missing.yml")
        .fails(str![[r#"ERROR: no such manifest: /story/web/missing.yml"#]]);
    assert_eq!(story.rack().json("/apps"), serde_json::json!([]));
}

#[test]
fn an_unreadable_file_is_named_and_nothing_is_built() {
    use std::os::unix::fs::PermissionsExt;
    if is_root() {
        return eprintln!("skipped: root reads every file");
    }
    let story = Story::new("web");
    story.write("secret.txt", "x");
    let path = story.path("web/secret.txt");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let ran = story.run("convox deploy --create");
    ran.code(1)
        .stderr_contains("ERROR: ")
        .stderr_contains("secret.txt")
        .stderr_contains("ermission denied");
    assert_eq!(story.rack().json("/apps/web/builds"), serde_json::json!([]));
}

#[test]
fn a_socket_in_the_directory_is_named() {
    let story = Story::new("web");
    let _socket = std::os::unix::net::UnixListener::bind(story.path("web/my.sock")).unwrap();
    let ran = story.run("convox deploy --create");
    assert!(ran.err.contains("my.sock"), "{ran}");
}

#[test]
fn an_env_file_that_is_sent_gets_a_warning() {
    let story = Story::new("web");
    story.write(".env", "PASSWORD=x\n");
    let ran = story.run("convox deploy --create");
    ran.code(0).stderr_contains("WARNING: ").stderr_contains(".env");
    assert_eq!(ran.err.lines().count(), 1, "{ran}");
    story.write(".dockerignore", ".env\n");
    story.run("convox apps wait").ok();
    story.run("convox deploy").ok();
}

#[test]
fn the_ignore_file_is_respected() {
    let story = Story::new("web");
    story.write(".dockerignore", "*.log\n!keep.log\n").write("drop.log", "").write("keep.log", "");
    story.deploy().stdout_contains("Unpacked 5 entries, SIZE\n");
}

#[test]
fn a_bad_manifest_fails_the_build_with_line_and_reason() {
    let story = Story::new("web");
    story.write("convox.yml", "services:\n  web:\n    command: python3 web.py\n    port: many\n");
    let ran = story.run("convox deploy --create");
    ran.fails(
        str![[r#"
ERROR: build failed: convox.yml line 4: services.web.port: "many" is not a port, for example 3000 or http:3000
HINT: read its log with: convox builds logs BAAAAAAAAAA -a web
"#]],
    );
    ran.stdout_contains("convox.yml line 4");
    story.run("convox builds").prints(str![[r#"
ID           STATUS  RELEASE  STARTED        ELAPSED  DESCRIPTION
BAAAAAAAAAA  failed           5 minutes ago  0s
"#]]);
    assert_eq!(story.rack().json("/apps/web/releases"), serde_json::json!([]));
}

#[test]
fn a_build_step_that_fails_shows_its_log_and_a_hint_to_show_it_again() {
    let story = Story::new("web");
    let manifest = "services:\n  web:\n    command: python3 web.py\n    port: 3000\n    \
                    x-dev:\n      build: echo compiling; exit 3\n";
    story.write("convox.yml", manifest);
    let ran = story.run("convox deploy --create");
    ran.code(1).stdout_contains("\ncompiling\n").stderr_contains("ERROR: build failed");
    ran.stderr_contains("HINT: read its log with: convox builds logs BAAAAAAAAAA -a web\n");
    let log = story.run("convox builds logs BAAAAAAAAAA -a web");
    assert!(ran.out.ends_with(&log.ok().out), "{ran}\n{log}");
}

#[test]
fn a_service_that_does_not_stay_up_is_rolled_back_and_the_old_one_answers() {
    let story = Story::deployed("web");
    let manifest = "services:\n  web:\n    command: sh -c 'echo no luck; exit 3'\n    port: 3000\n";
    story.write("convox.yml", manifest);
    let ran = story.run("convox deploy --wait");
    ran.fails(str![[r#"
ERROR: rollback: the rack gave up on RBBBBBBBBBB and went back to RAAAAAAAAAA
  system/web/web-aaaaaa web-aaaaaa: starting release RBBBBBBBBBB: sh -c 'echo no luck; exit 3'
  service/web/web-aaaaaa no luck
  system/rack/web release RBBBBBBBBBB failed: web: port check failed: ended with exit code 3 before it listened on 127.0.0.1:10002, the port in PORT
  system/rack/web last output of web-aaaaaa:
  system/rack/web   no luck
  system/rack/web rolled back: release RAAAAAAAAAA is still running
HINT: find the reason with: convox logs --since 10m --no-follow -a web
"#]]);
    assert!(ran.out.ends_with("\nWaiting for RBBBBBBBBBB... "), "{ran}");
    let log = story.run("convox logs -a web --since 10m --no-follow");
    log.ok()
        .stdout_contains("no luck\n")
        .stdout_contains("rolled back: release RAAAAAAAAAA is still running\n");
    assert_eq!(story.get("web"), "Hello World!\n");
    story.run("convox releases").prints(str![[r#"
ID           CREATED        BUILD        STATUS  REASON
RBBBBBBBBBB  5 minutes ago  BBBBBBBBBBB  failed  web: port check failed: ended with exit code 3 before it listened on 127.0.0.1:10002, the port in PORT
RAAAAAAAAAA  5 minutes ago  BAAAAAAAAAA  active
"#]]);
}

#[test]
fn a_wait_that_times_out_ends_with_124_and_the_rack_continues() {
    let story = Story::new("web");
    let gate = story.path("gate");
    let slow = format!("import time\nwhile not os.path.exists({gate:?}): time.sleep(0.02)\n");
    story.edit("web.py", "port = int", &(slow + "port = int"));
    story.run("convox deploy --create --wait --wait-timeout 1s").fails_with(
        124,
        str![[r#"
ERROR: timeout: web does not run RAAAAAAAAAA after 1s, and the rack goes on
HINT: show its status with: convox apps info web
"#]],
    );
    story.run("convox apps wait --wait-timeout 1s").fails_with(
        124,
        str![[r#"
ERROR: timeout: web is still not running
HINT: show its status with: convox apps info web
"#]],
    );
    fs::write(gate, "").unwrap();
    story.run("convox apps wait").ok();
    assert_eq!(story.get("web"), "Hello World!\n");
}

#[test]
fn an_app_that_is_updating_is_refused_before_anything_is_packed() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps/web" => {
            Response::json(r#"{"name":"web","status":"updating","release":"RACTIVE"}"#)
        }
        _ => ordinary(ask),
    });
    let story = Story::against(&fake);
    story.run("convox deploy").fails(str![[r#"
ERROR: app web is updating
HINT: wait for it with: convox apps wait web
HINT: or go on anyway with --force
"#]]);
    assert!(
        fake.requests().iter().all(|ask| ask.line.starts_with("GET ")),
        "{:?}",
        fake.requests()
    );
}

/// A rack on which builds end with `status`.
fn builds_with(status: &'static str) -> MockServer {
    MockServer::new(move |ask| match ask.line.as_str() {
        "POST /apps/web/builds" => Response::json(r#"{"id":"BNEW","status":"running"}"#),
        "GET /apps/web/builds/BNEW" => {
            Response::json(&format!(r#"{{"id":"BNEW","status":"{status}","release":"RNEW"}}"#))
        }
        "GET /apps/web/builds/BNEW/logs" => Response::log(&["step 1\n", "step 2"]),
        line if line.starts_with("POST /apps/web/objects/") => {
            Response::json(r#"{"Url":"object://web/tmp/x.tgz"}"#)
        }
        _ => ordinary(ask),
    })
}

#[test]
fn an_unknown_build_status_is_an_error_of_a_wait() {
    let fake = builds_with("pondering");
    let ran = Story::against(&fake).run("convox deploy");
    ran.fails(str![[r#"
ERROR: unexpected build status: pondering
HINT: read its log with: convox builds logs BNEW -a web
"#]]);
    assert!(ran.out.ends_with("\nstep 1\nstep 2\n"), "{ran}");
    assert_eq!(fake.count("POST /apps/web/builds"), 1);
}

#[test]
fn a_promote_refused_after_the_build_names_the_release_and_the_command() {
    let fake = builds_with("complete");
    let ran = Story::against(&fake).run("convox deploy");
    ran.fails(str![[r#"
ERROR: response status 404
HINT: the request was POST /apps/web/releases/RNEW/promote
HINT: check that this is the address of a rack: convox racks
HINT: the rack may be too old for this
HINT: RNEW is created; promote it with: convox releases promote RNEW -a web
"#]]);
    assert!(ran.out.ends_with("\nstep 1\nstep 2\nPromoting RNEW... "), "{ran}");
}

#[test]
fn old_racks_get_the_source_in_the_form_that_starts_the_build() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /system" => Response::json(r#"{"name":"old","version":"20180101000000"}"#),
        "POST /apps/web/builds" => Response::json(r#"{"id":"BNEW","status":"running"}"#),
        "GET /apps/web/builds/BNEW" => {
            Response::json(r#"{"id":"BNEW","status":"complete","release":"RNEW"}"#)
        }
        "GET /apps/web/builds/BNEW/logs" => Response::log(&["done\n"]),
        "POST /apps/web/releases/RNEW/promote" => Response::json("{}"),
        _ => ordinary(ask),
    });
    Story::against(&fake).run("convox deploy -d words").prints(str![[r#"
Deploying web
Creating tarball... OK
Uploading: SIZE / SIZE [=====] 100.00 % 0s
Starting build... OK
done
Promoting RNEW... UPDATING
"#]]);
    let ask: Request = fake.one("POST /apps/web/builds");
    assert!(ask.header("content-type").unwrap().starts_with("multipart/form-data; boundary="));
    let (text, gzip) = (ask.text(), [0x1f, 0x8b, 0x08]);
    assert!(text.contains("name=\"description\"\r\n\r\nwords\r\n"), "{text}");
    assert!(text.contains("name=\"source\""), "{text}");
    assert!(ask.body.windows(3).any(|bytes| bytes == gzip), "an archive");
}

#[test]
fn a_build_whose_response_is_lost_is_found_and_not_started_twice() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let started = AtomicBool::new(false);
    let fake = MockServer::new(move |ask| match ask.line.as_str() {
        "POST /apps/web/builds" => {
            started.store(true, Ordering::Relaxed);
            Response::raw("")
        }
        "GET /apps/web/builds" if started.load(Ordering::Relaxed) => {
            Response::json(r#"[{"id":"BNEW","status":"running","description":"mine"}]"#)
        }
        "GET /apps/web/builds/BNEW" => {
            Response::json(r#"{"id":"BNEW","status":"complete","release":"RNEW"}"#)
        }
        "GET /apps/web/builds/BNEW/logs" => Response::log(&["done\n"]),
        "POST /apps/web/releases/RNEW/promote" => Response::refusal(200, "ok\n"),
        line if line.starts_with("POST /apps/web/objects/") => {
            Response::json(r#"{"Url":"object://web/tmp/x.tgz"}"#)
        }
        _ => ordinary(ask),
    });
    let ran = Story::against(&fake).run("convox deploy -d mine");
    ran.code(0).stdout_contains("Starting build... OK\ndone\nPromoting RNEW... UPDATING\n");
    ran.stderr_contains("NOTICE: the response to POST /apps/web/builds was lost (");
    assert_eq!(fake.count("POST /apps/web/builds"), 1);
}
