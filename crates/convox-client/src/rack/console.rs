//! Consoles: the login, the list of racks, and the way to each of them.

use serde::Deserialize;

use crate::RackUrl;
use crate::path;
use crate::transport::{Client, Endpoint, Options, Request};
use convox_wire::RackName;
use convox_wire::serde_forms::null_is_empty;

use super::{Error, Rack};

/// The response to a login. Racks respond `ok`; consoles name the user.
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
    /// Returns `organization/name`.
    pub fn full_name(&self) -> RackName {
        RackName::from_rack(format!("{}/{}", self.organization.name, self.name))
    }

    /// Returns the cloud provider, if the console reports one.
    pub fn provider(&self) -> Option<&str> {
        self.provider.as_deref().filter(|text| !text.is_empty())
    }

    /// Returns the status as the console reports it.
    pub fn status(&self) -> Option<&str> {
        self.status.as_deref().filter(|text| !text.is_empty())
    }
}

/// A console: a service in front of the racks of several organizations. Cheap to clone.
#[derive(Clone)]
pub struct Console {
    client: Client,
}

impl Console {
    /// Returns the console at `url`, with default options. Nothing is connected before the first
    /// request.
    pub fn connect(url: &RackUrl) -> Self {
        Self::connect_with(url, Options::default())
    }

    /// Returns the console at `url`. Its sessions go to [`Options::session_sink`].
    pub fn connect_with(url: &RackUrl, options: Options) -> Self {
        let endpoint = Endpoint { session: Some(String::new()), ..Endpoint::from(url) };
        Self::new(Client::new(endpoint, options))
    }

    /// Returns the console that a client's requests go to. Unless its endpoint has a session, a
    /// request for one is an error.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Returns a rack of the console, whose requests the console forwards. The name is not
    /// checked: requests to an unknown rack are refused.
    pub fn rack(&self, name: &RackName) -> Rack {
        Rack::new(self.client.for_rack(name.as_str()))
    }

    /// Presents the password or token (`GET /auth`; consoles, and racks of all generations).
    ///
    /// # Errors
    /// [`Error::Status`]: 401 for a wrong password. [`Error::InvalidResponse`] for the page of a
    /// captive portal.
    pub async fn login(&self) -> Result<Login, Error> {
        let response = self.client.send(&Request::get(path!["auth"])).await?;
        response.check_accepted()?;
        let user =
            response.json::<UserId>().ok().and_then(|user| user.id).filter(|id| !id.is_empty());
        Ok(Login { user })
    }

    /// Returns the racks of the console (`GET /racks`).
    ///
    /// # Errors
    /// Those of the transport; [`Error::Status`] for a console that refuses the login.
    pub async fn racks(&self) -> Result<Vec<ConsoleRack>, Error> {
        let request = Request::get(path!["racks"]).expect_list();
        let racks: Option<Vec<ConsoleRack>> = self.client.send(&request).await?.json()?;
        Ok(racks.unwrap_or_default())
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
