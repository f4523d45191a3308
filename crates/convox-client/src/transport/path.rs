//! Paths of requests: each segment escaped once, here.

use std::fmt;

use url::form_urlencoded::byte_serialize;

use super::Error;

/// An absolute path below the rack's base, already escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(String);

impl Path {
    /// The path of these segments. Racks match the decoded path, so a slash inside a segment
    /// (`%2F`) finds nothing there.
    pub fn of<'a>(segments: impl IntoIterator<Item = &'a str>) -> Self {
        let mut path = String::new();
        for segment in segments {
            path.push('/');
            for piece in byte_serialize(segment.as_bytes()) {
                // The form's escape for a blank is not a path's.
                path.push_str(if piece == "+" { "%20" } else { piece });
            }
        }
        Self(path)
    }

    /// The text of it, if it leads where it says: an empty segment, `.` or `..`, which URLs cannot
    /// escape (WHATWG URL, 4.4), would lead to another route.
    ///
    /// # Errors
    /// [`Error::Config`] naming the path.
    pub(super) fn checked(&self) -> Result<&str, Error> {
        let mut segments = self.0.split('/').skip(1);
        if segments.any(|segment| matches!(segment, "" | "." | "..")) {
            return Err(Error::Config(format!(
                "{self} is no path: a name in it is empty, . or .."
            )));
        }
        Ok(&self.0)
    }

    /// The text of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `path!["apps", app, "releases", id]`: a [`Path`] of anything that is text.
#[macro_export]
macro_rules! path {
    ($($segment:expr),+ $(,)?) => {
        $crate::transport::Path::of([$(AsRef::<str>::as_ref(&$segment)),+])
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_segment_is_escaped_once() {
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
