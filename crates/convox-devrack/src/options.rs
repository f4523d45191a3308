//! Request options, read as v3 racks read them: from the query, then from a form in the body, and
//! for some names from a header of the same name. The first value wins.

use axum::body::to_bytes;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{HeaderMap, Method, StatusCode, header};
use url::form_urlencoded;

use super::error::Refusal;
use convox_wire::duration::SignedGoDuration;

/// Environments are the largest values sent in a form.
const MAX_FORM: usize = 8 * 1024 * 1024;

type Fields = Vec<(String, String)>;

/// The options of a request.
#[derive(Debug, Default)]
pub(crate) struct Options {
    query: Fields,
    form: Fields,
    headers: HeaderMap,
}

impl Options {
    /// Returns a value from the query only.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        first(&self.query, name)
    }

    /// Returns a value from the query or the form.
    pub(crate) fn form(&self, name: &str) -> Option<&str> {
        self.query(name).or_else(|| first(&self.form, name))
    }

    /// Returns a non-empty value from the query or the form.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.form(name).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// Returns a non-empty value from the query, the form or the header of that name.
    pub(crate) fn named(&self, name: &str) -> Option<String> {
        let header = || header_text(&self.headers, name).map(str::to_owned);
        self.text(name).or_else(header).filter(|text| !text.is_empty())
    }

    /// Returns whether the value is `true`. Any other value counts as false.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.form(name) == Some("true")
    }

    /// Returns the `limit` option; the default is 10.
    pub(crate) fn limit(&self) -> Result<usize, Refusal> {
        let Some(text) = self.query("limit").filter(|text| !text.is_empty()) else { return Ok(10) };
        let number: i64 = text.parse().map_err(|_| {
            // v3 racks pass on Go's error text, with status 500.
            Refusal::internal(format!("strconv.Atoi: parsing {text:?}: invalid syntax"))
        })?;
        Ok(usize::try_from(number).unwrap_or(0))
    }
}

fn first<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Returns a boolean option of a websocket. Websocket options are sent as headers of the handshake.
pub(crate) fn socket_flag(headers: &HeaderMap, name: &str, default: bool) -> bool {
    header_text(headers, name)
        .filter(|text| !text.is_empty())
        .map_or(default, |text| text == "true")
}

/// Returns a non-empty text option of a websocket.
pub(crate) fn socket_text(headers: &HeaderMap, name: &str) -> Option<String> {
    header_text(headers, name).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Returns a duration option of a websocket.
pub(crate) fn socket_duration(
    headers: &HeaderMap,
    name: &str,
) -> Result<Option<SignedGoDuration>, Refusal> {
    let Some(text) = socket_text(headers, name) else { return Ok(None) };
    let bad = |_| Refusal::bad_request(format!("time: invalid duration {text:?}"));
    text.parse().map(Some).map_err(bad)
}

/// Returns a numeric option of a websocket.
pub(crate) fn socket_number(headers: &HeaderMap, name: &str) -> Result<Option<usize>, Refusal> {
    let Some(text) = socket_text(headers, name) else { return Ok(None) };
    let bad = |_| Refusal::bad_request(format!("strconv.Atoi: parsing {text:?}: invalid syntax"));
    text.parse().map(Some).map_err(bad)
}

impl<S: Send + Sync> FromRequest<S> for Options {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let query = pairs(request.uri().query().unwrap_or_default().as_bytes());
        let headers = request.headers().clone();
        let form = form(request, &headers, state).await?;
        Ok(Self { query, form, headers })
    }
}

async fn form<S: Send + Sync>(
    request: Request,
    headers: &HeaderMap,
    state: &S,
) -> Result<Fields, Refusal> {
    // Go's `ParseForm` reads the body for these methods only.
    if ![Method::POST, Method::PUT, Method::PATCH].contains(request.method()) {
        return Ok(Fields::new());
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    match kind.to_ascii_lowercase().as_str() {
        "application/x-www-form-urlencoded" => {
            let body = to_bytes(request.into_body(), MAX_FORM).await.map_err(|_| too_large())?;
            Ok(pairs(&body))
        }
        "multipart/form-data" => multipart(request, state).await,
        _ => Ok(Fields::new()),
    }
}

async fn multipart<S: Send + Sync>(request: Request, state: &S) -> Result<Fields, Refusal> {
    let bad = |error: &dyn std::fmt::Display| Refusal::bad_request(format!("bad form: {error}"));
    let parts = Multipart::from_request(request, state).await;
    let mut parts = parts.map_err(|error| bad(&error.body_text()))?;
    let mut fields = Fields::new();
    while let Some(part) = parts.next_field().await.map_err(|error| bad(&error.body_text()))? {
        let name = part.name().unwrap_or_default().to_owned();
        fields.push((name, part.text().await.map_err(|error| bad(&error.body_text()))?));
    }
    Ok(fields)
}

fn too_large() -> Refusal {
    let message = format!("the form exceeds this rack's limit of {MAX_FORM} bytes");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message)
}

fn pairs(text: &[u8]) -> Fields {
    form_urlencoded::parse(text).into_owned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    async fn read(method: Method, uri: &str, kind: &str, body: &str) -> Options {
        let request = Request::builder().method(method).uri(uri).header("content-type", kind);
        let request = request.header("command", "ls").body(Body::from(body.to_owned())).unwrap();
        Options::from_request(request, &()).await.unwrap()
    }

    const FORM: &str = "application/x-www-form-urlencoded";

    #[tokio::test]
    async fn the_query_wins_over_the_form_and_the_form_over_headers() {
        let options = read(Method::POST, "/x?a=1&b=", FORM, "a=2&c=3+4&c=5&command=").await;
        assert_eq!(options.form("a"), Some("1"));
        assert_eq!(options.form("c"), Some("3 4"));
        assert_eq!(options.query("c"), None);
        assert_eq!(options.text("b"), None);
        assert_eq!(options.named("command").as_deref(), Some("ls"));
    }

    #[tokio::test]
    async fn only_form_bodies_are_read_as_forms() {
        let raw = read(Method::POST, "/x", "application/octet-stream", "a=1").await;
        assert_eq!(raw.form("a"), None);
        assert_eq!(read(Method::DELETE, "/x", FORM, "a=1").await.form("a"), None);
        let text = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n";
        let parts = read(Method::POST, "/x", "multipart/form-data; boundary=x", text).await;
        assert_eq!(parts.form("a"), Some("1"));
    }

    #[tokio::test]
    async fn flags_are_true_only_if_true_and_limits_are_numbers() {
        let options = read(Method::POST, "/x?limit=abc", FORM, "a=true&b=1&c=TRUE").await;
        assert!(options.flag("a") && !options.flag("b") && !options.flag("c"));
        let refusal = options.limit().unwrap_err();
        assert_eq!(refusal.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(refusal.message, "strconv.Atoi: parsing \"abc\": invalid syntax");
        assert_eq!(read(Method::GET, "/x", FORM, "").await.limit().unwrap(), 10);
        assert_eq!(read(Method::GET, "/x?limit=3", FORM, "").await.limit().unwrap(), 3);
        assert_eq!(read(Method::GET, "/x?limit=-3", FORM, "").await.limit().unwrap(), 0);
    }

    #[tokio::test]
    async fn a_form_that_is_too_large_is_refused() {
        let body = Body::from(vec![b'a'; MAX_FORM + 1]);
        let request = Request::builder().method(Method::POST).uri("/x");
        let request = request.header("content-type", FORM).body(body).unwrap();
        let refusal = Options::from_request(request, &()).await.unwrap_err();
        assert_eq!(refusal.status, StatusCode::PAYLOAD_TOO_LARGE);
    }
}
