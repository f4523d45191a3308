use crate::path;
use crate::transport::{Headers, Path};
use convox_wire::duration::SignedGoDuration;
use convox_wire::option::ToParam;
use convox_wire::{AppName, ServiceName};

/// Whose lines are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogSource {
    /// All of an app (`/apps/{app}/logs`; v2, v3, classic).
    App(AppName),
    /// One service (`/apps/{app}/services/{service}/logs`; v3).
    Service(AppName, ServiceName),
}

impl LogSource {
    pub(super) fn path(&self) -> Path {
        match self {
            Self::App(app) => path!["apps", app, "logs"],
            Self::Service(app, service) => path!["apps", app, "services", service, "logs"],
        }
    }
}

/// A `Tail` that leaves nothing out.
const ALL: u32 = 1_000_000;

/// Options of a log. Absent ones are not sent; racks then follow, and begin two minutes back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// A CloudWatch filter pattern; other racks ignore it.
    pub filter: Option<String>,
    /// Ends with what is there already.
    pub no_follow: bool,
    /// How far back to begin, on the rack's clock; or ahead, where it is negative.
    pub since: Option<SignedGoDuration>,
    /// The last lines of each process; service logs only.
    pub tail: Option<u32>,
    /// The most processes followed at once; service logs only.
    pub max_log_requests: Option<u32>,
    /// The log of the container before; service logs only.
    pub previous: bool,
}

impl LogOptions {
    /// The options of a log that goes on. Of a service's log v3 racks send the last lines of each
    /// process only, unless `Tail` says otherwise.
    pub(super) fn going_on(&self, source: &LogSource) -> Self {
        let tail = match source {
            LogSource::Service(..) => Some(ALL),
            LogSource::App(_) => self.tail,
        };
        Self { tail, ..self.clone() }
    }

    /// As headers, beginning at `since` instead where that is given.
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
