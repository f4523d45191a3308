//! A console's sessions. A console that wants one answers any request with a 401 that names the
//! path to ask; the id it gives goes with every request from then on. Racks have no sessions.

use bytes::Bytes;
use serde::Deserialize;
use std::sync::Arc;

use super::{Client, Error, Path, Repeat, Request, RequestLine, Response};

/// Who keeps a session for later runs.
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
    /// Sends `call` within the policy of this module. A console that wants a session gets one, and
    /// the call once more.
    ///
    /// # Errors
    /// The last failure, once it will not pass or the budget is spent; [`Error::NoSession`] where a
    /// console wants a session and gives none.
    pub async fn send(&self, request: &Request) -> Result<Response, Error> {
        let error = match self.send_within_budget(request).await {
            Err(error) if self.is_console() => error,
            response => return response,
        };
        match challenge_of(&error) {
            Some(challenge) => {
                let session = self.session(request.line(), &challenge).await;
                let session = session.map_err(|error| Error::NoSession(Box::new(error)))?;
                self.use_session(&session);
                self.send_within_budget(request).await
            }
            None => Err(error),
        }
    }

    /// Handshakes of sockets cannot be answered with a session: one is asked for before.
    pub(super) async fn prepare_session(&self) {
        if self.is_console() {
            // Only what it does to the session counts; the socket will tell of everything else.
            drop(self.send(&Request::get(Path::of(["racks"]))).await);
        }
    }

    /// The id of a new session, for the call that `asked` in vain.
    async fn session(&self, asked: RequestLine, challenge: &Challenge) -> Result<String, Error> {
        if challenge.second_factor {
            return Err(Error::Config(format!(
                "{} asks for a second factor, which this client cannot give: log in with a token \
                 that needs none",
                self.endpoint().address()
            )));
        }
        let path = Path::of(challenge.path.split('/').filter(|segment| !segment.is_empty()));
        // A session too many is nothing to a console.
        let request = Request::post(path).upload(Arc::new(Bytes::new())).repeat(Repeat::Safely);
        let session: Session = self.send_within_budget(&request).await?.json()?;
        session.id.filter(|id| !id.is_empty()).ok_or_else(|| {
            let problem = "invalid session".to_owned();
            Error::InvalidResponse { request: asked, problem }
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
    fn a_challenge_names_the_path_and_whether_more_is_asked() {
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

    /// A console that answers only within the session `s1`, which it gives at `/session`.
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
    async fn a_console_gets_its_session_and_the_call_goes_once_more() {
        let mut endpoint = Endpoint::new(console().await);
        endpoint.session = Some(String::new());
        let kept = Arc::new(Mutex::new(Vec::new()));
        let session_sink: SessionSink = {
            let kept = kept.clone();
            Arc::new(move |id: &str| kept.lock().unwrap().push(id.to_owned()))
        };
        let client = Client::new(endpoint, Options { session_sink, ..Options::default() });
        for _ in 0..2 {
            let response = client.send(&Request::get(Path::of(["apps"]))).await.unwrap();
            assert_eq!(response.body, "[]");
        }
        assert_eq!(*kept.lock().unwrap(), ["s1"], "the second request is in the session already");
    }

    #[tokio::test]
    async fn a_session_that_is_not_given_is_a_matter_of_the_login() {
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
    async fn a_rack_has_no_sessions_so_its_401_is_a_refusal() {
        let client = Client::new(Endpoint::new(console().await), Options::default());
        let error = client.send(&Request::get(Path::of(["apps"]))).await.unwrap_err();
        assert_eq!(error.status(), Some(401));
    }
}
