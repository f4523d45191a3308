//! Machines: racks that a console runs for an organization. There is a console's route for each
//! route of an app, and none for anything else of a rack.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::path;
use crate::transport::Request;
use convox_wire::MachineId;
use convox_wire::serde_forms::null_is_empty;

use super::{Console, Error, Rack};

/// A machine, as consoles describe it (v3). Serializes to the same document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The id.
    #[serde(rename = "ID")]
    pub id: MachineId,
    /// The name without the organization.
    #[serde(rename = "Name", default, deserialize_with = "null_is_empty")]
    pub name: String,
    /// `name`: the organization's.
    #[serde(rename = "organization_info", default, deserialize_with = "null_is_empty")]
    organization: BTreeMap<String, String>,
    /// `vcpu`, `mem`.
    #[serde(rename = "Dimensions", default, deserialize_with = "null_is_empty")]
    dimensions: BTreeMap<String, String>,
    /// The time since it was created, for people, such as `3 days`.
    #[serde(rename = "Age", default, deserialize_with = "null_is_empty")]
    pub age: String,
    /// When it was created (RFC 3339).
    #[serde(rename = "created_at_rfc3339", default, deserialize_with = "null_is_empty")]
    created: String,
}

impl Machine {
    /// Returns the name of its organization; empty if the console reports none.
    pub fn organization(&self) -> &str {
        self.organization.get("name").map_or("", String::as_str)
    }

    /// Returns `organization/name`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.organization(), self.name)
    }

    /// Returns the number of virtual CPUs, as the console writes it.
    pub fn cpu(&self) -> Option<&str> {
        self.dimension("vcpu")
    }

    /// Returns the memory, as the console writes it.
    pub fn memory(&self) -> Option<&str> {
        self.dimension("mem")
    }

    /// Returns when it was created, if the console reports that.
    pub fn created(&self) -> Option<DateTime<Utc>> {
        self.created.parse().ok()
    }

    fn dimension(&self, name: &str) -> Option<&str> {
        self.dimensions.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }
}

impl Console {
    /// Returns the machines of the console (`GET /machines`; v3).
    ///
    /// ```no_run
    /// # async fn example(console: convox_client::Console) -> Result<(), Box<dyn std::error::Error>> {
    /// for machine in console.machines().await? {
    ///     let apps = console.machine(&machine.id).apps().await?;
    ///     println!("{} has {} apps", machine.full_name(), apps.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the transport; [`Error::Status`] for a console that refuses the login.
    pub async fn machines(&self) -> Result<Vec<Machine>, Error> {
        let request = Request::get(path!["machines"]).expect_list();
        let machines: Option<Vec<Machine>> = self.client().send(&request).await?.json()?;
        Ok(machines.unwrap_or_default())
    }

    /// Returns the rack of a machine. Its requests about apps go to `/machines/{id}/apps/…` of the
    /// console; others would ask the console itself. Its version is not known: it has the features
    /// of a v3 rack. The id is not checked: requests to an unknown machine are refused.
    pub fn machine(&self, id: &MachineId) -> Rack {
        Rack::of_machine(self.client().for_machine(id.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::{Client, Endpoint, Options};

    const DOCUMENT: &str = r#"{"ID":"m-1","Name":"production","organization_info":{"name":"acme"},"Dimensions":{"mem":"2GB","vcpu":"1"},"Age":"3 days","created_at_rfc3339":"2026-01-05T09:00:00Z"}"#;

    #[test]
    fn a_machine_is_read_and_written_as_consoles_describe_it() {
        let machine: Machine = serde_json::from_str(DOCUMENT).unwrap();
        assert_eq!(machine.full_name(), "acme/production");
        assert_eq!((machine.cpu(), machine.memory()), (Some("1"), Some("2GB")));
        assert_eq!(machine.created(), Some("2026-01-05T09:00:00Z".parse().unwrap()));
        assert_eq!(serde_json::to_string(&machine).unwrap(), DOCUMENT);
    }

    #[test]
    fn a_machine_may_say_no_more_than_its_id() {
        for text in [
            r#"{"ID":"m-1"}"#,
            r#"{"ID":"m-1","Name":null,"organization_info":null,"Dimensions":null,"Age":null,"created_at_rfc3339":""}"#,
        ] {
            let machine: Machine = serde_json::from_str(text).unwrap();
            assert_eq!(machine.full_name(), "/", "{text}");
            assert_eq!((machine.cpu(), machine.memory(), machine.created()), (None, None, None));
        }
    }

    #[test]
    fn only_the_routes_of_apps_are_below_the_machine() {
        let url = "https://console.example.com/base/".parse().unwrap();
        let client = Client::new(Endpoint::new(url), Options::default());
        let machine = client.for_machine("m/1");
        for (path, expected) in [
            (path!["apps"], "https://console.example.com/base/machines/m%2F1/apps"),
            (
                path!["apps", "web", "logs"],
                "https://console.example.com/base/machines/m%2F1/apps/web/logs",
            ),
            (path!["machines"], "https://console.example.com/base/machines"),
        ] {
            assert_eq!(machine.url_of(&path).unwrap().as_str(), expected);
        }
        assert!(client.for_machine("").url_of(&path!["apps"]).is_err());
        assert!(client.for_machine("..").url_of(&path!["apps"]).is_err());
    }
}
