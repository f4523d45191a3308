//! `encrypt` and `decrypt`, which need no rack.

use snapbox::str;

use crate::support::Story;

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

#[test]
fn what_was_encrypted_is_decrypted_with_the_same_key_alone() {
    let mut story = Story::alone("web");
    story.set("KEY", KEY).set("OTHER", "CAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    let sealed = story.run_with("convox encrypt --key-env KEY", "hunter2\n").ok().out.clone();
    let decrypt = |key: &str| story.run_with(&format!("convox decrypt --key-env {key}"), &sealed);
    decrypt("KEY").prints("hunter2");
    decrypt("OTHER").fails(str![[r#"
ERROR: could not decrypt data
HINT: it was encrypted with another key, or changed since
"#]]);
    let data = story.run(&format!("convox encrypt --key {KEY} --data teal --json")).json();
    let line = format!("convox decrypt --key {KEY} --data {}", data["data"].as_str().unwrap());
    story.run(&line).prints("teal");
}

#[test]
fn a_key_or_data_that_is_missing_or_none_is_an_error() {
    let mut story = Story::alone("web");
    story.set("SHORT", "aHVudGVyMg==");
    story
        .run("convox encrypt --key '' --data teal")
        .fails(str!["ERROR: key and data must be non empty"]);
    story
        .run(&format!("convox encrypt --key {KEY}"))
        .fails(str!["ERROR: key and data must be non empty"]);
    story.run("convox encrypt --key-env SHORT --data teal").fails(str![[r#"
ERROR: the key is not valid: at least 32 bytes in base64 are expected
HINT: openssl rand -base64 32 makes one
"#]]);
    story
        .run("convox encrypt --key-env NOT_SET --data teal")
        .fails_with(2, str!["ERROR: the environment variable NOT_SET is not set"]);
    story.run(&format!("convox decrypt --key {KEY} --data nonsense")).fails(str![[r#"
ERROR: the data is not valid
HINT: give it as it was printed when it was encrypted
"#]]);
}
