//! Request paths, with each segment percent-encoded.

use std::fmt;

use url::form_urlencoded::byte_serialize;

use super::Error;

/// An absolute path below the rack's base path, already percent-encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(String);

impl Path {
    /// Joins segments to a path. Racks match the decoded path, so a segment with a slash (`%2F`)
    /// matches no route.
    pub fn of<'a>(segments: impl IntoIterator<Item = &'a str>) -> Self {
        let mut path = String::new();
        for segment in segments {
            path.push('/');
            for piece in byte_serialize(segment.as_bytes()) {
                // Forms encode a space as `+`, paths do not.
                path.push_str(if piece == "+" { "%20" } else { piece });
            }
        }
        Self(path)
    }

    /// A path that is already percent-encoded, such as `/apps/web`.
    ///
    /// # Errors
    /// [`Error::Config`] if it does not begin with a slash.
    pub fn encoded(path: &str) -> Result<Self, Error> {
        match path.starts_with('/') {
            true => Ok(Self(path.to_owned())),
            false => Err(Error::Config(format!("invalid path {path}: it must begin with a slash"))),
        }
    }

    /// The path, checked: an empty segment, `.` or `..` would lead to another route, and URLs
    /// cannot encode them (WHATWG URL, 4.4).
    ///
    /// # Errors
    /// [`Error::Config`] naming the path.
    pub(super) fn checked(&self) -> Result<&str, Error> {
        let mut segments = self.0.split('/').skip(1);
        if segments.any(|segment| matches!(segment, "" | "." | "..")) {
            return Err(Error::Config(format!(
                "invalid path {self}: a name in it is empty, . or .."
            )));
        }
        Ok(&self.0)
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Builds a [`Path`] of anything that is text: `path!["apps", app, "releases", id]`.
#[macro_export]
macro_rules! path {
    ($($segment:expr),+ $(,)?) => {
        $crate::transport::Path::of([$(AsRef::<str>::as_ref(&$segment)),+])
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_segment_is_encoded_once() {
        assert_eq!(path!["apps", "web", "builds"].as_str(), "/apps/web/builds");
        assert_eq!(path!["apps", "a/b %s"].as_str(), "/apps/a%2Fb%20%25s");
        for bad in ["", ".", ".."] {
            assert!(
                path!["apps", bad].checked().is_err() && path!["apps", bad, "x"].checked().is_err()
            );
        }
        assert!(path!["apps", "a..b", "..."].checked().is_ok());
        assert_eq!(path!["apps", "naïve"].as_str(), "/apps/na%C3%AFve");
    }
}
