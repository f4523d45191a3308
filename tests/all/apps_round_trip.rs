//! Builds and apps that leave a development rack and come back.

use snapbox::str;

use crate::support::{Story, until};

#[test]
fn an_exported_app_answers_under_another_name() {
    let story = Story::deployed("web");
    story.run("convox env set COLOR=red --promote").ok();
    story.run("convox apps export --file web.tgz").prints(str![[r#"
Exporting app web... OK
Exporting env... OK
Exporting build BAAAAAAAAAA... OK
Packaging export... OK
"#]]);
    story.run("convox apps import shop --file web.tgz").prints(str![[r#"
Creating app shop... OK
Importing build... OK, RCCCCCCCCCC
Importing env... OK, RDDDDDDDDDD
Promoting RDDDDDDDDDD... OK
"#]]);
    let address = story.run("convox services -a shop --json").json()[0]["domain"].clone();
    let address = address.as_str().unwrap().to_owned();
    let curl = format!("curl -s http://{address}");
    until("its answer", || (story.shell(&curl).out == "Hello World!\n").then_some(()));
    story.run("convox env -a shop").prints(str!["COLOR=red"]);
    // The original is still there.
    assert_eq!(story.get("web"), "Hello World!\n");
}

#[test]
fn a_build_moves_from_one_app_to_another() {
    let story = Story::deployed("web");
    story.run("convox apps create other").ok();
    story.run("convox builds export BAAAAAAAAAA --file build.tgz").ok();
    story
        .run("convox builds import -a other --file build.tgz")
        .prints(str!["Importing build... OK, RBBBBBBBBBB"]);
    story.run("convox builds -a other").prints(str![[r#"
ID           STATUS    RELEASE      STARTED        ELAPSED  DESCRIPTION
BBBBBBBBBBB  complete  RBBBBBBBBBB  5 minutes ago  0s
"#]]);
    let release = story.run("convox releases -a other --json").json()[0]["id"].clone();
    let release = release.as_str().unwrap().to_owned();
    story.run(&format!("convox releases promote {release} -a other --wait")).ok();
    story.run("convox ps -a other").ok().stdout_contains("python3 web.py");
}

#[test]
fn an_archive_that_is_cut_or_foreign_leaves_nothing_behind() {
    let story = Story::deployed("web");
    story.run("convox apps create other").ok();
    story.run("convox builds export BAAAAAAAAAA --file build.tgz").ok();
    story.shell("head -c 300 build.tgz > cut.tgz").ok();
    story.run("convox builds import -a other --file cut.tgz").fails(str![[r#"
ERROR: this is not an exported build: the archive is damaged: it is truncated
HINT: export the build again with: convox builds export BUILD -a other
"#]]);
    story.shell("tar czf foreign.tgz convox.yml").ok();
    story.run("convox builds import -a other --file foreign.tgz").fails(str![[r#"
ERROR: this is not an exported build: it has no build.json
HINT: export the build again with: convox builds export BUILD -a other
"#]]);
    story.run_with("convox builds import -a other", "text").fails(str![[r#"
ERROR: this is not an exported build: the archive is damaged: it is not a gzip file
HINT: export the build again with: convox builds export BUILD -a other
"#]]);
    assert_eq!(story.run("convox builds -a other --json").json(), serde_json::json!([]));
    assert_eq!(story.run("convox releases -a other --json").json(), serde_json::json!([]));
}

#[test]
fn a_build_that_is_not_complete_or_unknown_is_not_exported() {
    let story = Story::deployed("web");
    story.edit("convox.yml", "command: python3 web.py", "image: web");
    story.run("convox build").is_error();
    story
        .run("convox builds export BBBBBBBBBBB --file build.tgz")
        .fails(str!["ERROR: build BBBBBBBBBBB is not complete and can't be exported"]);
    story.run("convox builds export BUNKNOWN --file build.tgz").fails(str![[r#"
ERROR: no such build: BUNKNOWN
HINT: list builds with: convox builds -a web
"#]]);
    assert!(!story.path("build.tgz").exists());
}
