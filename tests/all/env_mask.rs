//! `env mask`: which variables a terminal does not show.

use std::sync::Mutex;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use snapbox::str;

use crate::support::{MockServer, Response, Story, ordinary};

/// A rack that keeps the mask it is given.
fn rack() -> MockServer {
    let stored = Mutex::new("A".to_owned());
    MockServer::new(move |ask| match ask.line.strip_suffix("/apps/web/configs/cli-env-mask") {
        Some("GET ") => {
            let value = stored.lock().unwrap().clone();
            Response::json(&serde_json::json!({"name": "cli-env-mask", "value": value}).to_string())
        }
        Some("PUT ") => {
            let text = ask.text();
            let mut form = url::form_urlencoded::parse(text.as_bytes());
            let (_, encoded) = form.find(|(key, _)| key == "value").unwrap();
            let value = BASE64_STANDARD.decode(encoded.as_bytes()).unwrap();
            *stored.lock().unwrap() = String::from_utf8(value).unwrap();
            Response::refusal(200, "ok\n")
        }
        _ => ordinary(ask),
    })
}

#[test]
fn keys_are_masked_and_unmasked() {
    let fake = rack();
    let story = Story::against(&fake);
    story.run("convox env mask").prints(str!["A"]);
    story
        .run("convox env mask set PASSWORD TOKEN")
        .prints(str!["Setting masked env keys PASSWORD, TOKEN... OK"]);
    story.run("convox env mask").prints(str![[r#"
A
PASSWORD
TOKEN
"#]]);
    story
        .run("convox env mask unset A TOKEN")
        .prints(str!["Unsetting masked env keys A, TOKEN... OK"]);
    assert_eq!(story.run("convox env mask --json").json(), serde_json::json!(["PASSWORD"]));
    story.run("convox env mask set 'A KEY'").fails(str![[
        r#"ERROR: invalid env key name: "A KEY" (must not contain whitespace or '=')"#
    ]]);
    story.run("convox env mask set A=1").fails(str!["ERROR: use `convox env set KEY=VALUE` to set env values. `convox env mask set` takes key names only"]);
    story.run("convox env mask unset ''").code(2);
}

#[test]
fn a_rack_that_keeps_no_mask_is_warned_about() {
    let story = Story::against(&MockServer::new(ordinary));
    story.run("convox env mask").prints(str![]);
    story.run("convox env mask set A").prints(str![[r#"
Setting masked env keys A... 
Warning: this rack version may not support env masking
"#]]);
}
