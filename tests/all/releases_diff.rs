//! `releases diff`.

use snapbox::str;

use crate::support::{MockServer, Response, Story, ordinary};

#[test]
fn the_active_release_is_compared_with_the_one_before() {
    let story = Story::deployed("web");
    story.run("convox releases diff").fails(str![[r#"
ERROR: web has no two releases to compare
HINT: list releases with: convox releases -a web
"#]]);
    story.run("convox env set COLOR=teal").code(0);
    story.edit("convox.yml", "port: 3000", "port: 5000");
    story.run("convox deploy --wait").code(0);
    story.run("convox releases diff").prints(str![[r#"
Release   RAAAAAAAAAA -> RCCCCCCCCCC
Build     BAAAAAAAAAA -> BBBBBBBBBBB
Env       +COLOR=teal
Manifest  --- RAAAAAAAAAA
          +++ RCCCCCCCCCC
          @@ -2,4 +2,4 @@
             web:
               build: .
               command: python3 web.py
          -    port: 3000
          +    port: 5000
"#]]);
}

#[test]
fn any_two_releases_are_compared() {
    let story = Story::deployed("web");
    story.run("convox env set COLOR=teal SIZE=big").code(0);
    story.run("convox env set COLOR=red").code(0);
    story.run("convox env unset SIZE").code(0);
    story.run("convox releases diff RBBBBBBBBBB RDDDDDDDDDD").prints(str![[r#"
Release   RBBBBBBBBBB -> RDDDDDDDDDD
Build     BAAAAAAAAAA
Env       -COLOR=teal
          +COLOR=red
          -SIZE=big
Manifest  no difference
"#]]);
    // With one release: the active one is the other.
    story.run("convox releases diff RBBBBBBBBBB").ok().stdout_contains("-COLOR=teal\n");
    let diff = story.run("convox releases diff RBBBBBBBBBB RDDDDDDDDDD --json").json();
    assert_eq!(
        diff["env"],
        serde_json::json!({
            "COLOR": {"from": "teal", "to": "red"}, "SIZE": {"from": "big", "to": null},
        })
    );
    assert!(diff["manifest"].is_null(), "{diff}");
    story.run("convox releases diff RXX RBBBBBBBBBB").fails(str![[r#"
ERROR: no such release: RXX
HINT: list releases with: convox releases -a web
"#]]);
}

#[test]
fn masked_variables_are_not_shown_on_a_terminal() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps/web/releases/RA" => Response::json(r#"{"id":"RA","env":"KEY=hunter1\nA=1"}"#),
        "GET /apps/web/releases/RB" => Response::json(r#"{"id":"RB","env":"KEY=hunter2\nA=2"}"#),
        line if line.starts_with("GET /apps/web/configs/") => {
            Response::json(r#"{"name":"env-mask","value":"KEY"}"#)
        }
        _ => ordinary(ask),
    });
    let story = Story::against(&fake);
    let (code, seen) = story.on_terminal("convox releases diff RA RB").end();
    assert!(code == 0 && !seen.contains("hunter"), "{seen}");
    assert!(seen.contains("-KEY=****") && seen.contains("+A=2"), "{seen}");
    let (_, seen) = story.on_terminal("convox releases diff RA RB --reveal").end();
    assert!(seen.contains("hunter2"), "{seen}");
    story.run("convox releases diff RA RB").ok().stdout_contains("+KEY=hunter2\n");
}
