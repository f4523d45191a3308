//! A console's own routes: the login, the list of its racks.

use serde::Deserialize;

use crate::path;
use crate::transport::Request;
use convox_wire::RackName;
use convox_wire::serde_forms::null_is_empty;

use super::{Error, Rack};

/// The answer to a login. Racks say `ok`; consoles name the user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Login {
    /// The user's id at the console.
    pub user: Option<String>,
}

#[derive(Deserialize)]
struct UserId {
    #[serde(alias = "ID", alias = "Id")]
    id: Option<String>,
}

/// A rack in a console's list. Consoles spell keys in several ways.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ConsoleRack {
    #[serde(alias = "Name")]
    name: String,
    #[serde(default, alias = "Organization", deserialize_with = "null_is_empty")]
    organization: Organization,
    #[serde(default, alias = "Provider")]
    provider: Option<String>,
    #[serde(default, alias = "Status")]
    status: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
struct Organization {
    #[serde(default, alias = "Name", deserialize_with = "null_is_empty")]
    name: String,
}

impl ConsoleRack {
    /// `organization/name`.
    pub fn full_name(&self) -> RackName {
        RackName::from_rack(format!("{}/{}", self.organization.name, self.name))
    }

    /// Where it runs, if known.
    pub fn provider(&self) -> Option<&str> {
        self.provider.as_deref().filter(|text| !text.is_empty())
    }

    /// What it is doing, in the console's words.
    pub fn status(&self) -> Option<&str> {
        self.status.as_deref().filter(|text| !text.is_empty())
    }
}

impl Rack {
    /// Shows the password (`GET /auth`; racks of all generations, and consoles).
    ///
    /// # Errors
    /// [`Error::Status`]: 401 for a wrong one. [`Error::InvalidResponse`] for a page of somebody in
    /// between.
    pub async fn login(&self) -> Result<Login, Error> {
        let response = self.client.send(&Request::get(path!["auth"])).await?;
        response.check_accepted()?;
        let user =
            response.json::<UserId>().ok().and_then(|user| user.id).filter(|id| !id.is_empty());
        Ok(Login { user })
    }

    /// The racks of a console (`GET /racks`; consoles only).
    ///
    /// # Errors
    /// What the transport fails with.
    pub async fn console_racks(&self) -> Result<Vec<ConsoleRack>, Error> {
        self.list(Request::get(path!["racks"])).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rack_may_have_no_organization() {
        for text in [
            r#"{"name":"lone"}"#,
            r#"{"name":"lone","organization":null,"provider":null,"status":null}"#,
            r#"{"Name":"lone","Organization":{"Name":null}}"#,
        ] {
            let rack: ConsoleRack = serde_json::from_str(text).unwrap();
            assert_eq!(rack.full_name().as_str(), "/lone", "{text}");
            assert_eq!((rack.provider(), rack.status()), (None, None), "{text}");
        }
    }
}
