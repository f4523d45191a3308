//! Console sessions. A console that requires one responds to any request with a 401 whose
//! `WWW-Authenticate` header names the path that creates a session. Its id is then sent with every
//! request. Racks have no sessions.

mod challenge;

use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use challenge::Challenge;

use super::{
    Client, Error, FactorChallenge, FactorError, Path, Repeat, Request, RequestLine, Response,
    SharedAuthenticator, Unattended,
};

/// Receives new sessions, to store them for later runs.
pub type SessionSink = Arc<dyn Fn(&str) + Send + Sync>;

/// How many answers to challenges a console may refuse.
const MAX_ATTEMPTS: u32 = 3;

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
        if request.streamed_body().is_some_and(|body| !body.is_replayable()) {
            self.prepare_session().await?;
        }
        let line = request.line();
        self.with_session(&line, || self.send_within_budget(request)).await
    }

    /// Sends a request by `send`, and once more if it needed a new session.
    pub(super) async fn with_session<T, F>(
        &self,
        request: &RequestLine,
        send: impl Fn() -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let used = self.session();
        let error = match send().await {
            Err(error) if self.has_sessions() => error,
            result => return result,
        };
        let Some(challenge) = challenge_of(&error) else { return Err(error) };
        self.renew_session(used, request, &challenge).await?;
        let result = send().await;
        if result.as_ref().is_err_and(|error| challenge_of(error).is_some()) {
            return Err(no_session(Error::SessionRefused { address: self.endpoint().authority() }));
        }
        result
    }

    /// Makes sure that there is a session, for requests that can't be sent again: handshakes of
    /// websockets, and bodies that can be read once.
    ///
    /// # Errors
    /// [`Error::NoSession`]. Any other failure is left to the request itself.
    pub(super) async fn prepare_session(&self) -> Result<(), Error> {
        if !self.is_console() {
            return Ok(());
        }
        let list = if self.is_for_machine() { "machines" } else { "racks" };
        let list = Request::get(Path::of([list])).expect_list();
        match self.with_session(&list.line(), || self.send_within_budget(&list)).await {
            Err(error @ Error::NoSession(_)) => Err(error),
            _ => Ok(()),
        }
    }

    /// Returns whether requests that need a session get one.
    pub(super) fn has_sessions(&self) -> bool {
        self.is_console() || self.inner.options.authenticator.is_some()
    }

    /// The lock of whoever creates a session, with the failure of a second factor.
    pub(super) fn renewal(&self) -> &tokio::sync::Mutex<Option<Error>> {
        &self.inner.renewal
    }

    pub(super) fn authenticator(&self) -> SharedAuthenticator {
        self.inner.options.authenticator.clone().unwrap_or_else(|| Arc::new(Unattended))
    }

    /// Keeps an assertion out of messages.
    pub(super) fn set_assertion(&self, assertion: Option<SecretString>) {
        *self.inner.assertion.write().unwrap_or_else(PoisonError::into_inner) = assertion;
    }

    /// Replaces the session `used`, unless another request has done so meanwhile.
    async fn renew_session(
        &self,
        used: Option<String>,
        refused: &RequestLine,
        challenge: &Challenge,
    ) -> Result<(), Error> {
        let mut failed = self.renewal().lock().await;
        if self.session() != used {
            return Ok(());
        }
        // Nobody is asked again for each request that has waited.
        if let Some(error) = &*failed {
            return Err(error.clone());
        }
        let created = match challenge.second_factor {
            true => self.create_signed_session(refused, challenge).await,
            false => self.create_session(refused, challenge, Bytes::new(), None).await,
        };
        self.set_assertion(None);
        let created = created.map_err(no_session).inspect_err(|error| {
            if challenge.second_factor {
                *failed = Some(error.clone());
            }
        });
        self.use_session(&created?);
        Ok(())
    }

    /// Creates a session with a second factor. After a refusal the console is asked for another
    /// challenge.
    async fn create_signed_session(
        &self,
        refused: &RequestLine,
        challenge: &Challenge,
    ) -> Result<String, Error> {
        let mut attempt = 1;
        loop {
            let (opaque, assertion) = self.sign(challenge, attempt).await?;
            let body = Bytes::from(assertion.expose_secret().to_owned());
            self.set_assertion(Some(assertion));
            match self.create_session(refused, challenge, body, opaque).await {
                Err(error) if is_refusal(&error) && attempt < MAX_ATTEMPTS => attempt += 1,
                Err(error) if is_refusal(&error) => {
                    let (attempts, message) = (attempt, error.to_string());
                    return Err(self.factor_error(FactorError::Refused { attempts, message }));
                }
                result => return result,
            }
        }
    }

    /// Has a challenge of the console signed. Returns its opaque part, if it has one, and the
    /// assertion.
    async fn sign(
        &self,
        challenge: &Challenge,
        attempt: u32,
    ) -> Result<(Option<String>, SecretString), Error> {
        let authenticator = self.authenticator();
        let response = self.send_within_budget(&challenge.request(Request::get)?).await?;
        let opaque = response.headers.get("challenge").and_then(|value| value.to_str().ok());
        let signed = authenticator.sign(FactorChallenge { document: response.body, attempt }).await;
        let assertion = signed.map_err(|error| self.factor_error(error))?;
        Ok((opaque.map(str::to_owned), assertion))
    }

    fn factor_error(&self, cause: FactorError) -> Error {
        Error::SecondFactor { address: self.endpoint().authority(), cause }
    }

    /// Creates a session for the request that was refused.
    async fn create_session(
        &self,
        refused: &RequestLine,
        challenge: &Challenge,
        assertion: Bytes,
        opaque: Option<String>,
    ) -> Result<String, Error> {
        // An extra session does no harm.
        let request = challenge
            .request(Request::post)?
            .upload(Arc::new(assertion))
            .header("challenge", opaque)
            .repeat(Repeat::Safely);
        let response = self.send_within_budget(&request).await?;
        // The response holds a secret, so no part of it is shown.
        let session = serde_json::from_slice::<Session>(&response.body).ok();
        session.and_then(|session| session.id).filter(|id| !id.is_empty()).ok_or_else(|| {
            let problem = "invalid session".to_owned();
            Error::InvalidResponse { request: refused.clone(), problem }
        })
    }
}

fn no_session(error: Error) -> Error {
    Error::NoSession(Box::new(error))
}

/// Whether a console refused an assertion, rather than failed.
fn is_refusal(error: &Error) -> bool {
    matches!(error.status(), Some(400..=403 | 422))
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

    #[tokio::test]
    async fn a_challenge_with_a_query_leads_to_a_session() {
        let challenge = "Session path=\"/session?for=cli\" token=\"false\"";
        let client = Client::new(
            Endpoint { session: Some(String::new()), ..Endpoint::new(console_at(challenge).await) },
            Options::default(),
        );
        let response = client.send(&Request::get(Path::of(["apps"]))).await.unwrap();
        assert_eq!(response.body, "[]");
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
        let apps = apps.post(async |headers: HeaderMap, body: String| {
            let is_valid = headers.get("session").is_some_and(|id| id == "s1");
            (if is_valid { StatusCode::OK } else { StatusCode::UNAUTHORIZED }, body)
        });
        let session = post(async |headers: HeaderMap, body: String| match &*body {
            "" | "good" if headers.get("challenge").is_none_or(|opaque| opaque == "c1") => {
                (StatusCode::OK, "{\"id\":\"s1\"}".to_owned())
            }
            _ => (StatusCode::FORBIDDEN, format!("refused: {body}")),
        });
        let session = session.get(async || ([("challenge", "c1")], "{\"publicKey\":{}}"));
        let null = post(async || "{\"id\":null}");
        let router = axum::Router::new().route("/apps", apps.clone()).route("/racks", apps);
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

    /// Gives these answers, one after the other.
    struct Answers(Mutex<Vec<&'static str>>);

    impl crate::transport::Authenticator for Answers {
        fn sign(
            &self,
            challenge: FactorChallenge,
        ) -> futures_util::future::BoxFuture<'_, Result<SecretString, FactorError>> {
            assert_eq!(challenge.document, "{\"publicKey\":{}}");
            let answer = SecretString::from(self.0.lock().unwrap().remove(0));
            Box::pin(std::future::ready(Ok(answer)))
        }
    }

    async fn answering(answers: &[&'static str]) -> Client {
        let console = console_at("Session path=\"/session\" token=\"true\"").await;
        let authenticator: crate::transport::SharedAuthenticator =
            Arc::new(Answers(Mutex::new(answers.to_vec())));
        let options = Options { authenticator: Some(authenticator), ..Options::default() };
        Client::new(Endpoint::new(console), options)
    }

    #[tokio::test]
    async fn a_refused_second_factor_is_asked_for_again_up_to_three_times() {
        let apps = Request::get(Path::of(["apps"]));
        let client = answering(&["wrong-1", "wrong-2", "good"]).await;
        assert_eq!(client.send(&apps).await.unwrap().body, "[]");
        let client = answering(&["wrong-1", "wrong-2", "wrong-3", "good"]).await;
        let error = client.send(&apps).await.unwrap_err();
        let text = error.to_string();
        assert!(error.is_no_session() && text.contains("refused it 3 times"), "{text}");
        assert!(text.contains("refused: [REDACTED]"), "{text}");
        let again = client.send(&apps).await.unwrap_err().to_string();
        assert_eq!(again, text, "the next request asks nobody");
    }

    #[tokio::test]
    async fn a_body_that_can_be_read_once_is_sent_after_the_session_was_checked() {
        let mut endpoint = Endpoint::new(console().await);
        endpoint.session = Some("ended".to_owned());
        let client = Client::new(endpoint, Options::default());
        let upload = crate::transport::ReaderUpload::new(&b"typed"[..]);
        let request = Request::post(Path::of(["apps"])).upload(upload);
        assert_eq!(client.send(&request).await.unwrap().body, "typed");
    }

    #[tokio::test]
    async fn concurrent_requests_share_one_new_session() {
        let client = answering(&["good"]).await;
        let apps = Request::get(Path::of(["apps"]));
        let (one, other) = tokio::join!(client.send(&apps), client.send(&apps));
        assert_eq!((one.unwrap().body, other.unwrap().body), ("[]".into(), "[]".into()));
    }

    #[tokio::test]
    async fn the_401_of_a_rack_is_a_refusal() {
        let client = Client::new(Endpoint::new(console().await), Options::default());
        let error = client.send(&Request::get(Path::of(["apps"]))).await.unwrap_err();
        assert_eq!(error.status(), Some(401));
    }
}
