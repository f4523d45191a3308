//! Console sessions. A console that requires one responds to any request with a 401 whose
//! `WWW-Authenticate` header names the path that creates a session. Its id is then sent with every
//! request. Racks have no sessions.

use bytes::Bytes;
use serde::Deserialize;
use std::sync::Arc;

use super::{Client, Error, Path, Repeat, Request, RequestLine, Response};

/// Receives new sessions, to store them for later runs.
pub type SessionSink = Arc<dyn Fn(&str) + Send + Sync>;

/// `Session path="/session" token="false"`, from `WWW-Authenticate`.
#[derive(Debug, PartialEq, Eq)]
struct Challenge {
    path: String,
    second_factor: bool,
}

impl Challenge {
    fn parse(header: &str) -> Option<Self> {
        let rest = header.strip_prefix("Session path=\"")?;
        let (path, rest) = rest.split_once("\" token=\"")?;
        let token = rest.strip_suffix('"')?;
        Some(Self { path: path.to_owned(), second_factor: token == "true" })
    }
}

#[derive(Deserialize)]
struct Session {
    #[serde(alias = "ID", alias = "Id")]
    id: Option<String>,
}

impl Client {
    /// Sends a request within the policy of this module. If a console requires a session, creates
    /// one and sends the request once more.
    ///
    /// # Errors
    /// The last failure, once repeating cannot help or the budget is spent; [`Error::NoSession`] if
    /// a console requires a session and does not give one.
    pub async fn send(&self, request: &Request) -> Result<Response, Error> {
        let error = match self.send_within_budget(request).await {
            Err(error) if self.is_console() => error,
            response => return response,
        };
        match challenge_of(&error) {
            Some(challenge) => {
                let session = self.create_session(request.line(), &challenge).await;
                let session = session.map_err(|error| Error::NoSession(Box::new(error)))?;
                self.use_session(&session);
                self.send_within_budget(request).await
            }
            None => Err(error),
        }
    }

    /// Makes sure that there is a session: a websocket handshake cannot create one.
    pub(super) async fn prepare_session(&self) {
        if self.is_console() {
            // Only the session counts here; the handshake reports any other failure.
            let list = if self.is_for_machine() { "machines" } else { "racks" };
            let _ = self.send(&Request::get(Path::of([list]))).await;
        }
    }

    /// Creates a session for the request that was refused.
    async fn create_session(
        &self,
        refused: RequestLine,
        challenge: &Challenge,
    ) -> Result<String, Error> {
        if challenge.second_factor {
            return Err(Error::Config(format!(
                "{} requires a second factor, which is not supported: log in with a token that does \
                 not need one",
                self.endpoint().address()
            )));
        }
        let path = Path::of(challenge.path.split('/').filter(|segment| !segment.is_empty()));
        // An extra session does no harm.
        let request = Request::post(path).upload(Arc::new(Bytes::new())).repeat(Repeat::Safely);
        let session: Session = self.send_within_budget(&request).await?.json()?;
        session.id.filter(|id| !id.is_empty()).ok_or_else(|| {
            let problem = "invalid session".to_owned();
            Error::InvalidResponse { request: refused, problem }
        })
    }
}

fn challenge_of(error: &Error) -> Option<Challenge> {
    match error {
        Error::Status { status: 401, challenge: Some(header), .. } => Challenge::parse(header),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_names_the_path_and_the_second_factor() {
        let challenge = Challenge::parse("Session path=\"/session\" token=\"false\"");
        assert_eq!(challenge, Some(Challenge { path: "/session".into(), second_factor: false }));
        let challenge = Challenge::parse("Session path=\"/session\" token=\"true\"");
        assert!(challenge.is_some_and(|challenge| challenge.second_factor));
        assert_eq!(Challenge::parse("Basic realm=\"convox\""), None);
    }

    use crate::transport::{Endpoint, Options};
    use axum::http::{HeaderMap, StatusCode};
    use axum::routing::{get, post};
    use std::sync::Mutex;

    /// A console that requires the session `s1`, which it gives at `/session`.
    async fn console() -> url::Url {
        console_at("Session path=\"/session\" token=\"false\"").await
    }

    async fn console_at(challenge: &'static str) -> url::Url {
        let apps = get(move |headers: HeaderMap| async move {
            if headers.get("session").is_some_and(|id| id == "s1") {
                return (StatusCode::OK, [("x-a", "")], "[]");
            }
            (StatusCode::UNAUTHORIZED, [("www-authenticate", challenge)], "")
        });
        let session = post(async || "{\"id\":\"s1\"}");
        let null = post(async || "{\"id\":null}");
        let router = axum::Router::new().route("/apps", apps);
        let router = router.route("/session", session).route("/null", null);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}").parse().unwrap()
    }

    #[tokio::test]
    async fn a_session_is_created_when_the_console_requires_one() {
        let mut endpoint = Endpoint::new(console().await);
        endpoint.session = Some(String::new());
        let stored = Arc::new(Mutex::new(Vec::new()));
        let session_sink: SessionSink = {
            let stored = stored.clone();
            Arc::new(move |id: &str| stored.lock().unwrap().push(id.to_owned()))
        };
        let client = Client::new(endpoint, Options { session_sink, ..Options::default() });
        for _ in 0..2 {
            let response = client.send(&Request::get(Path::of(["apps"]))).await.unwrap();
            assert_eq!(response.body, "[]");
        }
        assert_eq!(*stored.lock().unwrap(), ["s1"], "the second request uses the session");
    }

    #[tokio::test]
    async fn a_session_that_is_not_given_is_a_login_failure() {
        for (challenge, why) in [
            ("Session path=\"/session\" token=\"true\"", "second factor"),
            ("Session path=\"/nowhere\" token=\"false\"", "response status 404"),
            ("Session path=\"/null\" token=\"false\"", "invalid session"),
        ] {
            let mut endpoint = Endpoint::new(console_at(challenge).await);
            endpoint.session = Some(String::new());
            let client = Client::new(endpoint, Options::default());
            let error = client.send(&Request::get(Path::of(["apps"]))).await.unwrap_err();
            assert!(error.is_login_failure() && error.to_string().contains(why), "{error}");
            assert_eq!(error.status(), None, "{why}: the request itself was not refused");
        }
    }

    #[tokio::test]
    async fn the_401_of_a_rack_is_a_refusal() {
        let client = Client::new(Endpoint::new(console().await), Options::default());
        let error = client.send(&Request::get(Path::of(["apps"]))).await.unwrap_err();
        assert_eq!(error.status(), Some(401));
    }
}
