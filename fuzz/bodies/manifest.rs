//! Manifests: the text of a convox.yml.

use convox_devrack::manifest::{EnvironmentEntry, Manifest};
use convox_wire::Environment;

pub(crate) fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let manifest = match Manifest::parse(&text, &Environment::default()) {
        Ok(manifest) => manifest,
        Err(error) => {
            let words = error.to_string();
            assert!(!words.is_empty() && !words.contains('\n'), "{words:?}");
            return;
        }
    };
    assert!(!manifest.services.is_empty());
    let nothing = Environment::default();
    let missing = manifest.missing(&nothing);
    for service in &manifest.services {
        assert!(!service.command.is_empty());
        assert!((1..=lines_of(&text)).contains(&service.line));
        assert_eq!(manifest.service(&service.name).map(|found| &found.name), Some(&service.name));
    }
    // A variable is missing only if a service requires it.
    let entries = || manifest.services.iter().flat_map(|service| manifest.environment_of(service));
    let requires = |entry: &EnvironmentEntry, key: &str| matches!(entry, EnvironmentEntry::Required(required) if required == key);
    assert!(missing.iter().all(|key| entries().any(|entry| requires(entry, key))));
    assert!(entries().all(|entry| match entry {
        EnvironmentEntry::Required(key) => missing.contains(key),
        EnvironmentEntry::Default(..) | EnvironmentEntry::All => true,
    }));
    assert_eq!(Manifest::parse(&text, &nothing).ok(), Some(manifest), "the same again");
}

/// A lone carriage return ends a line of YAML too (YAML 1.2, 5.4).
fn lines_of(text: &str) -> usize {
    1 + text.matches(['\n', '\r']).count()
}
