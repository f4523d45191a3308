//! `apps export`, `apps import`, `builds export` and `builds import`.

use snapbox::str;

use crate::support::Story;

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

#[test]
fn an_archive_that_is_not_one_creates_nothing() {
    let story = Story::new("web");
    story
        .run_with("convox apps import shop", "")
        .fails(str!["ERROR: this is not an exported app: the archive is damaged: it is empty"]);
    story
        .run_with("convox apps import shop", "text")
        .fails(str!["ERROR: this is not an exported app: the archive is damaged: it is not a gzip file"]);
    story.run("convox apps info shop").is_error();
}

#[test]
fn the_development_rack_refuses_to_export_a_build() {
    let story = Story::deployed("web");
    story
        .run("convox builds export BAAAAAAAAAA --file build.tgz")
        .fails(str!["ERROR: the development rack can't export builds: its builds have no images"]);
    story
        .run("convox apps export --file web.tgz")
        .fails(str!["ERROR: the development rack can't export builds: its builds have no images"]);
}

#[test]
fn the_development_rack_refuses_to_import_a_build() {
    let story = Story::new("web");
    story.run("convox apps create").ok();
    story
        .run_with("convox builds import", "text")
        .fails(str!["ERROR: the development rack can't import builds: its builds have no images"]);
}
