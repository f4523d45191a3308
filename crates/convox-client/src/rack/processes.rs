use std::collections::BTreeMap;
use std::sync::Arc;

use super::session::{Session, WindowSize, push, size_headers};
use super::{Error, Rack, form_of};
use crate::path;
use crate::transport::{Download, Headers, Repeat, Request, Upload};
use convox_wire::{AppName, Process, ProcessId, ReleaseId, ServiceName};

/// Which processes to list. Absent filters match every process.
#[derive(Debug, Clone, Default)]
pub struct ProcessFilter {
    /// Those that run this release.
    pub release: Option<ReleaseId>,
    /// Those of this service.
    pub service: Option<ServiceName>,
}

/// How to run a one-off process of a service. Absent options are not sent: the
/// service's settings apply.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// The command line, instead of the service's.
    pub command: Option<String>,
    /// Additional environment variables.
    pub environment: BTreeMap<String, String>,
    /// The size of the terminal.
    pub size: Option<WindowSize>,
    /// Another image.
    pub image: Option<String>,
    /// Another release than the active one.
    pub release: Option<ReleaseId>,
    /// CPU, in thousandths of a core (v3).
    pub cpu: Option<u32>,
    /// Most CPU, in thousandths of a core (v3).
    pub cpu_limit: Option<u32>,
    /// Memory, in MB.
    pub memory: Option<u32>,
    /// Most memory, in MB (v3).
    pub memory_limit: Option<u32>,
    /// Number of GPUs (v3).
    pub gpu: Option<u32>,
    /// Their vendor (v3).
    pub gpu_vendor: Option<String>,
    /// Where to run it, as `KEY=VALUE` pairs joined by commas (v3).
    pub node_labels: Option<String>,
    /// Whether the service's volumes are mounted (v3).
    pub use_service_volume: Option<bool>,
    /// Whether it keeps running when resources are short (v3).
    pub system_critical: Option<bool>,
}

impl RunOptions {
    fn headers(&self) -> Headers {
        let mut headers = size_headers(self.size);
        push(&mut headers, "command", &self.command);
        push(&mut headers, "environment", form_of(&self.environment));
        push(&mut headers, "image", &self.image);
        push(&mut headers, "release", self.release.as_ref().map(ReleaseId::as_str));
        push(&mut headers, "cpu", self.cpu);
        push(&mut headers, "cpu-limit", self.cpu_limit);
        push(&mut headers, "memory", self.memory);
        push(&mut headers, "memory-limit", self.memory_limit);
        push(&mut headers, "gpu", self.gpu);
        push(&mut headers, "gpu-vendor", &self.gpu_vendor);
        push(&mut headers, "node-labels", &self.node_labels);
        push(&mut headers, "use-service-volume", self.use_service_volume);
        push(&mut headers, "system-critical", self.system_critical);
        headers
    }
}

impl Rack {
    /// Lists the processes of an app (`GET /apps/{app}/processes`; v2, v3).
    ///
    /// ```no_run
    /// # async fn example(rack: convox_client::Rack) -> Result<(), Box<dyn std::error::Error>> {
    /// for process in rack.processes(&"web".parse()?).await? {
    ///     println!("{} is {}", process.id, process.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Status`]: 404 for an unknown app.
    pub async fn processes(&self, app: &AppName) -> Result<Vec<Process>, Error> {
        self.processes_where(app, &ProcessFilter::default()).await
    }

    /// Lists some processes of an app (`GET /apps/{app}/processes`; v2, v3).
    ///
    /// # Errors
    /// As [`Rack::processes`].
    pub async fn processes_where(
        &self,
        app: &AppName,
        filter: &ProcessFilter,
    ) -> Result<Vec<Process>, Error> {
        let request = Request::get(path!["apps", app, "processes"])
            .query("release", filter.release.as_ref().map(ReleaseId::as_str))
            .query("service", filter.service.as_ref().map(ServiceName::as_str));
        self.list(request).await
    }

    /// Returns one process (`GET /apps/{app}/processes/{pid}`; v2, v3).
    ///
    /// # Errors
    /// [`Error::Status`] for an unknown app or process: 404, or 500 on some v2 racks.
    pub async fn process(&self, app: &AppName, process: &ProcessId) -> Result<Process, Error> {
        self.get(path!["apps", app, "processes", process]).await
    }

    /// Stops a process (`DELETE /apps/{app}/processes/{pid}`; v2, v3). Its service starts another.
    ///
    /// # Errors
    /// As [`Rack::process`].
    pub async fn stop_process(&self, app: &AppName, process: &ProcessId) -> Result<(), Error> {
        self.act(Request::delete(path!["apps", app, "processes", process])).await
    }

    /// Starts a one-off process (`POST /apps/{app}/services/{service}/processes`; v2, v3). Sent
    /// once: after a lost response its process could not be recognized.
    ///
    /// # Errors
    /// [`Error::Status`]: 404 for an unknown app or service.
    pub async fn start_process(
        &self,
        app: &AppName,
        service: &ServiceName,
        options: &RunOptions,
    ) -> Result<Process, Error> {
        let request = Request::post(path!["apps", app, "services", service, "processes"]);
        let headers = options.headers().into_iter();
        self.read(headers.fold(request, |request, (name, value)| request.header(name, value))).await
    }

    /// Runs a one-off process with its terminal attached (socket
    /// `/apps/{app}/processes/{service}/run`; racks up to 20180708231844).
    ///
    /// # Errors
    /// As [`Rack::exec`].
    pub async fn run_attached(
        &self,
        app: &AppName,
        service: &ServiceName,
        options: &RunOptions,
        timeout_seconds: Option<u32>,
    ) -> Result<Session, Error> {
        let mut headers = options.headers();
        push(&mut headers, "timeout", timeout_seconds);
        self.session(path!["apps", app, "processes", service, "run"], headers, true).await
    }

    /// Reads a file or directory of a process as an uncompressed tar, whose entries have their full
    /// paths without the leading slash (`GET /apps/{app}/processes/{pid}/files`; v2, v3).
    ///
    /// # Errors
    /// [`Error::Status`] for an unknown app, process or path.
    pub async fn download_files(
        &self,
        app: &AppName,
        process: &ProcessId,
        file: &str,
    ) -> Result<Download, Error> {
        let path = path!["apps", app, "processes", process, "files"];
        self.client.download(&Request::get(path).query("file", file)).await
    }

    /// Unpacks an uncompressed tar at the root of a process's file system
    /// (`POST /apps/{app}/processes/{pid}/files`; v2, v3). `tar_extra` are options for the rack's
    /// tar, such as `--no-same-owner` (v3). May be repeated: the same files are unpacked again.
    ///
    /// # Errors
    /// [`Error::Status`] for an unknown app or process. [`Error::Body`] if the body can't be
    /// read.
    pub async fn upload_files(
        &self,
        app: &AppName,
        process: &ProcessId,
        archive: Arc<dyn Upload>,
        tar_extra: &[String],
    ) -> Result<(), Error> {
        let path = path!["apps", app, "processes", process, "files"];
        let request = Request::post(path).query("tar-extra", tar_extra).upload(archive);
        self.act(request.repeat(Repeat::Safely)).await
    }

    /// Removes files of a process (`DELETE /apps/{app}/processes/{pid}/files`; v2, v3).
    ///
    /// # Errors
    /// As [`Rack::process`].
    pub async fn delete_files(
        &self,
        app: &AppName,
        process: &ProcessId,
        files: &[String],
    ) -> Result<(), Error> {
        let path = path!["apps", app, "processes", process, "files"];
        self.act(Request::delete(path).query("files", files)).await
    }
}
