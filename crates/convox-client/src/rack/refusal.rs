//! What a rack's refusal means, read from its status and message.
//!
//! Racks of different generations word the same refusal differently, and many of them send a 500
//! with it. This is the only place that compares their texts.

use crate::transport::{Error, no_message};

/// What a rack's refusal means.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no such app.
    AppNotFound,
    /// There is no such build, or it belongs to another app.
    BuildNotFound,
    /// There is no such release, or it belongs to another app.
    ReleaseNotFound,
    /// There is no such process.
    ProcessNotFound,
    /// The app has no such service.
    ServiceNotFound,
    /// There is no such resource.
    ResourceNotFound,
    /// There is an app of this name already.
    AppExists,
    /// The app is locked against deletion.
    AppLocked,
    /// The app is being updated, or not at rest for another reason.
    Updating,
    /// The app has no update that could be canceled.
    NotUpdating,
    /// The release was created before the active one.
    OlderRelease,
    /// The release has no build.
    EmptyManifest,
    /// The release lacks these variables.
    RequiredEnv(Vec<String>),
    /// The app has reached its budget cap.
    OverBudget,
    /// The password or token is wrong.
    Unauthorized,
    /// The role of the token does not permit this (`read`, `write` or `admin`).
    Forbidden,
    /// The JWT is not valid, or not any more.
    InvalidJwt,
    /// The login at the console has expired.
    TokenExpired,
    /// The rack or its provider does not implement this.
    Unimplemented,
    /// The request body is larger than the rack, or a proxy in front of it, accepts.
    TooLarge,
    /// A status without a message. A 404 usually means that the route does not exist.
    NoMessage,
    /// Any other refusal; the message is the rack's own.
    Other,
}

impl Refusal {
    /// Reads a refusal's status and message. The errors of a socket have no status.
    pub fn of(status: Option<u16>, message: &str) -> Self {
        if let Some(refusal) = of_text(message) {
            return refusal;
        }
        match status {
            Some(401) => Self::Unauthorized,
            Some(413) => Self::TooLarge,
            Some(501) => Self::Unimplemented,
            Some(status) if message == no_message(status) => Self::NoMessage,
            _ => Self::Other,
        }
    }
}

/// Phrases anywhere in a message: v2 racks and consoles wrap them in texts of their own.
const PHRASES: [(&str, Refusal); 11] = [
    ("you are unauthorized to access this", Refusal::Forbidden),
    ("invalid authentication: ", Refusal::InvalidJwt),
    ("cli token is expired", Refusal::TokenExpired),
    ("app is currently updating", Refusal::Updating),
    ("app is not updating", Refusal::NotUpdating),
    ("can not promote an older release", Refusal::OlderRelease),
    ("can not promote a release with an empty manifest", Refusal::EmptyManifest),
    ("app is locked", Refusal::AppLocked),
    ("app already exists", Refusal::AppExists),
    ("there is already an app named", Refusal::AppExists),
    ("budget cap exceeded", Refusal::OverBudget),
];

/// What the racks call the nouns that can be missing.
const NOUNS: [(&str, Refusal); 6] = [
    ("app", Refusal::AppNotFound),
    ("build", Refusal::BuildNotFound),
    ("release", Refusal::ReleaseNotFound),
    ("process", Refusal::ProcessNotFound),
    ("service", Refusal::ServiceNotFound),
    ("resource", Refusal::ResourceNotFound),
];

fn of_text(message: &str) -> Option<Refusal> {
    if let Some(names) = message.strip_prefix("required env: ") {
        let names = names.split(',').map(|name| name.trim().to_owned());
        return Some(Refusal::RequiredEnv(names.filter(|name| !name.is_empty()).collect()));
    }
    if message == "unimplemented" {
        return Some(Refusal::Unimplemented);
    }
    if message == "mismatched app and release" {
        return Some(Refusal::ReleaseNotFound);
    }
    let phrase = PHRASES.iter().find(|(phrase, _)| message.contains(phrase));
    let found = phrase.or_else(|| NOUNS.iter().find(|(noun, _)| is_missing(noun, message)));
    found.map(|(_, refusal)| refusal.clone())
}

/// Whether a message reports a missing object: `app not found: web` (v2, v3), `no such app: web`
/// (classic), or `builds.convox.com "babc" not found` (v3 builds and releases).
fn is_missing(noun: &str, message: &str) -> bool {
    let has_phrase = |phrase: String| {
        message.match_indices(&phrase).any(|(at, _)| {
            let (before, after) = (&message[..at], &message[at + phrase.len()..]);
            (before.is_empty() || before.ends_with(": ")) && is_end(after)
        })
    };
    has_phrase(format!("{noun} not found"))
        || has_phrase(format!("no such {noun}"))
        || message.starts_with(&format!("{noun}s.convox.com ")) && message.ends_with("not found")
}

/// Keeps `no such resource type: x` and `no such application` apart.
fn is_end(after: &str) -> bool {
    after.is_empty() || after.starts_with(':')
}

impl Error {
    /// What the rack's refusal means; `None` if the request failed for another reason.
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Status { status, message, .. } | Self::Handshake { status, message, .. } => {
                Some(Refusal::of(Some(*status), message))
            }
            Self::TooLarge { .. } => Some(Refusal::TooLarge),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_means_the_same_in_the_words_of_every_generation() {
        let env = |names: &[&str]| {
            Refusal::RequiredEnv(names.iter().map(|name| (*name).to_owned()).collect())
        };
        for (status, message, refusal) in [
            (404, "app not found: web", Refusal::AppNotFound), // v2, v3
            (404, "no such app: web", Refusal::AppNotFound),   // classic
            (500, "no such app", Refusal::AppNotFound),
            (500, "describe stack: app not found: web", Refusal::AppNotFound),
            (500, "builds.convox.com \"babc\" not found", Refusal::BuildNotFound), // v3
            (404, "build not found: BABC", Refusal::BuildNotFound),                // v2
            (404, "no such build: BABC", Refusal::BuildNotFound),                  // classic
            (500, "releases.convox.com \"rabc\" not found", Refusal::ReleaseNotFound),
            (404, "release not found: RABC", Refusal::ReleaseNotFound),
            (404, "no such release: RABC", Refusal::ReleaseNotFound),
            (500, "mismatched app and release", Refusal::ReleaseNotFound), // v2
            (404, "process not found: web-1", Refusal::ProcessNotFound),
            (500, "no such process: web-1", Refusal::ProcessNotFound),
            (404, "service not found: web", Refusal::ServiceNotFound),
            (500, "no such service: web", Refusal::ServiceNotFound),
            (404, "resource not found: db", Refusal::ResourceNotFound),
            (404, "no such resource: db", Refusal::ResourceNotFound),
            (409, "app already exists: web", Refusal::AppExists), // v3
            (500, "app already exists: web", Refusal::AppExists), // v2
            (403, "there is already an app named web (running)", Refusal::AppExists), // classic
            (409, "app is locked: web", Refusal::AppLocked),
            (403, "app is currently updating", Refusal::Updating),
            (500, "app is currently updating", Refusal::Updating),
            (403, "app is not updating", Refusal::NotUpdating),
            (400, "can not promote an older release, try rollback", Refusal::OlderRelease), // v3
            (500, "can not promote an older release, try rollback", Refusal::OlderRelease), // v2
            (400, "can not promote a release with an empty manifest", Refusal::EmptyManifest),
            (409, "budget cap exceeded for app web", Refusal::OverBudget),
            (400, "required env: KEY, TOKEN", env(&["KEY", "TOKEN"])),
            (400, "required env: KEY", env(&["KEY"])),
            (401, "invalid authentication", Refusal::Unauthorized),
            (401, "response status 401", Refusal::Unauthorized),
            (401, "you are unauthorized to access this", Refusal::Forbidden),
            (403, "you are unauthorized to access this", Refusal::Forbidden), // v3, on sockets
            (401, "invalid authentication: token is expired", Refusal::InvalidJwt),
            (401, "cli token is expired", Refusal::TokenExpired),
            (500, "login: cli token is expired, run convox login", Refusal::TokenExpired),
            (501, "unimplemented", Refusal::Unimplemented),
            (500, "unimplemented", Refusal::Unimplemented), // v2
            (501, "response status 501", Refusal::Unimplemented),
            (413, "response status 413", Refusal::TooLarge),
            (413, "body too large", Refusal::TooLarge),
            (404, "response status 404", Refusal::NoMessage),
            (503, "response status 503", Refusal::NoMessage),
            (500, "response status 404", Refusal::Other),
            (404, "app config not found: x", Refusal::Other),
            (404, "no such resource type: x", Refusal::Other),
            (404, "object not found: tmp/app not found", Refusal::Other),
            (500, "sick", Refusal::Other),
            (500, "", Refusal::Other),
        ] {
            assert_eq!(Refusal::of(Some(status), message), refusal, "{status} {message}");
        }
    }

    #[test]
    fn a_socket_refuses_without_a_status() {
        assert_eq!(Refusal::of(None, "app not found: web"), Refusal::AppNotFound);
        assert_eq!(Refusal::of(None, "response status 404"), Refusal::Other);
    }

    #[test]
    fn a_failure_of_the_network_is_no_refusal() {
        assert_eq!(Error::Config("app not found: web".to_owned()).refusal(), None);
    }
}
