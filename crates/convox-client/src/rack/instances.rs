use secrecy::SecretString;
use serde::Deserialize;

use crate::path;
use crate::transport::Request;
use convox_wire::Instance;

use super::{Error, Rack};

/// A key for the instances of a rack.
#[derive(Debug)]
pub struct KeyPair {
    /// Its name.
    pub name: String,
    /// The private key, in PEM.
    pub private_key: SecretString,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct KeyrollResponse {
    name: Option<String>,
    private_key: Option<String>,
}

impl Rack {
    /// Lists the instances (`GET /instances`; v2, v3).
    ///
    /// ```no_run
    /// # async fn example(rack: convox_client::Rack) -> Result<(), Box<dyn std::error::Error>> {
    /// for instance in rack.instances().await? {
    ///     println!("{} runs {} processes", instance.id, instance.processes);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the transport.
    pub async fn instances(&self) -> Result<Vec<Instance>, Error> {
        self.list(Request::get(path!["instances"])).await
    }

    /// Replaces the key of the instances (`POST /instances/keyroll`; v2, v3). v2 racks install it
    /// themselves; v3 racks return it, and use it once the parameter `key_pair_name` is set. Sent
    /// once.
    ///
    /// # Errors
    /// [`Error::Status`]: 501 on providers other than AWS.
    pub async fn roll_instance_key(&self) -> Result<Option<KeyPair>, Error> {
        let response = self.client.send(&Request::post(path!["instances", "keyroll"])).await?;
        // v2 racks answer `ok`.
        let key = serde_json::from_slice::<Option<KeyrollResponse>>(&response.body).ok().flatten();
        Ok(key.and_then(|key| {
            let (name, private_key) = (key.name?, key.private_key?);
            Some(KeyPair { name, private_key: SecretString::from(private_key) })
        }))
    }

    /// Terminates an instance (`DELETE /instances/{id}`; v2, v3).
    ///
    /// # Errors
    /// [`Error::Status`]: `no such instance: …`.
    pub async fn terminate_instance(&self, id: &str) -> Result<(), Error> {
        self.act(Request::delete(path!["instances", id])).await
    }
}
