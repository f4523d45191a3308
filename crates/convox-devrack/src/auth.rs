//! Authentication: HTTP Basic with the rack's password, as on v3 racks.
//!
//! The Host and Origin headers are checked as well. Without that, a web page could reach the rack
//! through the user's browser, by a cross-site request or by pointing its own name to 127.0.0.1
//! (DNS rebinding).

use axum::http::{HeaderMap, HeaderValue, StatusCode, header, uri::Authority};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::error::Refusal;

/// Checks the password. Any user name is accepted except `jwt`, which announces a token: this rack
/// issues none.
pub(crate) fn check_password(headers: &HeaderMap, password: &SecretString) -> Result<(), Refusal> {
    let given = basic(headers).ok_or_else(Refusal::unauthenticated)?;
    let (user, given) = given.split_once(':').ok_or_else(Refusal::unauthenticated)?;
    if user == "jwt" || !constant_time_eq(given, password.expose_secret()) {
        return Err(Refusal::unauthenticated());
    }
    Ok(())
}

/// Gives a request the password: the operating system has authenticated its sender.
pub(crate) fn set_password(headers: &mut HeaderMap, password: &SecretString) {
    let encoded = BASE64_STANDARD.encode(format!("convox:{}", password.expose_secret()));
    if let Ok(value) = HeaderValue::from_str(&format!("Basic {encoded}")) {
        headers.insert(header::AUTHORIZATION, value);
    }
}

fn basic(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()
}

/// Compares in constant time, by way of digests.
fn constant_time_eq(one: &str, other: &str) -> bool {
    let (one, other) = (Sha256::digest(one), Sha256::digest(other));
    one.iter().zip(other.iter()).fold(0, |unlike, (a, b)| unlike | (a ^ b)) == 0
}

/// Checks that the request addressed a loopback name and did not come from a page of another
/// origin.
pub(crate) fn check_origin(headers: &HeaderMap) -> Result<(), Refusal> {
    let refuse = |message: &str| Err(Refusal::new(StatusCode::FORBIDDEN, message));
    let Some(host) = authority(headers.get(header::HOST).and_then(|host| host.to_str().ok()))
    else {
        return refuse("missing Host header");
    };
    if !matches!(host.host(), "127.0.0.1" | "localhost" | "[::1]") {
        return refuse("the development rack only answers to 127.0.0.1 and localhost");
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let page = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    match authority(page.map(|(_, host)| host)) {
        Some(page) if page == host => Ok(()),
        _ => {
            refuse("the development rack refuses requests of other origins: Origin must equal Host")
        }
    }
}

fn authority(text: Option<&str>) -> Option<Authority> {
    text?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs.map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    fn login(text: &str) -> HeaderMap {
        let value = format!("Basic {}", BASE64_STANDARD.encode(text));
        headers(&[(header::AUTHORIZATION, &value)])
    }

    #[test]
    fn any_user_name_is_accepted_with_the_right_password_only() {
        let password = SecretString::from("s3cret");
        for good in ["convox:s3cret", ":s3cret"] {
            assert!(check_password(&login(good), &password).is_ok(), "{good}");
        }
        for bad in ["convox:S3cret", "convox:", "s3cret", "jwt:s3cret", "convox:s3cret:"] {
            let refusal = check_password(&login(bad), &password).unwrap_err();
            assert_eq!(refusal, Refusal::unauthenticated(), "{bad}");
        }
        let garbled = headers(&[(header::AUTHORIZATION, "Basic %%%")]);
        assert!(check_password(&garbled, &password).is_err());
        assert!(check_password(&HeaderMap::new(), &password).is_err());
    }

    #[test]
    fn hosts_other_than_loopback_are_refused() {
        for good in ["127.0.0.1", "127.0.0.1:5000", "localhost:80", "[::1]:80"] {
            assert!(check_origin(&headers(&[(header::HOST, good)])).is_ok(), "{good}");
        }
        for bad in ["evil.example", "127.0.0.1.evil.example:5000", "10.0.0.1", "localhost.x", ""] {
            assert!(check_origin(&headers(&[(header::HOST, bad)])).is_err(), "{bad}");
        }
        assert!(check_origin(&HeaderMap::new()).is_err());
    }

    #[test]
    fn pages_of_other_origins_are_refused() {
        let with = |origin| {
            check_origin(&headers(&[(header::HOST, "127.0.0.1:5000"), (header::ORIGIN, origin)]))
        };
        assert!(with("http://127.0.0.1:5000").is_ok());
        for bad in ["http://evil.example", "http://127.0.0.1:5001", "null", "127.0.0.1:5000"] {
            assert!(with(bad).is_err(), "{bad}");
        }
    }
}
