//! Errors: why a rack can't run ([`RackError`]), and what clients are refused with ([`Refusal`]).

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::store::StoreError;
use convox_wire::AppName;

/// Why a rack can't run.
#[derive(Debug, thiserror::Error)]
pub enum RackError {
    /// The database can't be opened or used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A directory or file in the data directory can't be used.
    #[error("{0}: {1}")]
    Directory(PathBuf, #[source] io::Error),
    /// The listener failed.
    #[error("the rack can't accept connections: {0}")]
    Listen(#[source] io::Error),
    /// The password is empty.
    #[error("the rack's password is empty")]
    NoPassword,
    /// The listener is reachable from other machines.
    #[error("the development rack listens on loopback addresses only, not on {0}")]
    NotLoopback(SocketAddr),
}

/// An error response: a status and a message. Sent as plain text, or as JSON if the `Accept` header
/// lists `application/json`, as on v3 racks; on websockets as a text frame `ERROR: …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    pub(crate) fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid authentication")
    }

    pub(crate) fn no_such_app(app: &AppName) -> Self {
        Self::not_found(format!("app not found: {app}"))
    }

    /// The error of v3 racks for an unknown build, or a build of an unknown app.
    pub(crate) fn no_such_build(id: &str) -> Self {
        Self::internal(format!("builds.convox.com \"{}\" not found", id.to_lowercase()))
    }

    /// The error of v3 racks for an unknown release, or a release of an unknown app.
    pub(crate) fn no_such_release(id: &str) -> Self {
        Self::internal(format!("releases.convox.com \"{}\" not found", id.to_lowercase()))
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::internal(format!("the rack's data directory failed: {error}"))
    }
}

/// The body is rendered by [`render_refusal`], which knows the request's `Accept` header.
impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let realm = HeaderValue::from_static("Basic realm=\"convox\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, realm);
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Renders a refusal into its response, as text or as JSON.
pub(crate) fn render_refusal(mut response: Response, accept: Option<&str>) -> Response {
    let Some(refusal) = response.extensions_mut().remove::<Refusal>() else { return response };
    let (kind, body) = if accept.is_some_and(lists_json) {
        let text = serde_json::json!({ "error": refusal.message });
        ("application/json", format!("{text}\n"))
    } else {
        ("text/plain; charset=utf-8", format!("{}\n", refusal.message))
    };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    *response.body_mut() = body.into();
    response
}

fn lists_json(accept: &str) -> bool {
    accept.split(',').any(|range| {
        let kind = range.split(';').next().unwrap_or_default();
        kind.trim().eq_ignore_ascii_case("application/json")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_media_type_selects_json() {
        for accept in ["application/json", "text/html, application/json;q=0.5"] {
            assert!(lists_json(accept), "{accept}");
        }
        for accept in ["*/*", "application/*", "application/jsonx", ""] {
            assert!(!lists_json(accept), "{accept}");
        }
    }

    #[test]
    fn missing_builds_and_releases_have_the_errors_of_v3_racks() {
        let refusal = Refusal::no_such_release("RABC");
        assert_eq!(refusal.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(refusal.message, "releases.convox.com \"rabc\" not found");
    }
}
