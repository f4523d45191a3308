//! Addresses of racks and fingerprints of certificates, as users and settings give them: one a line.

use convox_client::{Fingerprint, RackUrl};

pub(crate) fn check(bytes: &[u8]) {
    for line in String::from_utf8_lossy(bytes).split('\n') {
        match line.parse::<RackUrl>() {
            Ok(url) => check_url(&url),
            // Its own text may be a password.
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        if let Ok(fingerprint) = line.parse::<Fingerprint>() {
            assert_eq!(fingerprint.to_string().parse::<Fingerprint>(), Ok(fingerprint));
        }
    }
}

fn check_url(url: &RackUrl) {
    let shown = url.to_string();
    assert!(!url.base().ends_with('/'), "{shown}");
    // A path with an `@` may be refused once it is no longer known where the host ends.
    let Ok(again) = shown.parse::<RackUrl>() else {
        return assert!(shown.contains('@'), "{shown}");
    };
    assert_eq!(again.base(), url.base(), "what is shown leads there");
    assert!(again.credentials().is_none(), "credentials are shown");
}
