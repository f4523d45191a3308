//! The API of Convox racks as types.
//!
//! Spellings, empty values and year-1 times are those of Convox racks (v3, v2 and classic). They
//! are converted to `Option`s and enums here; no other module sees an empty string that means
//! "none". Every enum keeps unknown values, so that a newer rack never breaks a client.

mod app;
mod balancer;
mod budget;
mod build;
mod certificate;
mod config;
mod cost;
mod diagnosis;
pub mod duration;
mod environment;
mod error;
pub mod frame;
mod id;
mod instance;
mod interpolate;
mod log_line;
mod object;
pub mod option;
mod process;
mod registry;
mod release;
mod resource;
pub mod serde_forms;
mod service;
mod status;
mod system;

pub use app::App;
pub use balancer::{Balancer, BalancerPort};
pub use budget::{
    AppBudget, BudgetConfig, BudgetState, DismissedRecovery, Eligibility, ShutdownService,
    ShutdownSimulation, ShutdownState,
};
pub use build::Build;
pub use certificate::{Certificate, DnsSolver, LetsEncryptConfig, Route53};
pub use config::AppConfig;
pub use cost::{AppCost, ServiceCost, VariantCost};
pub use diagnosis::{
    ClusterEvent, Diagnosis, DiagnosisSummary, InitContainer, InitPod, Overview, Pod,
    ServiceDiagnosis,
};
pub use environment::{EnvVar, Environment, InvalidEnvVar, InvalidLine};
pub use error::ErrorBody;
pub use id::{
    AppName, BuildId, InvalidName, MachineId, MachineName, ProcessId, RackName, RackResourceName,
    ReleaseId, ResourceName, ServiceName,
};
pub use instance::Instance;
pub use log_line::{LogLine, ServiceLogLine};
pub use object::{Object, ObjectKey, ObjectUrl};
pub use process::Process;
pub use registry::Registry;
pub use release::{Release, ReleaseSummary, rollback_description, rollback_target};
pub use resource::Resource;
pub use service::{Autoscale, NlbPort, Port, Service};
pub use status::{AppStatus, BuildStatus, ProcessStatus, ReleaseStatus, SystemStatus};
pub use system::System;
