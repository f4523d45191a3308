//! `build`: a release that is not promoted.

use snapbox::str;

use crate::support::Story;

#[test]
fn a_build_makes_a_release_and_leaves_the_app_alone() {
    let story = Story::new("web");
    story.run("convox build --create").prints(str![[r#"
Packaging source... OK
Uploading source... OK
Starting build... OK
Building web (BAAAAAAAAAA)
Unpacked 4 entries, SIZE
Reading convox.yml
Built RAAAAAAAAAA from BAAAAAAAAAA
web: http://127.0.0.1:10001
Build:   BAAAAAAAAAA
Release: RAAAAAAAAAA
"#]]);
    story.run("convox releases").prints(str![[r#"
ID           CREATED        BUILD        STATUS
RAAAAAAAAAA  5 minutes ago  BAAAAAAAAAA
"#]]);
}

#[test]
fn with_id_the_release_alone_goes_to_stdout() {
    let story = Story::new("web");
    story.run("convox build --create --id").code(0).out(str![[r#"RAAAAAAAAAA"#]]);
}

#[test]
fn json_ends_with_the_ids() {
    let story = Story::new("web");
    let events = story.run("convox build --create --json").ok().events();
    let last = events.last().unwrap();
    assert_eq!(last["event"], "succeeded");
    assert_eq!((&last["build"], &last["release"]), (&"BAAAAAAAAAA".into(), &"RAAAAAAAAAA".into()));
    assert_eq!(last["app"], "web");
}

#[test]
fn a_missing_app_is_named_with_a_hint_to_create_it() {
    let story = Story::new("web");
    story.run("convox build -a shop").fails(str![[r#"
ERROR: no such app: shop
HINT: create it with: convox apps create shop
"#]]);
}

#[test]
fn a_build_argument_without_a_value_is_a_usage_error() {
    let story = Story::alone("web");
    let ran = story.run("convox build --build-args COLOR");
    ran.code(2).stderr_contains("KEY=VALUE expected");
    story.run("convox build --build-args A=1,B=2").code(2).stderr_contains("commas");
}

#[test]
fn the_description_is_the_git_commit_unless_given() {
    let story = Story::new("web");
    let git = "git init -q && git add . && \
               git -c user.name=a -c user.email=a@b commit -q -m 'Say hello'";
    if story.shell("git --version").code != 0 {
        return eprintln!("skipped: there is no git");
    }
    story.shell(git).ok();
    story.run("convox build --create").ok();
    story.run("convox build -d 'by hand'").ok();
    let builds = story.rack().json("/apps/web/builds");
    let sha = story.shell("git rev-parse HEAD").out.trim().to_owned();
    assert_eq!(builds[0]["description"], "by hand");
    assert_eq!(builds[1]["description"], format!("build {} Say hello", &sha[..10]));
    assert_eq!(builds[1]["git-sha"], sha.as_str());
}
