//! The address of a Prometheus server outside of the rack.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use url::{Host, Url};

use crate::error::CommandError;

/// How long the look-up of the host may take.
const LIMIT: Duration = Duration::from_secs(5);

/// The ending of hosts in the rack's cluster, which only the rack can look up.
const IN_CLUSTER: &str = ".svc.cluster.local";

/// Checks that the host of a URL can be reached from a rack: it has public addresses only, or is
/// in the rack's cluster. Its name is looked up on this machine.
pub(super) async fn check(name: &str, url: &str) -> Result<(), CommandError> {
    find_problem(url).await.map_err(|reason| {
        CommandError::new(format!(
            "{name}: {reason}; see docs/configuration/rack-parameters/aws/prometheus_url.md for the \
             in-cluster .svc.cluster.local recipe"
        ))
    })
}

async fn find_problem(url: &str) -> Result<(), String> {
    let url = Url::parse(url).map_err(|error| format!("not a URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("the scheme must be http or https (got \"{}\")", url.scheme()));
    }
    match url.host() {
        Some(Host::Ipv4(address)) => judge(address.into(), None),
        Some(Host::Ipv6(address)) => judge(address.into(), None),
        Some(Host::Domain(host)) if host.trim_end_matches('.').ends_with(IN_CLUSTER) => Ok(()),
        Some(Host::Domain(host)) => look_up(host).await,
        None => Err("it has no host".to_owned()),
    }
}

async fn look_up(host: &str) -> Result<(), String> {
    let found = tokio::time::timeout(LIMIT, tokio::net::lookup_host((host, 0))).await;
    let found = found.map_err(|_| format!("{host} was not found within {} s", LIMIT.as_secs()))?;
    let addresses: Vec<_> =
        found.map_err(|error| format!("{host} can't be found: {error}"))?.collect();
    if addresses.is_empty() {
        return Err(format!("{host} has no address"));
    }
    addresses.into_iter().try_for_each(|address| judge(address.ip(), Some(host)))
}

fn judge(address: IpAddr, host: Option<&str>) -> Result<(), String> {
    let address = address.to_canonical();
    let is_public = match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    };
    match (is_public, host) {
        (true, _) => Ok(()),
        (false, None) => Err(format!("{address} is not a public address")),
        (false, Some(host)) => {
            Err(format!("{host} has the address {address}, which is not public"))
        }
    }
}

/// By the IANA IPv4 special-purpose address registry (RFC 6890).
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_shared = a == 100 && (64..128).contains(&b);
    let is_for_protocols = (a, b, c) == (192, 0, 0);
    let is_for_benchmarks = a == 198 && (18..20).contains(&b);
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || is_shared
        || is_for_protocols
        || is_for_benchmarks
        || a == 0
        || a >= 224)
}

/// The addresses of the internet are below `2000::/3`, but for documentation (RFC 3849, RFC 9637).
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    first & 0xe000 == 0x2000 && (first, second) != (0x2001, 0xdb8) && first != 0x3fff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_host_is_public_or_in_the_cluster() {
        for (url, expected) in [
            ("https://8.8.8.8/api", None),
            ("http://[2606:4700::1111]:9090", None),
            ("http://prometheus.monitoring.svc.cluster.local:9090", None),
            ("http://10.1.2.3:9090", Some("10.1.2.3 is not a public address")),
            ("http://127.1", Some("127.0.0.1 is not a public address")),
            ("http://169.254.169.254", Some("169.254.169.254 is not a public address")),
            ("http://100.64.0.1", Some("100.64.0.1 is not a public address")),
            ("http://[::ffff:192.168.0.1]", Some("192.168.0.1 is not a public address")),
            ("http://[fd00::1]", Some("fd00::1 is not a public address")),
            ("ftp://8.8.8.8", Some("the scheme must be http or https (got \"ftp\")")),
            ("prometheus", Some("not a URL: relative URL without a base")),
        ] {
            assert_eq!(find_problem(url).await.err().as_deref(), expected, "{url}");
        }
        let error = check("prometheus_url", "http://0.0.0.0").await.unwrap_err();
        assert_eq!(
            error.message(),
            "prometheus_url: 0.0.0.0 is not a public address; see \
             docs/configuration/rack-parameters/aws/prometheus_url.md for the in-cluster \
             .svc.cluster.local recipe"
        );
    }

    #[tokio::test]
    async fn a_name_is_looked_up() {
        let error = find_problem("http://localhost:9090").await.unwrap_err();
        assert!(error.starts_with("localhost has the address "), "{error}");
    }
}
