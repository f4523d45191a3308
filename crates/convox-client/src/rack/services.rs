use serde::Serialize;

use crate::path;
use crate::transport::{Repeat, Request};
use convox_wire::{AppName, Service, ServiceName};

use super::{Error, Rack};

/// Changes of a service. Absent ones are not sent: the service keeps what it has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceUpdate {
    /// The number of processes.
    pub count: Option<i64>,
    /// CPU units: 1024 per core on v2, 1000 per core on v3.
    pub cpu: Option<i64>,
    /// Memory in MB.
    pub memory: Option<i64>,
    /// Number of GPUs (v3).
    pub gpu: Option<i64>,
    /// Vendor of the GPUs (v3).
    pub gpu_vendor: Option<String>,
    /// Fewest processes of an autoscaled service (v3 from 3.24.6 on).
    pub min: Option<i64>,
    /// Most processes of an autoscaled service (v3 from 3.24.6 on).
    pub max: Option<i64>,
}

/// What makes an autoscaled service scale (v3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum TriggerKind {
    /// CPU usage in percent.
    #[serde(rename = "cpu")]
    Cpu,
    /// Memory usage in percent.
    #[serde(rename = "memory")]
    Memory,
    /// GPU usage in percent.
    #[serde(rename = "gpuUtilization")]
    Gpu,
    /// The length of a queue.
    #[serde(rename = "queueDepth")]
    Queue,
}

impl TriggerKind {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Gpu => "gpuUtilization",
            Self::Queue => "queueDepth",
        }
    }
}

/// A trigger and its threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Trigger {
    /// What is measured.
    #[serde(rename = "type")]
    pub kind: TriggerKind,
    /// Above it, processes are added.
    pub threshold: i64,
}

/// Triggers that replace those of the manifest (v3 from 3.24.6 on).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TriggersOverride {
    /// Fewest processes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<i64>,
    /// Most processes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
    /// The triggers.
    pub triggers: Vec<Trigger>,
}

impl Rack {
    /// Lists the services of an app's active release, in the rack's order (`GET
    /// /apps/{app}/services`; v2, v3; before 20180708231844 `GET /apps/{app}/formation`). Empty
    /// without a release.
    ///
    /// ```no_run
    /// # async fn example(rack: convox_client::Rack) -> Result<(), Box<dyn std::error::Error>> {
    /// for service in rack.services(&"web".parse()?).await? {
    ///     println!("{} runs {} processes", service.name, service.count);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Status`]: 404 for an unknown app.
    pub async fn services(&self, app: &AppName) -> Result<Vec<Service>, Error> {
        match self.list(Request::get(path!["apps", app, "services"])).await {
            Err(error) if error.is_missing_route() && !self.compat().await?.lists_services() => {
                self.services_of_formation(app).await
            }
            listed => listed,
        }
    }

    /// Changes a service (`PUT /apps/{app}/services/{name}`; v2, v3; up to 20180708231844 `POST
    /// /apps/{app}/formation/{name}`, which knows count, CPU and memory only). The app is `updating`
    /// until the change is rolled out.
    ///
    /// # Errors
    /// [`Error::Status`]: `no such service: …`.
    pub async fn update_service(
        &self,
        app: &AppName,
        service: &ServiceName,
        update: &ServiceUpdate,
    ) -> Result<(), Error> {
        if !self.compat().await?.is_after_2018() {
            return self.update_formation(app, service, update).await;
        }
        let request = Request::put(path!["apps", app, "services", service])
            .form("count", update.count)
            .form("cpu", update.cpu)
            .form("memory", update.memory)
            .form("gpu", update.gpu)
            .form("gpu-vendor", &update.gpu_vendor)
            .form("min", update.min)
            .form("max", update.max);
        self.act(request).await
    }

    /// Replaces the processes of a service by new ones (`POST
    /// /apps/{app}/services/{name}/restart`; v2, v3). Returns at once.
    ///
    /// # Errors
    /// [`Error::Status`]: `no such service: …`.
    pub async fn restart_service(&self, app: &AppName, service: &ServiceName) -> Result<(), Error> {
        self.act(Request::post(path!["apps", app, "services", service, "restart"])).await
    }

    /// Replaces the triggers of the manifest (`POST
    /// /apps/{app}/services/{name}/triggers/enable`; v3 from 3.24.6 on).
    ///
    /// # Errors
    /// [`Error::Status`]; [`Error::Config`] if the triggers can't be encoded.
    pub async fn enable_triggers(
        &self,
        app: &AppName,
        service: &ServiceName,
        triggers: &TriggersOverride,
    ) -> Result<(), Error> {
        let options = serde_json::to_string(triggers)
            .map_err(|error| Error::Config(format!("the triggers can't be encoded: {error}")))?;
        let path = path!["apps", app, "services", service, "triggers", "enable"];
        self.act(Request::post(path).form("opts", options).repeat(Repeat::Safely)).await
    }

    /// Goes back to the triggers of the manifest (`POST
    /// /apps/{app}/services/{name}/triggers/disable`; v3 from 3.24.6 on).
    ///
    /// # Errors
    /// [`Error::Status`].
    pub async fn disable_triggers(
        &self,
        app: &AppName,
        service: &ServiceName,
    ) -> Result<(), Error> {
        let path = path!["apps", app, "services", service, "triggers", "disable"];
        self.act(Request::post(path).repeat(Repeat::Safely)).await
    }

    /// Sets the threshold of one trigger (`POST
    /// /apps/{app}/services/{name}/triggers/threshold`; v3 from 3.24.6 on).
    ///
    /// # Errors
    /// [`Error::Status`].
    pub async fn set_trigger_threshold(
        &self,
        app: &AppName,
        service: &ServiceName,
        kind: TriggerKind,
        threshold: f64,
    ) -> Result<(), Error> {
        let path = path!["apps", app, "services", service, "triggers", "threshold"];
        let request = Request::post(path)
            .form("type", kind.as_str())
            .form("threshold", threshold.to_string());
        self.act(request.repeat(Repeat::Safely)).await
    }
}
