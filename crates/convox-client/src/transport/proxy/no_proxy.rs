//! `NO_PROXY`: the hosts that are reached without a proxy.

use std::net::IpAddr;

use url::{Host, Url};

/// The exceptions. As in Go's `httpproxy`, and separated by commas or spaces as in curl:
///
/// - `*`: every host
/// - `192.0.2.1`, `2001:db8::1`, `192.0.2.0/24`: IP addresses and networks
/// - `example.com`: the host and its subdomains
/// - `.example.com`, `*.example.com`: subdomains only
///
/// All but networks may be followed by `:` and a port; an IPv6 address is then in brackets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct NoProxy(Vec<Exception>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Exception {
    All,
    Network { address: IpAddr, prefix: u8 },
    Address { address: IpAddr, port: Option<u16> },
    Domain { suffix: String, includes_itself: bool, port: Option<u16> },
}

impl NoProxy {
    /// Parses a list. Entries that can't be understood are ignored, as everywhere.
    pub(super) fn parse(text: &str) -> Self {
        let entries = text.split(|c: char| c == ',' || c.is_whitespace());
        Self(entries.filter_map(|entry| Exception::parse(&entry.to_ascii_lowercase())).collect())
    }

    /// Returns whether the host of a URL is an exception.
    pub(super) fn matches(&self, url: &Url) -> bool {
        let Some(host) = url.host() else { return false };
        self.0.iter().any(|exception| exception.matches(&host, url.port_or_known_default()))
    }
}

impl Exception {
    fn parse(entry: &str) -> Option<Self> {
        if entry == "*" {
            return Some(Self::All);
        }
        if let Some((address, prefix)) = entry.split_once('/') {
            let (address, prefix) = (address.parse().ok()?, prefix.parse().ok()?);
            return (prefix <= bits(address)).then_some(Self::Network { address, prefix });
        }
        let (host, port) = split_port(entry)?;
        if let Ok(address) = host.parse() {
            return Some(Self::Address { address, port });
        }
        let host = host.strip_suffix('.').unwrap_or(host);
        let bare = host.strip_prefix("*.").or_else(|| host.strip_prefix('.'));
        let domain = match Host::parse(bare.unwrap_or(host)).ok()? {
            Host::Domain(domain) => domain,
            _ => return None,
        };
        Some(Self::Domain { suffix: domain, includes_itself: bare.is_none(), port })
    }

    fn matches(&self, host: &Host<&str>, at: Option<u16>) -> bool {
        let is_port = |port: &Option<u16>| port.is_none() || *port == at;
        match self {
            Self::All => true,
            Self::Network { address, prefix } => {
                ip_of(host).is_some_and(|ip| in_network(ip, *address, *prefix))
            }
            Self::Address { address, port } => ip_of(host) == Some(*address) && is_port(port),
            Self::Domain { suffix, includes_itself, port } => {
                let Host::Domain(domain) = host else { return false };
                let domain = domain.strip_suffix('.').unwrap_or(domain);
                let rest = domain.strip_suffix(suffix.as_str());
                let is_domain = rest.is_some_and(|rest| match rest {
                    "" => *includes_itself,
                    rest => rest.ends_with('.'),
                });
                is_domain && is_port(port)
            }
        }
    }
}

/// `host:port`, `[address]:port`, or either without a port.
fn split_port(entry: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = entry.strip_prefix('[') {
        let (address, after) = rest.split_once(']')?;
        return match after.strip_prefix(':') {
            Some(port) => Some((address, Some(port.parse().ok()?))),
            None => after.is_empty().then_some((address, None)),
        };
    }
    match entry.rsplit_once(':') {
        // An IPv6 address without brackets has no port.
        Some((host, _)) if host.contains(':') => Some((entry, None)),
        Some((host, port)) => Some((host, Some(port.parse().ok()?))),
        None => Some((entry, None)),
    }
}

fn ip_of(host: &Host<&str>) -> Option<IpAddr> {
    match host {
        Host::Ipv4(address) => Some(IpAddr::V4(*address)),
        Host::Ipv6(address) => Some(IpAddr::V6(*address)),
        Host::Domain(_) => None,
    }
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn in_network(ip: IpAddr, network: IpAddr, prefix: u8) -> bool {
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    };
    let host_bits = u32::from(bits(network) - prefix);
    let shifted = |address| number(address).checked_shr(host_bits).unwrap_or_default();
    ip.is_ipv4() == network.is_ipv4() && shifted(ip) == shifted(network)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_exception(list: &str, url: &str) -> bool {
        NoProxy::parse(list).matches(&url.parse().unwrap())
    }

    #[test]
    fn hosts_are_matched_as_in_go_and_curl() {
        for (list, url, expected) in [
            ("*", "https://rack.example.com", true),
            ("*", "https://10.1.2.3", true),
            ("other, *", "https://[2001:db8::1]", true),
            ("example.com", "https://example.com", true),
            ("example.com", "https://RACK.example.com.", true),
            ("EXAMPLE.com.", "https://rack.example.com", true),
            ("example.com", "https://badexample.com", false),
            (".example.com", "https://example.com", false),
            (".example.com", "https://rack.example.com", true),
            ("*.example.com", "https://rack.example.com", true),
            ("*.example.com", "https://example.com", false),
            ("rack:5443", "https://rack:5443", true),
            ("rack:443", "https://rack", true),
            ("rack:5443", "https://rack", false),
            ("10.1.2.3", "https://10.1.2.3", true),
            ("10.1.2.3:80", "https://10.1.2.3", false),
            ("10.1.2.3:443", "https://10.1.2.3", true),
            ("10.0.0.0/8", "https://10.200.0.1", true),
            ("10.0.0.0/8", "https://11.0.0.1", false),
            ("10.0.0.0/8", "https://10.example.com", false),
            ("0.0.0.0/0", "https://11.0.0.1", true),
            ("0.0.0.0/0", "https://[2001:db8::1]", false),
            ("2001:db8::/32", "https://[2001:db8::1]", true),
            ("2001:db8::1", "https://[2001:db8::1]", true),
            ("[2001:db8::1]:5443", "https://[2001:db8::1]:5443", true),
            ("[2001:db8::1]:5443", "https://[2001:db8::1]", false),
            ("one two,three", "https://two", true),
            ("", "https://rack", false),
            ("10.0.0.0/99, /8, :80, [::1, a b:c", "https://rack", false),
        ] {
            assert_eq!(is_exception(list, url), expected, "{list:?} {url}");
        }
    }

    proptest! {
        #[test]
        fn any_list_can_be_parsed(list: String) {
            let _ = is_exception(&list, "https://rack.example.com");
        }
    }
}
