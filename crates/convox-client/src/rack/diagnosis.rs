use crate::path;
use crate::transport::Request;
use convox_wire::{AppName, Diagnosis, ServiceName};

use super::{Error, Rack};

/// What a diagnosis covers. Absent options are not sent: the rack's defaults apply.
#[derive(Debug, Clone, Default)]
pub struct DiagnosisOptions {
    /// The parts, joined by commas: `overview`, `init`, `pods`.
    pub checks: Option<String>,
    /// The services; all if there are none.
    pub services: Vec<ServiceName>,
    /// Processes younger than this many seconds are new.
    pub age: Option<u32>,
    /// Whether healthy processes are included.
    pub all: Option<bool>,
    /// The number of log lines of each process.
    pub lines: Option<u32>,
    /// Whether events are included.
    pub events: Option<bool>,
    /// Whether logs from before the last restart are included.
    pub previous: Option<bool>,
}

impl Rack {
    /// Diagnoses an app (`GET /apps/{app}/diagnose`; v3).
    ///
    /// # Errors
    /// [`Error::Status`]: 404 for an unknown app.
    pub async fn diagnose(
        &self,
        app: &AppName,
        options: &DiagnosisOptions,
    ) -> Result<Diagnosis, Error> {
        let services: Vec<&str> = options.services.iter().map(ServiceName::as_str).collect();
        let services = (!services.is_empty()).then(|| services.join(","));
        let request = Request::get(path!["apps", app, "diagnose"])
            .query("checks", &options.checks)
            .query("services", services)
            .query("age", options.age)
            .query("all", options.all)
            .query("lines", options.lines)
            .query("events", options.events)
            .query("previous", options.previous);
        self.read(request.expect_list()).await
    }
}
