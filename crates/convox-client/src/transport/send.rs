//! One request, one answer: the only place that sends.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{
    ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, RETRY_AFTER, WWW_AUTHENTICATE,
};
use reqwest::{Body, multipart};
use tokio::time::{Instant, timeout};

use super::body::{TimeoutPhase, Upload, UploadMonitor};
use super::client::header_value;
use super::credentials::Credentials;
use super::error::cause_of;
use super::request::Content;
use super::{Cause, Client, Error, Event, Request, RequestLine};
use convox_wire::ErrorBody;

/// The most that is read of a refusal.
const REFUSAL: usize = 64 << 10;

/// How much of a wrong answer is shown.
const EXCERPT: usize = 200;

/// How much of it is searched for credentials: one that the excerpt cuts is found whole.
const BEGINNING: usize = 8 << 10;

/// A whole answer with a status below 400.
#[derive(Debug)]
pub struct Response {
    pub(super) call: RequestLine,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    credentials: Credentials,
}

impl Response {
    /// The answer to a call whose effect is there already.
    pub(super) fn nothing(call: &Request) -> Self {
        let credentials = Credentials::default();
        Self { call: call.name(), headers: HeaderMap::new(), body: Bytes::new(), credentials }
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// [`Error::InvalidResponse`] with the beginning of what came instead.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Error> {
        let garbled = |problem| Error::InvalidResponse { call: self.call.clone(), problem };
        if self.body.is_empty() {
            return Err(garbled("it is empty".to_owned()));
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| garbled(wrong(&error, &self.body, &self.credentials)))
    }
}

impl Response {
    /// That something was accepted: `ok` (v2, v3; `OK` at some routes), JSON (classic), or nothing.
    /// A page of somebody in between is not.
    ///
    /// # Errors
    /// [`Error::InvalidResponse`] with the beginning of what came instead.
    pub fn accepted(&self) -> Result<(), Error> {
        let text = self.body.trim_ascii();
        if text.is_empty() || text.eq_ignore_ascii_case(b"ok") {
            return Ok(());
        }
        self.json::<serde::de::IgnoredAny>().map(drop)
    }
}

/// What is wrong with a body. JSON may hold secrets, an environment for one: neither it nor what the
/// parser quotes of it is shown.
fn wrong(error: &serde_json::Error, body: &[u8], credentials: &Credentials) -> String {
    let place = format!("line {}, column {}", error.line(), error.column());
    let body = body.trim_ascii_start();
    let text = String::from_utf8_lossy(&body[..body.len().min(BEGINNING)]);
    match text.chars().next() {
        Some('{' | '[') if error.is_eof() => format!("it ends too early ({place})"),
        Some('{' | '[') if error.is_data() => {
            format!("it has another form than expected ({place})")
        }
        Some('{' | '[') => format!("it is no valid JSON ({place})"),
        _ => {
            let excerpt: String = credentials.hidden(&text).chars().take(EXCERPT).collect();
            format!("it is no JSON, it begins with: {}", excerpt.trim_end())
        }
    }
}

impl Client {
    /// Sends `call` once.
    pub(super) async fn attempt(&self, call: &Request, attempt: u32) -> Result<Response, Error> {
        let started = Instant::now();
        let result = self.exchange(call).await;
        if self.is_answer(&result) {
            self.note_answer();
        }
        let took = started.elapsed();
        let name = call.name();
        self.tell(match &result {
            Ok((status, answer)) => {
                let bytes = Some(answer.body.len());
                Event::Answered { call: name, status: *status, bytes, took, attempt }
            }
            Err(error) => match error.status() {
                Some(status) => Event::Answered { call: name, status, bytes: None, took, attempt },
                None => Event::Failed { call: name, why: error.to_string(), took, attempt },
            },
        });
        result.map(|(_, answer)| answer)
    }

    fn is_answer<T>(&self, result: &Result<T, Error>) -> bool {
        match result {
            Ok(_) => true,
            Err(error) => {
                error.status().is_some() || matches!(error, Error::InvalidResponse { .. })
            }
        }
    }

    async fn exchange(&self, call: &Request) -> Result<(u16, Response), Error> {
        let response = self.response_to(call).await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let (name, credentials) = (call.name(), self.credentials());
        let body = self.whole_body(&name, response, call.most).await?;
        Ok((status, Response { call: name, headers, body, credentials }))
    }

    /// Returns the response, with its body still to come, unless it is a refusal.
    pub(super) async fn response_to(&self, call: &Request) -> Result<reqwest::Response, Error> {
        let response = self.head(call).await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        if status < 300 {
            return Ok(response);
        }
        let name = call.name();
        let body = self.beginning(&name, response).await?;
        Err(refusal(name, status, &headers, &body, &self.credentials()))
    }

    /// Sends the request and waits for the answer's head.
    async fn head(&self, call: &Request) -> Result<reqwest::Response, Error> {
        let flow = UploadMonitor::new();
        let request = self.request(call, &flow)?;
        let limits = self.limits();
        let answer = if call.long_running { limits.long_answer } else { limits.answer };
        let sending = self.http()?.execute(request);
        let sent = if call.sends().is_some() {
            tokio::select! {
                response = sending => response,
                waited = flow.give_up(limits.stall, answer) => return Err(self.too_late(call, waited)),
            }
        } else {
            let late = |_| self.too_late(call, TimeoutPhase::ForAnswer);
            timeout(answer, sending).await.map_err(late)?
        };
        sent.map_err(|error| match flow.failure() {
            Some(reason) => Error::Source(reason),
            None => self.broken(call.name(), &error),
        })
    }

    fn too_late(&self, call: &Request, waited: TimeoutPhase) -> Error {
        let what = match waited {
            TimeoutPhase::ForBody => "while sending",
            TimeoutPhase::ForAnswer => "waiting for the answer",
        };
        let (call, address) = (call.name(), self.endpoint().address());
        Error::Unreachable { call, address, cause: Cause::Timeout(what), sent: true }
    }

    /// What the network did to a request, as an error.
    pub(super) fn broken(&self, call: RequestLine, error: &reqwest::Error) -> Error {
        let address = self.endpoint().address();
        if let Some(problem) = self.refusal().take(&address, self.trust()) {
            return Error::Certificate(problem);
        }
        let cause = if error.is_timeout() && error.is_connect() {
            Cause::Timeout("connecting")
        } else {
            cause_of(error)
        };
        Error::Unreachable { call, address, cause, sent: !error.is_connect() }
    }

    async fn whole_body(
        &self,
        call: &RequestLine,
        response: reqwest::Response,
        most: usize,
    ) -> Result<Bytes, Error> {
        let body = self.body(call, response, most).await?;
        if body.len() > most {
            let problem = format!("it has more than {} MB", most >> 20);
            return Err(Error::InvalidResponse { call: call.clone(), problem });
        }
        Ok(body)
    }

    /// What a refusal says. It is words for people: more than some are not read.
    pub(super) async fn beginning(
        &self,
        call: &RequestLine,
        response: reqwest::Response,
    ) -> Result<Bytes, Error> {
        self.body(call, response, REFUSAL).await
    }

    /// The body, to its end or until there is more than `most` of it.
    async fn body(
        &self,
        call: &RequestLine,
        mut response: reqwest::Response,
        most: usize,
    ) -> Result<Bytes, Error> {
        let stall = self.limits().stall;
        let address = self.endpoint().address();
        let cut = |cause| Error::Unreachable { call: call.clone(), address, cause, sent: true };
        let mut body = BytesMut::new();
        loop {
            match timeout(stall, response.chunk()).await {
                Ok(Ok(Some(chunk))) if body.is_empty() && body.capacity() == 0 => {
                    body = chunk.try_into_mut().unwrap_or_else(|chunk| BytesMut::from(&chunk[..]));
                }
                Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
                Ok(Ok(None)) => return Ok(body.freeze()),
                Ok(Err(error)) => {
                    let cause = match cause_of(&error) {
                        cause @ Cause::Cut(_) => cause,
                        other => Cause::Cut(other.to_string()),
                    };
                    return Err(cut(cause));
                }
                Err(_) => return Err(cut(Cause::Timeout("in the middle of the answer"))),
            }
            if body.len() > most {
                return Ok(body.freeze());
            }
        }
    }

    /// The request as it goes on the wire.
    fn request(
        &self,
        call: &Request,
        flow: &Arc<UploadMonitor>,
    ) -> Result<reqwest::Request, Error> {
        let mut url = self.endpoint().url.clone();
        url.set_path(&format!("{}{}", url.path().trim_end_matches('/'), call.path.checked()?));
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let mut headers = self.headers()?;
        headers.insert(ACCEPT, header_value("accept", "*/*")?);
        for (name, value) in &call.headers {
            let value = header_value(name, value)?;
            headers.insert(reqwest::header::HeaderName::from_static(name), value);
        }
        let request = self.http()?.request(call.method.clone(), url).headers(headers);
        let request = match &call.content {
            Content::Nothing => request.header(CONTENT_TYPE, "application/octet-stream"),
            Content::Form(fields) => {
                request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(
                    url::form_urlencoded::Serializer::new(String::new())
                        .extend_pairs(fields)
                        .finish(),
                )
            }
            Content::Upload(upload) => {
                let request = request.header(CONTENT_TYPE, "application/octet-stream");
                let request = match upload.length() {
                    Some(length) => request.header(CONTENT_LENGTH, length),
                    None => request,
                };
                request.body(stream(upload, flow))
            }
            Content::Multipart { file, upload, fields } => {
                request.multipart(multipart_form(file, upload, fields, flow)?)
            }
        };
        request
            .build()
            .map_err(|error| Error::Config(format!("the request can't be built: {error}")))
    }
}

fn stream(upload: &Arc<dyn Upload>, flow: &Arc<UploadMonitor>) -> Body {
    Body::wrap_stream(flow.clone().watch(upload.clone()))
}

fn multipart_form(
    file: &'static str,
    upload: &Arc<dyn Upload>,
    fields: &[(&'static str, String)],
    flow: &Arc<UploadMonitor>,
) -> Result<multipart::Form, Error> {
    let body = stream(upload, flow);
    let part = match upload.length() {
        Some(length) => multipart::Part::stream_with_length(body, length),
        None => multipart::Part::stream(body),
    };
    let part = part
        .file_name("binary-data")
        .mime_str("application/octet-stream")
        .map_err(|error| Error::Config(error.to_string()))?;
    let form = multipart::Form::new().part(file, part);
    Ok(fields.iter().fold(form, |form, (name, value)| form.text(*name, value.clone())))
}

fn refusal(
    call: RequestLine,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    credentials: &Credentials,
) -> Error {
    let (message, retry_after) = words(status, headers, body, credentials);
    let challenge = headers.get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
    let challenge = challenge.map(str::to_owned);
    Error::Status { call, status, message, retry_after, challenge }
}

/// The rack's words (JSON, text, or none), as racks of all generations write them, and how long it
/// asks to wait.
pub(super) fn words(
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    credentials: &Credentials,
) -> (String, Option<Duration>) {
    let json: Option<ErrorBody> = serde_json::from_slice(body).ok();
    let json = json.map(|body| body.error).filter(|text| !text.is_empty());
    let text =
        || Some(String::from_utf8_lossy(body).trim().to_owned()).filter(|text| is_words(text));
    let message = json.or_else(text).unwrap_or_else(|| format!("response status {status}"));
    let message = bounded(credentials.hidden(&message));
    let wait = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    (message, wait.and_then(retry_after))
}

/// Nobody waits longer: what asks for more means never.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The most that is shown of a refusal.
const WORDS: usize = 2_000;

fn bounded(mut words: String) -> String {
    if let Some((end, _)) = words.char_indices().nth(WORDS) {
        words.truncate(end);
        words.push('…');
    }
    words
}

/// A proxy's page is nothing to show in a line.
fn is_words(text: &str) -> bool {
    let page = text.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("<html"));
    !text.is_empty() && !page && !text.starts_with("<!")
}

/// Seconds, or a date (RFC 9110, 10.2.3); a day at most.
fn retry_after(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds).min(DAY));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(std::time::SystemTime::now()).unwrap_or_default().min(DAY))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path;

    fn message(status: u16, body: &str) -> String {
        let call = Request::get(path!["apps"]).name();
        let credentials = Credentials::default();
        refusal(call, status, &HeaderMap::new(), body.as_bytes(), &credentials).to_string()
    }

    #[test]
    fn the_racks_words_are_found_in_json_in_text_or_in_the_status() {
        assert_eq!(message(404, "{\"error\":\"app not found: web\"}"), "app not found: web");
        assert_eq!(message(404, "app not found: 100%s\n"), "app not found: 100%s");
        assert_eq!(message(404, ""), "response status 404");
        assert_eq!(message(502, "<html><body>Bad Gateway</body></html>"), "response status 502");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_a_day_at_most() {
        assert_eq!(retry_after("7"), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        assert_eq!(retry_after("18446744073709551615"), Some(DAY));
        assert_eq!(retry_after("soon"), None);
    }
}
