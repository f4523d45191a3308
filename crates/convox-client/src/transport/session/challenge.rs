//! How a console asks for a session.

use crate::transport::{Error, Path, Request};

/// `Session path="/session" token="false"`, from `WWW-Authenticate`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    path: String,
    pub(super) second_factor: bool,
}

impl Challenge {
    /// Parses it; `None` if it is another challenge.
    pub(super) fn parse(header: &str) -> Option<Self> {
        let rest = header.strip_prefix("Session path=\"")?;
        let (path, rest) = rest.split_once("\" token=\"")?;
        let token = rest.strip_suffix('"')?;
        Some(Self { path: path.to_owned(), second_factor: token == "true" })
    }

    /// Turns a request for a path into one for the path of the challenge, which may have a query.
    pub(super) fn request(&self, to: fn(Path) -> Request) -> Result<Request, Error> {
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        let path = segments.fold(String::new(), |path, segment| path + "/" + segment);
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        Ok(pairs.fold(to(Path::encoded(&path)?), |request, (name, value)| {
            request.query(name.into_owned(), value.into_owned())
        }))
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

    #[test]
    fn the_path_of_a_challenge_is_taken_as_it_is() {
        for (path, line) in [
            ("/session", "GET /session"),
            ("session/", "GET /session"),
            ("/a%2Fb/session?for=cli&x=a%20b", "GET /a%2Fb/session"),
        ] {
            let header = format!("Session path=\"{path}\" token=\"true\"");
            let request = Challenge::parse(&header).unwrap().request(Request::get).unwrap();
            assert_eq!(request.line().to_string(), line);
        }
    }
}
