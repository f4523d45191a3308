//! Where the credentials of a run come from, which decides what to do if they are refused.

use std::path::PathBuf;

use super::Hint;

/// Where the credentials of a run come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Credentials {
    /// RACK_URL.
    #[default]
    RackUrl,
    /// The file of a rack.
    File(PathBuf),
    /// The outputs of Terraform in this directory.
    Terraform(PathBuf),
    /// A login at this console.
    Login(String),
    /// CONVOX_PASSWORD, for this console.
    Variable(String),
}

impl Credentials {
    /// What to do if they are refused.
    pub(super) fn advice(&self) -> Hint {
        match self {
            Self::RackUrl => "check the password in RACK_URL".into(),
            Self::File(file) => format!("check the password in {}", file.display()).into(),
            Self::Terraform(dir) => {
                format!("check the output api of terraform in {}", dir.display()).into()
            }
            Self::Login(_) => self.log_in("log in again with"),
            Self::Variable(_) => self.log_in("check CONVOX_PASSWORD, or unset it and log in with"),
        }
    }

    /// What to do if nothing answers at the address that they are for.
    pub(super) fn address(&self, lead: &str) -> Hint {
        match self {
            Self::Login(host) | Self::Variable(host) => {
                format!("check the network, and that {host} is the console").into()
            }
            Self::RackUrl | Self::File(_) | Self::Terraform(_) => Hint::command(lead, "racks"),
        }
    }

    /// How to log in.
    pub(super) fn log_in(&self, lead: &str) -> Hint {
        let host = match self {
            Self::Login(host) | Self::Variable(host) => host,
            Self::RackUrl | Self::File(_) | Self::Terraform(_) => "HOST",
        };
        Hint::command(lead, "login").arg(host)
    }
}
