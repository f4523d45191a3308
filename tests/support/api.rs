//! Requests to a rack without the program, so that nothing that is tested is used to test it.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::StreamExt;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::PATIENCE;
use super::http::{StatusAndBody, request};
use super::upstream::Upstream;

const FORM: &str = "application/x-www-form-urlencoded";

/// The time between two attempts.
const PAUSE: Duration = Duration::from_millis(20);

#[derive(Clone)]
pub(crate) struct Api {
    upstream: Upstream,
    pub(crate) password: String,
}

impl Api {
    pub(crate) fn new(upstream: impl Into<Upstream>, password: &str) -> Self {
        Self { upstream: upstream.into(), password: password.to_owned() }
    }

    fn authorization(&self) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(format!("convox:{}", self.password)))
    }

    /// Sends a request until there is a response: the rack may just be starting.
    async fn request(&self, line: &str, kind: &str, body: &[u8]) -> StatusAndBody {
        let authorization = self.authorization();
        let headers = [("authorization", &*authorization), ("content-type", kind)];
        let attempts = async {
            loop {
                if let Ok(reply) = request(&self.upstream, line, &headers, body).await {
                    return reply;
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(PATIENCE, attempts).await.unwrap()
    }

    /// Sends a request with an encoded form: `send("POST /apps", "name=web")`.
    pub(crate) async fn send(&self, line: &str, form: &str) -> StatusAndBody {
        self.request(line, FORM, form.as_bytes()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.send(&format!("GET {path}"), "").await.json()
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Value {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let reply = self.send(&format!("POST {path}"), &body).await;
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        reply.json()
    }

    pub(crate) async fn delete(&self, path: &str) {
        self.send(&format!("DELETE {path}"), "").await;
    }

    /// Builds an archive; returns the ids of the build and of its release.
    pub(crate) async fn build(&self, app: &str, archive: &[u8]) -> (String, String) {
        let line = format!("POST /apps/{app}/objects/tmp/0123456789.tgz");
        let object = self.request(&line, "application/octet-stream", archive).await.json();
        let form = [("url", object["Url"].as_str().unwrap()), ("description", "before")];
        let build = self.post(&format!("/apps/{app}/builds"), &form).await;
        let id = build["id"].as_str().unwrap().to_owned();
        let over = |build: &Value| build["status"] != "running" && build["status"] != "created";
        let build = self.until(&format!("/apps/{app}/builds/{id}"), over).await;
        assert_eq!(build["status"], "complete", "{build}");
        (id, build["release"].as_str().unwrap().to_owned())
    }

    /// Promotes a release, and waits until the app runs it.
    pub(crate) async fn promote(&self, app: &str, release: &str) {
        self.post(&format!("/apps/{app}/releases/{release}/promote"), &[]).await;
        self.running(app).await;
    }

    /// Waits until an app is running.
    pub(crate) async fn running(&self, app: &str) -> Value {
        self.until(&format!("/apps/{app}"), |app| app["status"] == "running").await
    }

    /// Waits until the JSON at a path is as it should be.
    pub(crate) async fn until(&self, path: &str, is: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let attempts = async {
            loop {
                last = self.get(path).await;
                if is(&last) {
                    return last.clone();
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, attempts).await;
        found.unwrap_or_else(|_| panic!("{path} stays {last}"))
    }

    /// Everything that a log sends, to its end.
    pub(crate) async fn log(&self, path: &str, headers: &[(&'static str, &str)]) -> String {
        let attempts = async {
            loop {
                if let Some(text) = self.try_log(path, headers).await {
                    return text;
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(PATIENCE, attempts).await.unwrap()
    }

    async fn try_log(&self, path: &str, headers: &[(&'static str, &str)]) -> Option<String> {
        let mut request = format!("ws://localhost{path}").into_client_request().unwrap();
        let authorization = self.authorization();
        for (name, value) in headers.iter().copied().chain([("authorization", &*authorization)]) {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let stream = self.upstream.connect().await.ok()?;
        let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.ok()?;
        let mut text = String::new();
        loop {
            match socket.next().await?.ok()? {
                Message::Text(piece) => text.push_str(&piece),
                Message::Binary(_) => return Some(text),
                _ => {}
            }
        }
    }

    /// The whole log of a build.
    pub(crate) async fn build_log(&self, app: &str, build: &str) -> String {
        self.log(&format!("/apps/{app}/builds/{build}/logs"), &[]).await
    }

    /// The log of an app so far.
    pub(crate) async fn app_log(&self, app: &str) -> String {
        let headers = [("follow", "false"), ("prefix", "true"), ("since", "1h")];
        self.log(&format!("/apps/{app}/logs"), &headers).await
    }
}
