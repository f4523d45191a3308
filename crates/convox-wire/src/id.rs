//! Names and ids. Those typed by users are checked, those sent by racks are not.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A name or id that no rack can have. The message does not repeat the text: it may come from a file
/// or a variable with other things in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Nothing was given, as from a shell variable that is not set.
    #[error("the {kind} is empty")]
    Empty {
        /// What was expected, such as `app name`.
        kind: &'static str,
    },
    /// `.`, `..`, or a text with blanks or control characters.
    #[error(
        "not {article} {kind}: it must not be . or .., or contain blanks or control characters, for example {example}"
    )]
    Malformed {
        /// `a` or `an`.
        article: &'static str,
        /// What was expected.
        kind: &'static str,
        /// A good one.
        example: &'static str,
    },
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $article:literal $kind:literal, $example:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// What a rack sent, unchecked. Not a `From` impl: clap would prefer it to the checks
            /// of `FromStr`.
            pub fn from_rack(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                if text.is_empty() {
                    return Err(InvalidName::Empty { kind: $kind });
                }
                let is_dots = text == "." || text == "..";
                if is_dots || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
                    let (article, kind) = ($article, $kind);
                    return Err(InvalidName::Malformed { article, kind, example: $example });
                }
                Ok(Self(text.to_owned()))
            }
        }


        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }
    };
}

name!(
    /// The name of an app on a rack.
    AppName, "an" "app name", "convox-guide"
);
name!(
    /// The id of a build: `B` and ten capitals on all generations.
    BuildId, "a" "build id", "BXFGHCQLZGQ"
);
name!(
    /// The id of a release: `R` and ten capitals on all generations.
    ReleaseId, "a" "release id", "RZYWJKKRDLI"
);
name!(
    /// The id of a process: a pod name on v3, the end of a task id on v2.
    ProcessId, "a" "process id", "web-6d5f-x2x"
);
name!(
    /// The name of a service in an app's manifest.
    ServiceName, "a" "service name", "web"
);
name!(
    /// The name of a resource in an app's manifest.
    ResourceName, "a" "resource name", "database"
);
name!(
    /// The name of a resource of a rack (v2).
    RackResourceName, "a" "resource name", "syslog-4f2a"
);
name!(
    /// The name of a rack as settings and consoles know it; `organization/name` on a console.
    RackName, "a" "rack name", "acme/north"
);
name!(
    /// The name of a machine of a console, with or without `organization/`, or a part of both.
    MachineName, "a" "machine name", "acme/production"
);
name!(
    /// The id of a machine of a console.
    MachineId, "a" "machine id", "5e1c7a52-9d3f-4b6e-8a10-2f4c6d8e0b13"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_id_is_checked_and_the_error_shows_a_good_one() {
        let error = "R A".parse::<ReleaseId>().unwrap_err();
        assert!(error.to_string().contains("for example RZYWJKKRDLI"));
        for dots in ["", ".", ".."] {
            assert!(dots.parse::<AppName>().is_err());
        }
        assert!("a\u{7}b".parse::<AppName>().is_err());
        assert_eq!("weird/%id".parse::<BuildId>().unwrap().as_str(), "weird/%id");
    }
}
