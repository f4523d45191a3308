//! The story of the guide.

use snapbox::str;

use crate::support::Story;

#[test]
fn the_guide_from_the_first_deploy_to_the_rollback() {
    let story = Story::new("convox-guide");
    story.run("convox apps create").prints(str![[r#"Creating convox-guide... OK"#]]);
    story.run("convox deploy --wait").prints(str![[r#"
Deploying convox-guide
Creating tarball... OK
Uploading: SIZE / SIZE [=====] 100.00 % 0s
Starting build... OK
Building convox-guide (BAAAAAAAAAA)
Unpacked 4 entries, SIZE
Reading convox.yml
Built RAAAAAAAAAA from BAAAAAAAAAA
web: http://127.0.0.1:10001
Promoting RAAAAAAAAAA... UPDATING
Waiting for RAAAAAAAAAA... OK
"#]]);
    assert_eq!(story.get("web"), "Hello World!\n");

    story.advance_clock(5 * 60);
    story.run_now("convox releases").prints(str![[r#"
ID           CREATED        BUILD        STATUS
RAAAAAAAAAA  5 minutes ago  BAAAAAAAAAA  active
"#]]);

    story.edit("web.py", "Hello World!", "Greetings, Earthlings!");
    story.advance_clock(9 * 60 + 30);
    story.run("convox deploy").prints(str![[r#"
Deploying convox-guide
Creating tarball... OK
Uploading: SIZE / SIZE [=====] 100.00 % 0s
Starting build... OK
Building convox-guide (BBBBBBBBBBB)
Unpacked 4 entries, SIZE
Reading convox.yml
Built RBBBBBBBBBB from BBBBBBBBBBB
web: http://127.0.0.1:10001
Promoting RBBBBBBBBBB... UPDATING
"#]]);
    story.run("convox apps wait").prints(str![[r#"Waiting for app... OK"#]]);
    story.advance_clock(37);
    story.run_now("convox releases").prints(str![[r#"
ID           CREATED         BUILD        STATUS
RBBBBBBBBBB  37 seconds ago  BBBBBBBBBBB  active
RAAAAAAAAAA  15 minutes ago  BAAAAAAAAAA
"#]]);
    assert_eq!(story.get("web"), "Greetings, Earthlings!\n");

    story.advance_clock(5 * 60);
    story.run_now("convox releases").prints(str![[r#"
ID           CREATED         BUILD        STATUS
RBBBBBBBBBB  5 minutes ago   BBBBBBBBBBB  active
RAAAAAAAAAA  20 minutes ago  BAAAAAAAAAA
"#]]);
    story
        .run("convox releases promote RAAAAAAAAAA")
        .prints(str![[r#"Promoting RAAAAAAAAAA... UPDATING"#]]);
    story.run("convox apps wait").prints(str![[r#"Waiting for app... OK"#]]);
    assert_eq!(story.get("web"), "Hello World!\n");
    story.run_now("convox releases").prints(str![[r#"
ID           CREATED         BUILD        STATUS
RBBBBBBBBBB  5 minutes ago   BBBBBBBBBBB
RAAAAAAAAAA  20 minutes ago  BAAAAAAAAAA  active
"#]]);
}

#[test]
fn an_app_is_updating_until_its_new_release_answers() {
    let story = Story::deployed("convox-guide");
    let gate = story.path("gate");
    let slow = format!("import os, time\nwhile not os.path.exists({gate:?}): time.sleep(0.02)\n");
    story.edit("web.py", "port = int", &(slow + "port = int"));
    story.edit("web.py", "Hello World!", "Greetings, Earthlings!");
    story.run("convox deploy").ok().stdout_contains("Promoting RBBBBBBBBBB... UPDATING\n");
    story.run("convox apps").prints(str![[r#"
APP           STATUS
convox-guide  updating
"#]]);
    assert_eq!(story.get("web"), "Hello World!\n", "the old release goes on");
    std::fs::write(gate, "").unwrap();
    story.run("convox apps wait").prints(str![[r#"Waiting for app... OK"#]]);
    story.run("convox apps").prints(str![[r#"
APP           STATUS
convox-guide  running
"#]]);
    assert_eq!(story.get("web"), "Greetings, Earthlings!\n");
}
