//! Statuses. Unknown ones are kept and shown as they are.

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
            /// A status this client does not know.
            Other(String),
        }

        impl $name {
            /// The rack's word.
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
    /// The status of an app. On v3 it is `running` after a failed update, too.
    AppStatus {
        /// v2: nothing of it exists yet.
        New = "new",
        /// v2: being created.
        Creating = "creating",
        /// At rest.
        Running = "running",
        /// A release is being rolled out.
        Updating = "updating",
        /// A failed update is being undone.
        Rollback = "rollback",
        /// v2: undoing an update has failed.
        Failed = "failed",
        /// Being deleted.
        Deleting = "deleting",
    }
}

status! {
    /// What became of the last promote of a release.
    ReleaseStatus {
        /// It did not run, and was rolled back.
        Failed = "failed",
    }
}

status! {
    /// The status of a build.
    BuildStatus {
        /// Accepted, not started.
        Created = "created",
        /// In progress.
        Running = "running",
        /// Succeeded; it has a release.
        Complete = "complete",
        /// Failed.
        Failed = "failed",
        /// Classic racks: failed.
        Error = "error",
        /// Classic racks: timed out.
        Timeout = "timeout",
    }
}

impl BuildStatus {
    /// Returns whether the build has not ended.
    pub fn is_under_way(&self) -> bool {
        matches!(self, Self::Created | Self::Running)
    }
}

status! {
    /// The status of a process.
    ProcessStatus {
        /// Waiting to be scheduled.
        Pending = "pending",
        /// Starting.
        Starting = "starting",
        /// Running, and ready if it has a health check.
        Running = "running",
        /// Running, not ready.
        Unhealthy = "unhealthy",
        /// Ended unexpectedly; will be restarted.
        Crashed = "crashed",
        /// Failed.
        Failed = "failed",
        /// Succeeded.
        Complete = "complete",
    }
}

status! {
    /// The status of a rack. It is always `running` on v3.
    SystemStatus {
        /// At rest.
        Running = "running",
        /// The rack's software or parameters are changing.
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
