//! Statuses. A word this client does not know is kept, and shown as it is.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! status {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
            /// A word of a newer rack, as it came.
            Other(String),
        }

        impl $name {
            /// The rack's word for it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                match word.as_str() {
                    $($word => Self::$variant,)+
                    _ => Self::Other(word),
                }
            }
        }

        impl From<$name> for String {
            fn from(status: $name) -> Self {
                status.as_str().to_owned()
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::Other(String::new())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

status! {
    /// The state of an app. A v3 rack says `running` as well after a failed update.
    AppStatus {
        /// v2: nothing of it exists yet.
        New = "new",
        /// v2: being made.
        Creating = "creating",
        /// At rest.
        Running = "running",
        /// A release is being rolled out.
        Updating = "updating",
        /// A failed update is being undone.
        Rollback = "rollback",
        /// v2: undoing an update failed too.
        Failed = "failed",
        /// On its way out.
        Deleting = "deleting",
    }
}

status! {
    /// The state of a build.
    BuildStatus {
        /// Accepted, not started.
        Created = "created",
        /// At work.
        Running = "running",
        /// Ended well; the release is set.
        Complete = "complete",
        /// Ended badly.
        Failed = "failed",
        /// Classic racks: ended badly.
        Error = "error",
        /// Classic racks: given up.
        Timeout = "timeout",
    }
}

impl BuildStatus {
    /// Is the build still going on?
    pub fn is_under_way(&self) -> bool {
        matches!(self, Self::Created | Self::Running)
    }
}

status! {
    /// The state of a process.
    ProcessStatus {
        /// Waiting for a place.
        Pending = "pending",
        /// Starting.
        Starting = "starting",
        /// Running, and ready where it says so.
        Running = "running",
        /// Running, not ready.
        Unhealthy = "unhealthy",
        /// Ended unexpectedly, will be started again.
        Crashed = "crashed",
        /// Ended badly.
        Failed = "failed",
        /// Ended well.
        Complete = "complete",
    }
}

status! {
    /// The state of a rack. v3 racks always say `running`.
    SystemStatus {
        /// At rest.
        Running = "running",
        /// Its own software or parameters are changing.
        Updating = "updating",
        /// v2: instances are changing.
        Converging = "converging",
        /// A failed update is being undone.
        Rollback = "rollback",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_word_survives_the_round_trip() {
        let status: AppStatus = serde_json::from_str("\"hibernating\"").unwrap();
        assert_eq!(status, AppStatus::Other("hibernating".into()));
        assert_eq!(serde_json::to_string(&status).unwrap(), "\"hibernating\"");
    }
}
