//! A rack asked directly, in words of its wire: nothing of the client that is tested.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::StreamExt;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::PATIENCE;
use super::http::{Wire, unchunked};

#[derive(Clone)]
pub(crate) struct Api {
    address: SocketAddr,
    pub(crate) password: String,
}

impl Api {
    pub(crate) fn new(address: SocketAddr, password: &str) -> Self {
        Self { address, password: password.to_owned() }
    }

    fn login(&self) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(format!("convox:{}", self.password)))
    }

    /// Asks until it is answered: the rack may just be starting.
    async fn ask(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> (u16, Value) {
        let asking = async {
            loop {
                if let Ok(answer) = self.try_ask(method, path, kind, body).await {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.unwrap()
    }

    async fn try_ask(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: &[u8],
    ) -> std::io::Result<(u16, Value)> {
        let mut wire = Wire::new(TcpStream::connect(self.address).await?);
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: {}\r\nconnection: close\r\n\
             content-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            self.address,
            self.login(),
            body.len()
        );
        wire.send(&[head.as_bytes(), body].concat()).await?;
        let head = wire.head().await?.ok_or(std::io::ErrorKind::UnexpectedEof)?;
        let mut body = wire.body(&head).await?;
        if head.is_chunked() {
            body = unchunked(&body);
        }
        let text = String::from_utf8_lossy(&body).into_owned();
        Ok((head.status(), serde_json::from_str(&text).unwrap_or(Value::from(text))))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.ask("GET", path, "text/plain", b"").await.1
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Value {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let kind = "application/x-www-form-urlencoded";
        let (status, answer) = self.ask("POST", path, kind, body.as_bytes()).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    pub(crate) async fn delete(&self, path: &str) {
        self.ask("DELETE", path, "text/plain", b"").await;
    }

    /// Builds to the end; gives build and release.
    pub(crate) async fn build(&self, app: &str, archive: &[u8]) -> (String, String) {
        let path = format!("/apps/{app}/objects/tmp/0123456789.tgz");
        let (_, object) = self.ask("POST", &path, "application/octet-stream", archive).await;
        let form = [("url", object["Url"].as_str().unwrap()), ("description", "before")];
        let build = self.post(&format!("/apps/{app}/builds"), &form).await;
        let id = build["id"].as_str().unwrap().to_owned();
        let over = |build: &Value| build["status"] != "running" && build["status"] != "created";
        let build = self.until(&format!("/apps/{app}/builds/{id}"), over).await;
        assert_eq!(build["status"], "complete", "{build}");
        (id, build["release"].as_str().unwrap().to_owned())
    }

    /// Promotes, and waits until the app runs it.
    pub(crate) async fn promote(&self, app: &str, release: &str) {
        self.post(&format!("/apps/{app}/releases/{release}/promote"), &[]).await;
        self.running(app).await;
    }

    pub(crate) async fn running(&self, app: &str) -> Value {
        self.until(&format!("/apps/{app}"), |app| app["status"] == "running").await
    }

    /// Asks until the answer is as it should be.
    pub(crate) async fn until(&self, path: &str, is: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let asking = async {
            loop {
                last = self.get(path).await;
                if is(&last) {
                    return last.clone();
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, asking).await;
        found.unwrap_or_else(|_| panic!("{path} stays {last}"))
    }

    /// All that a log's socket sends, up to its end.
    pub(crate) async fn log(&self, path: &str, headers: &[(&str, &str)]) -> String {
        let asking = async {
            loop {
                if let Some(text) = self.try_log(path, headers).await {
                    return text;
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.unwrap()
    }

    async fn try_log(&self, path: &str, headers: &[(&str, &str)]) -> Option<String> {
        let mut request = format!("ws://{}{path}", self.address).into_client_request().unwrap();
        let login = self.login();
        let all: HashMap<&str, &str> =
            headers.iter().copied().chain([("authorization", login.as_str())]).collect();
        for (name, value) in all {
            let name = name.to_ascii_lowercase();
            let name = reqwest::header::HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(self.address).await.ok()?;
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

    /// The whole log of an app, by now.
    pub(crate) async fn app_log(&self, app: &str) -> String {
        let headers = [("Follow", "false"), ("Prefix", "true"), ("Since", "1h")];
        self.log(&format!("/apps/{app}/logs"), &headers).await
    }
}
