use crate::path;
use crate::transport::{Headers, Path};
use convox_wire::duration::SignedGoDuration;
use convox_wire::option::ToParam;
use convox_wire::{AppName, ServiceName};

/// The source of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogSource {
    /// All of an app (`/apps/{app}/logs`; v2, v3, classic).
    App(AppName),
    /// A service (`/apps/{app}/services/{service}/logs`; v3).
    Service(AppName, ServiceName),
    /// The rack itself (`/system/logs`; v2, v3).
    System,
}

impl LogSource {
    pub(super) fn path(&self) -> Path {
        match self {
            Self::App(app) => path!["apps", app, "logs"],
            Self::Service(app, service) => path!["apps", app, "services", service, "logs"],
            Self::System => path!["system", "logs"],
        }
    }
}

/// A `Tail` larger than any log.
const UNLIMITED_TAIL: u32 = 1_000_000;

/// Options of a log. Absent ones are not sent. By default racks follow the log, from two minutes
/// ago.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// A CloudWatch filter pattern; racks without CloudWatch ignore it.
    pub filter: Option<String>,
    /// Ends the log instead of following it.
    pub no_follow: bool,
    /// How far back to begin, by the rack's clock. Negative values are in the future.
    pub since: Option<SignedGoDuration>,
    /// Begins with the last lines: of each process for the log of a service, of all for the log of
    /// an app, where the client chooses them.
    pub tail: Option<u32>,
    /// The most processes to follow at once; service logs only.
    pub max_log_requests: Option<u32>,
    /// Shows the log of the previous container; service logs only.
    pub previous: bool,
}

impl LogOptions {
    /// The options for resuming a log. For a service, v3 racks send only the last lines of each
    /// process unless `Tail` is given.
    pub(super) fn resuming(&self, source: &LogSource) -> Self {
        let tail = match source {
            LogSource::Service(..) => Some(UNLIMITED_TAIL),
            LogSource::App(_) | LogSource::System => self.tail,
        };
        Self { tail, ..self.clone() }
    }

    /// The options as headers, with `since` overridden if given.
    pub(super) fn headers(&self, since: Option<SignedGoDuration>) -> Headers {
        let values = [
            ("filter", self.filter.to_param()),
            ("follow", self.no_follow.then(|| "false".to_owned())),
            ("maxlogrequests", self.max_log_requests.to_param()),
            ("prefix", Some("true".to_owned())),
            ("previous", self.previous.then(|| "true".to_owned())),
            ("since", since.or(self.since).to_param()),
            ("tail", self.tail.to_param()),
        ];
        values.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}
