use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::path;
use crate::transport::{Repeat, Request};
use convox_wire::{AppName, Process, ReleaseSummary, System};

use super::{Compat, Error, Rack, form_of};

/// Changes of a rack; absent ones are not sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SystemUpdate {
    /// The number of instances (v2).
    pub count: Option<i64>,
    /// Their type (v2).
    pub instance_type: Option<String>,
    /// The version.
    pub version: Option<String>,
    /// Whether checks of the version are skipped (v3).
    pub force: Option<bool>,
    /// Parameters to set; others stay as they are.
    pub parameters: BTreeMap<String, String>,
}

/// How to reach the cluster of a v3 rack.
#[derive(Clone)]
pub struct ClusterAccess {
    /// The URL of the cluster's API.
    pub server: String,
    /// The user.
    pub user: String,
    /// The password, in clear: it is written into the configuration of other programs.
    pub password: String,
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: String,
}

impl Rack {
    /// Returns name, version and status of the rack (`GET /system`; v2, v3, classic).
    ///
    /// ```no_run
    /// # async fn example(rack: convox_client::Rack) -> Result<(), convox_client::Error> {
    /// let system = rack.system().await?;
    /// println!("{} {} is {}", system.name, system.version, system.status);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the transport.
    pub async fn system(&self) -> Result<System, Error> {
        self.get(path!["system"]).await
    }

    /// Changes the rack (`PUT /system`; v2, and v3 through a console). It is `updating` for a while.
    /// Racks up to 20180708231844 take parameters as those of an app of their name (`POST
    /// /apps/{rack}/parameters`).
    ///
    /// # Errors
    /// [`Error::Status`]: 501 on v3 racks that are reached directly.
    pub async fn update_system(&self, update: &SystemUpdate) -> Result<(), Error> {
        if !update.parameters.is_empty() && !self.compat().await?.is_after_2018() {
            let app = AppName::from_rack(self.system().await?.name);
            return self.set_app_parameters(&app, &update.parameters).await;
        }
        let request = Request::put(path!["system"])
            .form("count", update.count)
            .form("type", &update.instance_type)
            .form("version", &update.version)
            .form("force", update.force)
            .form("parameters", form_of(&update.parameters));
        self.act(request).await
    }

    /// Lists the processes of the rack itself, or with `all` those of all apps too (`GET
    /// /system/processes`; v2, v3).
    ///
    /// # Errors
    /// Those of the transport.
    pub async fn system_processes(&self, all: bool) -> Result<Vec<Process>, Error> {
        let all = all.then_some(true);
        self.list(Request::get(path!["system", "processes"]).query("all", all)).await
    }

    /// Lists the versions that the rack has had, newest first (`GET /system/releases`; v2).
    ///
    /// # Errors
    /// [`Error::Status`]: 501 on v3 racks.
    pub async fn system_releases(&self) -> Result<Vec<ReleaseSummary>, Error> {
        self.list(Request::get(path!["system", "releases"])).await
    }

    /// Makes a token (`POST /system/jwt/token`; v2, v3) with a role, `read`, `write` or `admin`
    /// (v3), which is valid for so many hours.
    ///
    /// # Errors
    /// [`Error::Status`]: 400 for an unknown role or duration.
    pub async fn create_token(&self, role: &str, hours: u32) -> Result<SecretString, Error> {
        let request = Request::post(path!["system", "jwt", "token"])
            .form("role", role)
            .form("durationInHour", hours);
        let token: Token = self.read(request.repeat(Repeat::Safely)).await?;
        Ok(token.token.into())
    }

    /// Makes all tokens invalid (`PUT /system/jwt/rotate`; v2, v3).
    ///
    /// # Errors
    /// Those of the transport.
    pub async fn rotate_token_key(&self) -> Result<(), Error> {
        self.act(Request::put(path!["system", "jwt", "rotate"])).await
    }

    /// Removes unused nodes of Karpenter (`POST /system/karpenter/cleanup`; v3).
    ///
    /// # Errors
    /// [`Error::Status`].
    pub async fn clean_up_karpenter(&self) -> Result<(), Error> {
        self.act(Request::post(path!["system", "karpenter", "cleanup"])).await
    }

    /// Allows the addresses of the instances at the rack's API (`GET
    /// /system/sync/whitelist/instances/ip`; v2).
    ///
    /// # Errors
    /// [`Error::Status`].
    pub async fn sync_instance_addresses(&self) -> Result<(), Error> {
        self.act(Request::get(path!["system", "sync", "whitelist", "instances", "ip"])).await
    }

    /// Returns how to reach the cluster of the rack (v3): through the rack's API, with its
    /// credentials. Through a console, the user is the rack's name in base64. `None` for a rack that
    /// is reached by a socket.
    pub fn cluster_access(&self) -> Option<ClusterAccess> {
        let endpoint = self.client.endpoint();
        if endpoint.socket.is_some() {
            return None;
        }
        let base = endpoint.url.as_str().trim_end_matches('/');
        let password = endpoint.password.as_ref().map(|secret| secret.expose_secret().to_owned());
        let user = match self.client.rack_behind_console() {
            Some(name) => BASE64_STANDARD.encode(name),
            None => endpoint.user.clone(),
        };
        let server = format!("{base}/kubernetes/");
        Some(ClusterAccess { server, user, password: password.unwrap_or_default() })
    }

    /// Returns what this rack can do, judged by its version. The version is read once, and shared
    /// by all clones of this `Rack`.
    ///
    /// # Errors
    /// As [`Rack::system`]; the next call then reads the version again.
    pub async fn compat(&self) -> Result<Compat, Error> {
        let read = async || self.system().await.map(|system| Compat::of(&system.version));
        let compat = self.compat.get_or_try_init(read).await?;
        Ok(compat.clone())
    }
}
