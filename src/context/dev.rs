//! The development rack, started when it is asked for.

use super::Context;
use crate::outcome::Failure;
use crate::settings::RackUrl;

/// The address of the development rack, which is started in the background where it is not
/// running.
pub(super) async fn running(cx: &Context) -> Result<RackUrl, Failure> {
    let _ = cx;
    Err(Failure::new("the development rack is not there yet"))
}
