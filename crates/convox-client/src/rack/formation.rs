//! Services of racks up to 20180708231844, which describe an app by its formation.

use serde::Deserialize;

use crate::path;
use crate::transport::{Repeat, Request};
use convox_wire::serde_forms::null_is_empty;
use convox_wire::{AppName, Port, Service, ServiceName};

use super::{Error, Rack, ServiceUpdate};

/// A service (`GET /apps/{app}/formation`).
#[derive(Deserialize)]
struct Formation {
    name: ServiceName,
    #[serde(default, deserialize_with = "null_is_empty")]
    balancer: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    hostname: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    count: i64,
    #[serde(default, deserialize_with = "null_is_empty")]
    cpu: i64,
    #[serde(default, deserialize_with = "null_is_empty")]
    memory: i64,
    #[serde(default, deserialize_with = "null_is_empty")]
    ports: Vec<u32>,
}

/// The certificate of a port (`GET /apps/{app}/ssl`).
#[derive(Deserialize)]
struct Certified {
    #[serde(default, deserialize_with = "null_is_empty")]
    certificate: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    process: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    port: u32,
}

impl Formation {
    fn into_service(self, certified: &[Certified]) -> Service {
        let certificate = |port: u32| {
            let found = certified
                .iter()
                .find(|entry| entry.process == self.name.as_str() && entry.port == port);
            found.map(|entry| entry.certificate.clone()).unwrap_or_default()
        };
        let port =
            |port: &u32| Port { balancer: *port, certificate: certificate(*port), container: 0 };
        let ports = self.ports.iter().map(port).collect();
        let domain = [self.balancer, self.hostname].into_iter().find(|name| !name.is_empty());
        let Self { name, count, cpu, memory, .. } = self;
        Service { count, cpu, memory, domain, ports, ..Service::new(name) }
    }
}

impl Rack {
    /// Lists the services of an app with the certificates of their ports.
    pub(super) async fn services_of_formation(&self, app: &AppName) -> Result<Vec<Service>, Error> {
        let formation = self.list(Request::get(path!["apps", app, "formation"]));
        let certified = self.list(Request::get(path!["apps", app, "ssl"]));
        let (formation, certified): (Vec<Formation>, Vec<Certified>) =
            tokio::try_join!(formation, certified)?;
        Ok(formation.into_iter().map(|entry| entry.into_service(&certified)).collect())
    }

    /// Changes a service.
    pub(super) async fn update_formation(
        &self,
        app: &AppName,
        service: &ServiceName,
        update: &ServiceUpdate,
    ) -> Result<(), Error> {
        let request = Request::post(path!["apps", app, "formation", service])
            .form("count", update.count)
            .form("cpu", update.cpu)
            .form("memory", update.memory);
        self.client.send(&request.repeat(Repeat::Safely)).await.map(drop)
    }
}
