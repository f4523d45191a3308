//! The racks on which a command works.

use std::fmt;

use convox_client::rack::compat::RackVersion;

/// The racks that have what a command needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Racks {
    /// v3 and v2 racks.
    All,
    /// v2 racks only. v3 racks refuse its requests.
    V2,
    /// v2 racks newer than this date stamp, and all v3 racks.
    After(&'static str),
    /// v3 racks.
    V3,
    /// v3 racks of this version or newer.
    Since(RackVersion),
    /// Any, as only the console is asked.
    Console,
    /// The development rack.
    Dev,
}

impl Racks {
    /// A remark for the first line of the help, if the command does not work everywhere.
    pub(crate) fn remark(self) -> Option<String> {
        match self {
            Self::V2 => Some("v2 racks".to_owned()),
            Self::V3 => Some("v3 racks".to_owned()),
            Self::Since(version) => Some(format!("racks from {version} on")),
            Self::All | Self::After(_) | Self::Console | Self::Dev => None,
        }
    }
}

impl fmt::Display for Racks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("v3 and v2 racks"),
            Self::V2 => f.write_str("v2 racks"),
            Self::After(stamp) => write!(f, "v3 racks, and v2 racks newer than {stamp}"),
            Self::V3 => f.write_str("v3 racks"),
            Self::Since(version) => write!(f, "v3 racks from {version} on"),
            Self::Console => f.write_str("the console; racks are not asked"),
            Self::Dev => f.write_str("the development rack"),
        }
    }
}
