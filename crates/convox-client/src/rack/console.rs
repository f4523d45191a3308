//! Consoles: the login, the list of racks, and the way to each of them.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::RackUrl;
use crate::path;
use crate::transport::{Client, Endpoint, Options, Path, Repeat, Request};
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
#[derive(Debug, Clone, Deserialize)]
pub struct ConsoleRack {
    #[serde(alias = "Name")]
    name: String,
    #[serde(default, alias = "Organization", deserialize_with = "null_is_empty")]
    organization: Organization,
    #[serde(default, alias = "Provider")]
    provider: Option<String>,
    #[serde(default, alias = "Status")]
    status: Option<String>,
    #[serde(default, alias = "Version")]
    version: Option<String>,
    /// The parameters, if the console manages them.
    #[serde(default, alias = "Parameters")]
    pub parameters: Option<BTreeMap<String, String>>,
    #[serde(default, alias = "State")]
    state: Option<serde::de::IgnoredAny>,
}

/// A change of a rack that a console manages. Absent ones are not sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ManagedUpdate {
    /// Parameters to set; others stay as they are.
    pub parameters: Option<BTreeMap<String, String>>,
    /// The version.
    pub version: Option<String>,
    /// Whether checks of the version are skipped.
    pub force: Option<bool>,
}

/// A cloud account that a console can use.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Runtime {
    /// The id.
    #[serde(default, alias = "ID", alias = "Id", deserialize_with = "null_is_empty")]
    pub id: String,
    /// The title.
    #[serde(default, alias = "Title", deserialize_with = "null_is_empty")]
    pub title: String,
}

/// A workflow of a console.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Workflow {
    /// The id.
    #[serde(default, alias = "ID", alias = "Id", deserialize_with = "null_is_empty")]
    pub id: String,
    /// The kind, such as `deployment`.
    #[serde(default, alias = "Kind", deserialize_with = "null_is_empty")]
    pub kind: String,
    /// The name.
    #[serde(default, alias = "Name", deserialize_with = "null_is_empty")]
    pub name: String,
}

/// What a workflow is run on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkflowRun {
    /// The app.
    pub app: String,
    /// The branch, unless there is a commit.
    pub branch: Option<String>,
    /// The commit.
    pub commit: Option<String>,
    /// The title of the run.
    pub title: Option<String>,
}

#[derive(Deserialize)]
struct WorkflowList {
    #[serde(default, alias = "Workflows", deserialize_with = "null_is_empty")]
    workflows: Vec<Workflow>,
}

#[derive(Deserialize)]
struct WorkflowJob {
    /// Spelled so by consoles.
    #[serde(default, alias = "job_id", deserialize_with = "null_is_empty")]
    jod_id: String,
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

    /// Returns the version, if the console reports one.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref().filter(|text| !text.is_empty())
    }

    /// Returns whether the console keeps the Terraform state of the rack, which it does for v3
    /// racks that it has installed.
    pub fn has_state(&self) -> bool {
        self.state.is_some()
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

    /// Returns the client that sends the requests.
    pub(super) fn client(&self) -> &Client {
        &self.client
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

    /// Returns what the console knows of a rack (`GET /racks/{organization}/{name}`).
    ///
    /// # Errors
    /// [`Error::Status`]: 404 for an unknown rack.
    pub async fn managed_rack(&self, name: &RackName) -> Result<ConsoleRack, Error> {
        self.of_rack(name).send(&Request::get(rack_path(name, &[]))).await?.json()
    }

    /// Changes a rack that the console manages (`PUT /racks/{organization}/{name}`).
    ///
    /// # Errors
    /// [`Error::Status`].
    pub async fn update_managed_rack(
        &self,
        name: &RackName,
        update: &ManagedUpdate,
    ) -> Result<(), Error> {
        let parameters = serde_json::to_string(&update.parameters)
            .map_err(|error| Error::Config(format!("the parameters: {error}")))?;
        let request = Request::put(rack_path(name, &[]))
            .form("params", parameters)
            .form("version", &update.version)
            .form("force", update.force);
        self.of_rack(name).send(&request).await.map(drop)
    }

    /// Has the console read a v2 rack again (`POST /racks/{organization}/{name}/sync`).
    ///
    /// # Errors
    /// [`Error::Status`].
    pub async fn sync_rack(&self, name: &RackName) -> Result<(), Error> {
        let request = Request::post(rack_path(name, &["sync"])).repeat(Repeat::Safely);
        self.of_rack(name).send(&request).await.map(drop)
    }

    /// Lists the cloud accounts that a rack can use (`GET
    /// /racks/{organization}/{name}/runtimes`).
    ///
    /// # Errors
    /// [`Error::Status`].
    pub async fn rack_runtimes(&self, name: &RackName) -> Result<Vec<Runtime>, Error> {
        let request = Request::get(rack_path(name, &["runtimes"]));
        let runtimes: Option<Vec<Runtime>> = self.of_rack(name).send(&request).await?.json()?;
        Ok(runtimes.unwrap_or_default())
    }

    /// Gives a rack a cloud account (`PUT /racks/{organization}/{name}/runtimes`).
    ///
    /// # Errors
    /// [`Error::Status`].
    pub async fn attach_runtime(&self, name: &RackName, runtime: &str) -> Result<(), Error> {
        let request = Request::put(rack_path(name, &["runtimes"])).form("runtime", runtime);
        self.of_rack(name).send(&request).await.map(drop)
    }

    /// Lists the cloud accounts of an organization (`GET /organizations/{organization}/runtimes`).
    ///
    /// # Errors
    /// [`Error::Status`].
    pub async fn organization_runtimes(&self, organization: &str) -> Result<Vec<Runtime>, Error> {
        let request = Request::get(path!["organizations", organization, "runtimes"]);
        let runtimes: Option<Vec<Runtime>> = self.client.send(&request).await?.json()?;
        Ok(runtimes.unwrap_or_default())
    }

    /// Lists the workflows of a rack (`GET /racks/{organization}/{name}/workflows`).
    ///
    /// # Errors
    /// [`Error::Status`].
    pub async fn workflows(&self, name: &RackName) -> Result<Vec<Workflow>, Error> {
        let request = Request::get(rack_path(name, &["workflows"]));
        let list: Option<WorkflowList> = self.of_rack(name).send(&request).await?.json()?;
        Ok(list.map(|list| list.workflows).unwrap_or_default())
    }

    /// Runs a workflow (`POST /racks/{organization}/{name}/workflows/{id}/run`), and returns the id
    /// of the job. Sent once.
    ///
    /// # Errors
    /// [`Error::Status`].
    pub async fn run_workflow(
        &self,
        name: &RackName,
        id: &str,
        run: &WorkflowRun,
    ) -> Result<String, Error> {
        let request = Request::post(rack_path(name, &["workflows", id, "run"]))
            .form("app", run.app.as_str())
            .form("branch", &run.branch)
            .form("commit", &run.commit)
            .form("title", &run.title);
        let job: WorkflowJob = self.of_rack(name).send(&request).await?.json()?;
        Ok(job.jod_id)
    }

    /// Requests about a rack name it, as those to the rack do.
    fn of_rack(&self, name: &RackName) -> Client {
        self.client.for_rack(name.as_str())
    }

    /// Returns the racks of the console (`GET /racks`).
    ///
    /// ```no_run
    /// # async fn example(console: convox_client::Console) -> Result<(), Box<dyn std::error::Error>> {
    /// for rack in console.racks().await? {
    ///     let apps = console.rack(&rack.full_name()).apps().await?;
    ///     println!("{} has {} apps", rack.full_name(), apps.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the transport; [`Error::Status`] for a console that refuses the login.
    pub async fn racks(&self) -> Result<Vec<ConsoleRack>, Error> {
        let request = Request::get(path!["racks"]).expect_list();
        let racks: Option<Vec<ConsoleRack>> = self.client.send(&request).await?.json()?;
        Ok(racks.unwrap_or_default())
    }
}

/// `/racks/{organization}/{name}/…`
fn rack_path(name: &RackName, rest: &[&str]) -> Path {
    let segments = ["racks"].into_iter().chain(name.as_str().split('/'));
    Path::of(segments.chain(rest.iter().copied()))
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
