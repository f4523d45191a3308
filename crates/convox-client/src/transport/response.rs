//! Responses, and the messages in refusals.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{HeaderMap, RETRY_AFTER, SERVER, WWW_AUTHENTICATE};

use super::redactor::Redactor;
use super::{Error, Request, RequestLine};
use convox_wire::ErrorBody;

/// The most characters of an invalid response that are shown.
const EXCERPT: usize = 200;

/// The most bytes of it that are searched for credentials, so that one that the excerpt cuts is
/// found whole.
const SEARCHED: usize = 8 << 10;

/// The most characters of a refusal that are shown.
const MAX_MESSAGE: usize = 2_000;

/// The most characters of a `Server` header that are kept.
const MAX_SERVER: usize = 64;

/// The longest `Retry-After` that is taken literally.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A whole response with a status below 300.
#[derive(Debug)]
pub struct Response {
    pub(super) request: RequestLine,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    pub(super) redactor: Redactor,
}

impl Response {
    /// The response to a request that has taken effect before.
    pub(super) fn empty(request: &Request) -> Self {
        let redactor = Redactor::default();
        Self { request: request.line(), headers: HeaderMap::new(), body: Bytes::new(), redactor }
    }

    /// Parses the body as JSON.
    ///
    /// # Errors
    /// [`Error::InvalidResponse`] with an excerpt, unless that may hold secrets.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Error> {
        let invalid = |problem| Error::InvalidResponse { request: self.request.clone(), problem };
        if self.body.is_empty() {
            return Err(invalid("the body is empty".to_owned()));
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| invalid(describe(&error, &self.body, &self.redactor)))
    }

    /// Checks that the request was accepted: `ok` (v2, v3; `OK` on some routes), JSON (classic), or
    /// an empty body. A captive portal's page is an error.
    ///
    /// # Errors
    /// As [`Response::json`].
    pub fn check_accepted(&self) -> Result<(), Error> {
        let text = self.body.trim_ascii();
        if text.is_empty() || text.eq_ignore_ascii_case(b"ok") {
            return Ok(());
        }
        self.json::<serde::de::IgnoredAny>().map(drop)
    }
}

/// Describes what is wrong with a body. JSON may hold secrets, for example an environment: neither
/// it nor the parser's message, which quotes it, is shown.
fn describe(error: &serde_json::Error, body: &[u8], redactor: &Redactor) -> String {
    let place = format!("line {}, column {}", error.line(), error.column());
    let body = body.trim_ascii_start();
    let text = String::from_utf8_lossy(&body[..body.len().min(SEARCHED)]);
    match text.chars().next() {
        Some('{' | '[') if error.is_eof() => format!("the JSON ends too early ({place})"),
        Some('{' | '[') if error.is_data() => format!("unexpected JSON ({place})"),
        Some('{' | '[') => format!("malformed JSON ({place})"),
        _ => {
            let excerpt: String = redactor.redact(&text).chars().take(EXCERPT).collect();
            format!("expected JSON, got: {}", excerpt.trim_end())
        }
    }
}

/// A refusal as an error.
pub(super) fn status_error(
    request: RequestLine,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    redactor: &Redactor,
) -> Error {
    let (message, retry_after) = refusal_message(status, headers, body, redactor);
    let challenge = headers.get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
    let challenge = challenge.map(str::to_owned);
    Error::Status { request, status, message, retry_after, challenge }
}

/// A 413 as an error.
pub(super) fn too_large(
    request: &Request,
    headers: &HeaderMap,
    body: &[u8],
    redactor: &Redactor,
) -> Error {
    let (mut message, _) = refusal_message(413, headers, body, redactor);
    if message == no_message(413) {
        message = format!("the request body is too large ({message})");
    }
    let server = headers.get(SERVER).and_then(|value| value.to_str().ok());
    let server = server.map(|name| redactor.redact(name).chars().take(MAX_SERVER).collect());
    let size = request.streamed_body().and_then(|body| body.length());
    Error::TooLarge { request: request.line(), message, size, server }
}

/// The message of a refusal, which racks of all generations send as JSON, as text, or not at all,
/// and the delay that the rack asks for.
pub(super) fn refusal_message(
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    redactor: &Redactor,
) -> (String, Option<Duration>) {
    let json: Option<ErrorBody> = serde_json::from_slice(body).ok();
    let json = json.map(|body| body.error).filter(|text| is_plain(text));
    let text = || Some(String::from_utf8_lossy(body).trim().to_owned()).filter(|t| is_plain(t));
    let message = json.or_else(text).unwrap_or_else(|| no_message(status));
    let message = truncate(redactor.redact(&message));
    let delay = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    (message, delay.and_then(retry_after))
}

/// The message of a refusal that has none.
pub(crate) fn no_message(status: u16) -> String {
    format!("response status {status}")
}

fn truncate(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE) {
        message.truncate(end);
        message.push('…');
    }
    message
}

/// Returns whether a text is a message rather than a proxy's HTML page.
fn is_plain(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let is_page = ["<html", "<body", "<!doctype"].iter().any(|tag| lower.contains(tag));
    !text.is_empty() && !is_page && !text.trim_start_matches('\u{feff}').starts_with('<')
}

/// Seconds or a date (RFC 9110, 10.2.3), up to a day.
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
        let request = Request::get(path!["apps"]).line();
        let redactor = Redactor::default();
        status_error(request, status, &HeaderMap::new(), body.as_bytes(), &redactor).to_string()
    }

    #[test]
    fn the_message_of_a_refusal_is_json_text_or_the_status() {
        assert_eq!(message(404, "{\"error\":\"app not found: web\"}"), "app not found: web");
        assert_eq!(message(404, "app not found: 100%s\n"), "app not found: 100%s");
        assert_eq!(message(404, ""), "response status 404");
    }

    #[test]
    fn html_in_a_refusal_is_not_a_message() {
        for page in [
            "<html><body>Bad Gateway</body></html>",
            "<!DOCTYPE html>\n<title>502</title>",
            "<?xml version=\"1.0\"?><html/>",
            "\u{feff}<h1>502</h1>",
            "<center><h1>502</h1></center>",
            "upstream: <HTML><BODY>502</BODY></HTML>",
            "{\"error\":\"<html>502</html>\"}",
        ] {
            assert_eq!(message(502, page), "response status 502", "{page}");
        }
        assert_eq!(message(500, "1 < 2"), "1 < 2");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_up_to_a_day() {
        assert_eq!(retry_after("7"), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        assert_eq!(retry_after("18446744073709551615"), Some(DAY));
        assert_eq!(retry_after("soon"), None);
    }
}
