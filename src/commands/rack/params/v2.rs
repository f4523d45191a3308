//! What 2.x clients check before they set parameters of a v2 rack, whose names are in upper case.

use super::checks::RequestedParams;
use crate::error::{CommandError, Hint};

const DOWN: &str = "ScheduleRackScaleDown";
const UP: &str = "ScheduleRackScaleUp";
const DESTINATION: &str = "SyslogDestination";

/// The parameters that give a rack a network load balancer.
const BALANCERS: [&str; 2] = ["NLB", "NLBInternal"];

pub(super) fn check(call: &RequestedParams<'_>) -> Result<(), CommandError> {
    if call.new.contains_key("HighAvailability") {
        return Err(CommandError::new(
            "the HighAvailability parameter is only supported during rack installation",
        )
        .hint("leave it out to set the others"));
    }
    let is_given = |name: &str| call.new.get(name).is_some_and(|value| !value.is_empty());
    if is_given(DOWN) != is_given(UP) {
        return Err(CommandError::new(format!(
            "to configure ScheduleAction you need both {DOWN} and {UP} parameters"
        ))
        .hint(set_both(DOWN, UP)));
    }
    if call.sets("LogDriver", "Syslog") && call.value(DESTINATION).is_none() {
        return Err(CommandError::new(format!(
            "to enable Syslog as the LogDriver you must pass {DESTINATION} parameter"
        ))
        .hint(
            Hint::command("set both with", "rack params set")
                .arg("LogDriver=Syslog")
                .arg(format!("{DESTINATION}=tcp+tls://HOST:PORT")),
        ));
    }
    Ok(())
}

fn set_both(one: &str, other: &str) -> Hint {
    Hint::command("set both with", "rack params set")
        .arg(format!("{one}=CRON"))
        .arg(format!("{other}=CRON"))
}

/// Whether the call gives the rack a network load balancer, which takes a while.
pub(super) fn adds_balancer(call: &RequestedParams<'_>) -> bool {
    let has = |name: &&str| call.current.get(*name).is_some_and(|value| value == "Yes");
    BALANCERS.iter().any(|name| call.sets(name, "Yes") && !has(name))
}
