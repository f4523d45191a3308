//! The flags that change the scale of a service, shared by `scale` and `services update`.

use convox_client::rack::ServiceUpdate;

/// Changes of a service; absent ones leave it as it is.
#[derive(clap::Args)]
pub(super) struct ScaleFlags {
    /// Number of processes
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(super) count: Option<i64>,
    /// CPU units of each process (1000 per core; on v2 racks 1024)
    #[arg(long, value_name = "UNITS", allow_negative_numbers = true)]
    cpu: Option<i64>,
    /// Memory of each process, in MB
    #[arg(long, value_name = "MB", allow_negative_numbers = true)]
    memory: Option<i64>,
    /// Number of GPUs of each process (v3 racks)
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    gpu: Option<i64>,
    /// Vendor of the GPUs (v3 racks)
    #[arg(long, value_name = "VENDOR")]
    gpu_vendor: Option<String>,
    /// Fewest processes of an autoscaled service (racks from 3.24.6 on)
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(super) min: Option<i64>,
    /// Most processes of an autoscaled service (racks from 3.24.6 on)
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(super) max: Option<i64>,
}

impl From<ScaleFlags> for ServiceUpdate {
    fn from(flags: ScaleFlags) -> Self {
        let ScaleFlags { count, cpu, memory, gpu, gpu_vendor, min, max } = flags;
        Self { count, cpu, memory, gpu, gpu_vendor, min, max }
    }
}
