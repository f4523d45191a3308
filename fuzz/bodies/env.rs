//! Environments: each line is an argument, and the whole input is a file.

use convox_wire::{EnvVar, Environment};

pub(crate) fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let read = Environment::parse(&text);
    assert_eq!(Environment::parse(&read.to_string()), read, "written and read again");
    assert!(read.difference(&read).is_empty());
    for argument in text.split('\n') {
        if let Ok(pair) = argument.parse::<EnvVar>() {
            kept(&pair);
        }
    }
    if let Ok(pairs) = EnvVar::parse_lines(&text) {
        pairs.iter().for_each(kept);
    }
}

/// What is accepted as an argument is the same after it was stored at a rack.
fn kept(pair: &EnvVar) {
    let mut environment = Environment::default();
    environment.set(pair.clone());
    let again = Environment::parse(&environment.to_string());
    assert_eq!(again, environment);
    assert!(again.get(pair.key()).is_some(), "{:?}", pair.key());
}
