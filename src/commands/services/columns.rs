//! What a service consists of, in our own words: the rack's spellings stay in `wire`.

use std::fmt::{self, Write as _};

use serde::Serialize;

/// A port at the router.
#[derive(Serialize)]
pub(super) struct Port {
    balancer: Option<u32>,
    container: Option<u32>,
    certificate: Option<String>,
}

impl From<convox_wire::Port> for Port {
    fn from(port: convox_wire::Port) -> Self {
        let some = |number: u32| Some(number).filter(|number| *number != 0);
        Self {
            balancer: some(port.balancer),
            container: some(port.container),
            certificate: text(port.certificate),
        }
    }
}

/// `outside:inside`, or the one of them that there is.
impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.balancer, self.container) {
            (Some(balancer), Some(container)) => write!(f, "{balancer}:{container}"),
            (Some(port), None) | (None, Some(port)) => write!(f, "{port}"),
            (None, None) => f.write_str("0"),
        }
    }
}

/// A port at a network balancer.
#[derive(Serialize)]
pub(super) struct NlbPort {
    port: u32,
    container_port: u32,
    protocol: Option<String>,
    scheme: Option<String>,
    certificate: Option<String>,
    cross_zone: Option<bool>,
    allow_cidr: Vec<String>,
    preserve_client_ip: Option<bool>,
}

impl From<convox_wire::NlbPort> for NlbPort {
    fn from(port: convox_wire::NlbPort) -> Self {
        Self {
            port: port.port,
            container_port: port.container_port,
            protocol: text(port.protocol),
            scheme: text(port.scheme),
            certificate: text(port.certificate),
            cross_zone: port.cross_zone,
            allow_cidr: port.allow_cidr,
            preserve_client_ip: port.preserve_client_ip,
        }
    }
}

/// As the existing clients write it: `853:8853/tls(internal)[cz=true allow=1 pcip=false]`.
impl fmt::Display for NlbPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.port, self.container_port)?;
        if self.protocol.as_deref() == Some("tls") {
            f.write_str("/tls")?;
        }
        if self.scheme.as_deref() == Some("internal") {
            f.write_str("(internal)")?;
        }
        let allowed = self.allow_cidr.len();
        let extras = [
            self.cross_zone.map(|on| format!("cz={on}")),
            (allowed > 0).then(|| format!("allow={allowed}")),
            self.preserve_client_ip.map(|on| format!("pcip={on}")),
        ];
        let extras: Vec<String> = extras.into_iter().flatten().collect();
        if extras.is_empty() { Ok(()) } else { write!(f, "[{}]", extras.join(" ")) }
    }
}

/// How it scales by itself.
#[derive(Serialize)]
pub(crate) struct Autoscale {
    cpu_threshold: Option<i64>,
    mem_threshold: Option<i64>,
    gpu_threshold: Option<i64>,
    queue_threshold: Option<i64>,
    custom_triggers: Option<i64>,
}

impl Autoscale {
    /// Returns `None` if autoscaling is off.
    pub(crate) fn of(autoscale: convox_wire::Autoscale) -> Option<Self> {
        autoscale.enabled.then_some(Self {
            cpu_threshold: autoscale.cpu_threshold,
            mem_threshold: autoscale.mem_threshold,
            gpu_threshold: autoscale.gpu_threshold,
            queue_threshold: autoscale.queue_threshold,
            custom_triggers: autoscale.custom_triggers,
        })
    }
}

/// `cpu>70 mem>80`, or a dash.
impl fmt::Display for Autoscale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let triggers = [
            ("cpu>", self.cpu_threshold),
            ("mem>", self.mem_threshold),
            ("gpu-util>", self.gpu_threshold),
            ("queue>", self.queue_threshold),
            ("custom=", self.custom_triggers),
        ];
        let mut given = triggers.iter().filter_map(|(name, value)| Some((name, (*value)?)));
        let Some((name, value)) = given.next() else { return f.write_char('-') };
        write!(f, "{name}{value}")?;
        given.try_for_each(|(name, value)| write!(f, " {name}{value}"))
    }
}

/// Racks say nothing with an empty text.
fn text(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_port_shows_only_what_is_out_of_the_ordinary() {
        let plain = convox_wire::NlbPort {
            port: 853,
            container_port: 8853,
            ..convox_wire::NlbPort::default()
        };
        assert_eq!(NlbPort::from(plain.clone()).to_string(), "853:8853");
        let port = convox_wire::NlbPort {
            protocol: "tls".into(),
            scheme: "internal".into(),
            cross_zone: Some(true),
            allow_cidr: vec!["10.0.0.0/8".into()],
            preserve_client_ip: Some(false),
            ..plain
        };
        let shown = NlbPort::from(port).to_string();
        assert_eq!(shown, "853:8853/tls(internal)[cz=true allow=1 pcip=false]");
    }

    #[test]
    fn json_is_in_snake_case_and_what_is_absent_is_null() {
        let port =
            NlbPort::from(convox_wire::NlbPort { port: 853, ..convox_wire::NlbPort::default() });
        let json = serde_json::to_value(port).unwrap();
        assert_eq!(json["container_port"], 0);
        assert_eq!(json["protocol"], serde_json::Value::Null);
        let router =
            Port::from(convox_wire::Port { container: 3000, ..convox_wire::Port::default() });
        assert_eq!(router.to_string(), "3000");
        assert_eq!(serde_json::to_value(router).unwrap()["certificate"], serde_json::Value::Null);
    }
}
