//! What parameters of the router do not do, or do to running apps.

use super::checks::RequestedParams;
use crate::error::CommandError;

/// The router of a rack that has not set one.
const DEFAULT: &str = "nginx";

/// The default of `ssl_protocols`.
const PROTOCOLS: &str = "TLSv1.2 TLSv1.3";

/// Adds the warnings.
pub(super) fn warn(call: &mut RequestedParams<'_>) -> Result<(), CommandError> {
    let lower = |kind: &String| kind.to_ascii_lowercase();
    let before = call.current.get("router_type").map(lower).unwrap_or(DEFAULT.to_owned());
    let after = call.new.get("router_type").map(lower).unwrap_or_else(|| before.clone());
    let has = |name: &str| call.new.get(name).is_some_and(|value| !value.is_empty());
    let protocols = call.new.get("ssl_protocols").is_some_and(|value| value != PROTOCOLS);
    let is_contour = after == "contour";
    let is_change = after != before;
    let warnings = [
        (
            is_contour && call.new.contains_key("proxy_protocol"),
            "Changing proxy_protocol while router_type=contour causes a traffic interruption of \
             several minutes during the Envoy DaemonSet rollout. Plan this change during a \
             maintenance window.\nAll apps with IP whitelisting must be redeployed after the change.",
        ),
        (
            is_contour && has("nginx_additional_config"),
            "nginx_additional_config has no effect when router_type=contour",
        ),
        (
            is_contour && has("ssl_ciphers"),
            "custom ssl_ciphers are not applied when router_type=contour. Envoy uses its built-in \
             cipher suite.",
        ),
        (
            is_contour && has("ssl_protocols") && protocols,
            "custom ssl_protocols are not applied when router_type=contour. Envoy uses TLS 1.2 \
             minimum.",
        ),
        (
            is_change,
            "Changing router_type requires redeploying all apps.\nApps will lose connectivity until \
             their next deployment.",
        ),
        (
            is_change && is_contour,
            "Router access logs will use Envoy default format. The access_log_retention_in_days \
             param will not apply until a follow-up fluentd update.",
        ),
    ];
    let warnings = warnings.into_iter().filter(|(applies, _)| *applies);
    call.warnings.extend(warnings.map(|(_, text)| text.to_owned()));
    Ok(())
}
