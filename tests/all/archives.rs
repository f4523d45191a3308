//! `apps export`, `apps import`, `builds export` and `builds import`.

use std::fs;

use snapbox::str;

use crate::support::Story;
use crate::support::{MockServer, Response, ordinary};

#[test]
fn an_exported_app_without_a_release_is_imported_under_another_name() {
    let story = Story::new("web");
    story.run("convox apps create").ok();
    story.run("convox apps export --file web.tgz").prints(str![[r#"
Exporting app web... OK
Packaging export... OK
"#]]);
    story.run("convox apps import shop --file web.tgz").prints(str!["Creating app shop... OK"]);
    let imported = story.run("convox apps import store --file web.tgz --json").json();
    assert_eq!(imported, serde_json::json!({"app": "store", "release": null}));
}

/// A rack whose app has a build and resources.
fn rack() -> MockServer {
    MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps/web/resources" => Response::json(
            r#"[{"name":"db","type":"postgres"},{"name":"cache","type":"memcached"}]"#,
        ),
        "GET /apps/web/builds/BACTIVE.tgz" => Response::of(200, "application/gzip", "a build"),
        "GET /apps/web/resources/cache/data" => {
            Response::refusal(500, "export not available for resources of type: memcached")
        }
        "GET /apps/web/resources/db/data" => Response::of(200, "text/plain", "a dump"),
        _ => ordinary(ask),
    })
}

#[test]
fn every_part_of_an_app_is_exported() {
    let fake = rack();
    let story = Story::against(&fake);
    let ran = story.run("convox apps export --file web.tgz");
    ran.code(0)
        .out(str![[r#"
Exporting app web... OK
Exporting env... OK
Exporting build BACTIVE... OK
Exporting resource db... OK
Packaging export... OK
"#]])
        .err(str!["NOTICE: cache is a cache and has no data to export"]);
    story.shell("tar tzf web.tgz | sort").prints(str![[r#"
app.json
build.tgz
env
resources
resources/db.tgz
"#]]);
}

#[test]
fn an_export_that_fails_leaves_no_file() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps/web/builds/BACTIVE.tgz" => Response::refusal(500, "no such image"),
        _ => ordinary(ask),
    });
    let story = Story::against(&fake);
    story.run("convox apps export --file web.tgz").fails(str![[r#"
ERROR: no such image
HINT: the rack failed at GET /apps/web/builds/BACTIVE.tgz
HINT: check the rack's status with: convox rack
"#]]);
    assert!(!story.path("web.tgz").exists());
}

#[test]
fn a_web_page_is_never_taken_for_an_export() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps/web/builds/BACTIVE.tgz" | "GET /apps/web/resources/db/data" => {
            Response::html(200)
        }
        _ => ordinary(ask),
    });
    let story = Story::against(&fake);
    story.run("convox builds export BACTIVE --file build.tgz").fails(str![[r#"
ERROR: invalid response to GET /apps/web/builds/BACTIVE.tgz: expected data, got a web page
HINT: check that this is the address of a rack: convox racks
"#]]);
    story.run("convox resources export db --file dump.sql").is_error();
    assert!(!story.path("build.tgz").exists() && !story.path("dump.sql").exists());
}

/// A rack that imports images; the build is complete once the image was relayed.
fn importing_rack() -> MockServer {
    const BUILD: &str = r#"{"id":"BNEW","app":"web","status":"complete","release":"RNEW"}"#;
    MockServer::new(|ask| match ask.line.as_str() {
        "POST /apps/web/builds" | "GET /apps/web/builds/BNEW" | "PUT /apps/web/builds/BNEW" => {
            Response::json(BUILD)
        }
        "POST /apps/web/builds/BNEW/image" => Response::refusal(200, "ok\n"),
        "POST /apps/web/releases" => Response::json(r#"{"id":"RNEW","app":"web","build":"BNEW"}"#),
        _ => ordinary(ask),
    })
}

#[test]
fn an_image_is_imported_as_a_build() {
    let fake = importing_rack();
    let mut story = Story::against(&fake);
    story.set("REGISTRY_PASSWORD", "hunter2");
    story.write("convox.yml", "services:\n  web:\n    image: ghcr.io/ada/web\n");
    let import = "convox builds import-image ghcr.io/ada/web:1";
    story.run(import).prints(str![[r#"
Creating build... OK, BNEW
Relaying image ghcr.io/ada/web:1... OK
Waiting for import to complete... OK
Creating release... OK, RNEW
Build:   BNEW
Release: RNEW
"#]]);
    let ran = story.run(&format!(
        "{import} --src-creds-user ada --src-creds-pass-env REGISTRY_PASSWORD --json"
    ));
    assert_eq!(ran.json()["release"], "RNEW");
    let sent = fake.requests().into_iter().rev().find(|ask| ask.line.ends_with("/image")).unwrap();
    assert!(sent.text().contains("hunter2"), "{}", sent.text());
    story.run(&format!("{import} --src-creds-user ada --src-creds-pass-env NOT_SET")).is_error();
    story.run(&format!("{import} -m missing.yml")).is_error();
    // A sparse file, which would take all memory if it was read whole.
    fs::File::create(story.path("web/huge.yml")).unwrap().set_len(3 << 30).unwrap();
    story
        .run(&format!("{import} -m huge.yml"))
        .fails(str!["ERROR: read manifest huge.yml: it is larger than 16 MB"]);
    story.run("convox builds import-image ''").code(2);
}

#[test]
fn an_archive_that_is_not_one_creates_nothing() {
    let story = Story::new("web");
    story.run_with("convox apps import shop", "").fails(str![[r#"
ERROR: this is not an exported app: the archive is damaged: it is empty
HINT: nothing was created; export the app with: convox apps export
"#]]);
    story.run_with("convox apps import shop", "text").fails(str![[r#"
ERROR: this is not an exported app: the archive is damaged: it is not a gzip file
HINT: nothing was created; export the app with: convox apps export
"#]]);
    story.run("convox apps info shop").is_error();
}
