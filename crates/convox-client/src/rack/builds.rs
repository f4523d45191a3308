use std::collections::HashSet;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use crate::path;
use crate::transport::{Download, Request, Upload};
use convox_wire::{AppName, Build, BuildId, ObjectKey, ObjectUrl, ReleaseId};

use super::compat::BuildImport;
use super::{Error, Rack, Refusal, not_found};

/// Options of a build. Absent ones are not sent: the rack's defaults apply.
#[derive(Debug, Clone, Default)]
pub struct BuildOptions {
    /// `KEY=VALUE` build arguments; racks split them at commas.
    pub build_args: Vec<String>,
    /// The description.
    pub description: Option<String>,
    /// Whether to build for development.
    pub development: bool,
    /// The git commit of the source.
    pub git_sha: Option<String>,
    /// The file name of the manifest, unless it is the rack's default.
    pub manifest: Option<String>,
    /// Whether to build without the cache. v3 racks invert the parameter: `true` keeps the cache,
    /// and `false`, which would disable it, is never sent.
    pub no_cache: bool,
    /// Whether to serve a wildcard domain (v2).
    pub wildcard_domain: bool,
}

/// The builds that an app had before one is started: a snapshot by which the new build is found if
/// the response is lost. Racks don't keep the URL of a build's source, so it is the one that is not
/// in the snapshot and has our description and commit.
#[derive(Debug, Clone)]
pub struct BuildsBefore(HashSet<BuildId>);

/// Changes of a build; absent ones are not sent.
#[derive(Debug, Clone, Default)]
pub struct BuildUpdate {
    /// The text of the manifest.
    pub manifest: Option<String>,
    /// The release that was created of it.
    pub release: Option<ReleaseId>,
}

/// A login at the registry that an image comes from.
#[derive(Debug, Clone, Default)]
pub struct RegistryCredentials {
    /// The user.
    pub user: Option<String>,
    /// The password.
    pub password: Option<SecretString>,
}

impl Rack {
    /// Lists the newest builds, newest first (`GET /apps/{app}/builds`; v2, v3, classic). Without a
    /// limit, racks list 10 builds, classic racks 20.
    ///
    /// ```no_run
    /// # async fn example(rack: convox_client::Rack) -> Result<(), Box<dyn std::error::Error>> {
    /// for build in rack.builds(&"web".parse()?, Some(3)).await? {
    ///     println!("{} is {}", build.id, build.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Status`]: 404 for an unknown app.
    pub async fn builds(&self, app: &AppName, limit: Option<u32>) -> Result<Vec<Build>, Error> {
        self.list(Request::get(path!["apps", app, "builds"]).query("limit", limit)).await
    }

    /// Takes a snapshot of the builds, for [`Rack::start_build`]. It can be taken while the source
    /// is being uploaded.
    ///
    /// # Errors
    /// As [`Rack::builds`].
    pub async fn builds_before(&self, app: &AppName) -> Result<BuildsBefore, Error> {
        let builds = self.builds(app, None).await?;
        Ok(BuildsBefore(builds.into_iter().map(|build| build.id).collect()))
    }

    /// Returns a build (`GET /apps/{app}/builds/{id}`; v2, v3, classic).
    ///
    /// # Errors
    /// [`Error::Status`]: 404 `no such build: …` on racks of all generations.
    pub async fn build(&self, app: &AppName, id: &BuildId) -> Result<Build, Error> {
        let path = path!["apps", app, "builds", id];
        self.get(path).await.map_err(not_found(Refusal::BuildNotFound, id.as_str()))
    }

    /// Starts a build of an uploaded object (`POST /apps/{app}/builds`; v2, v3), at most once: if
    /// the response is lost, the build is searched for among those that are not in the snapshot
    /// `before`.
    ///
    /// ```no_run
    /// # async fn example(rack: convox_client::Rack) -> Result<(), Box<dyn std::error::Error>> {
    /// use convox_client::rack::BuildOptions;
    /// use convox_client::wire::{AppName, ObjectKey};
    ///
    /// let app: AppName = "web".parse()?;
    /// let source = bytes::Bytes::from(std::fs::read("source.tgz")?);
    /// let random = [7; 15]; // choose your own
    /// let key = ObjectKey::temporary(random);
    /// let upload = rack.upload(&app, &key, std::sync::Arc::new(source));
    /// let (object, before) = tokio::try_join!(upload, rack.builds_before(&app))?;
    /// let build = rack.start_build(&app, &object.url, &BuildOptions::default(), &before).await?;
    /// println!("{} is {}", build.id, build.status);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Status`]; [`Error::Ambiguous`] with the ids if the response is lost and several
    /// builds could be the one that was started.
    pub async fn start_build(
        &self,
        app: &AppName,
        url: &ObjectUrl,
        options: &BuildOptions,
        before: &BuildsBefore,
    ) -> Result<Build, Error> {
        let request = Request::post(path!["apps", app, "builds"]).form("url", url.0.as_str());
        self.start(
            app,
            with_options(request, options).form("no-cache", given(options.no_cache)),
            options,
            before,
        )
        .await
    }

    /// Uploads a source and starts its build in one request (`POST /apps/{app}/builds`, multipart;
    /// racks before 20180708231844).
    ///
    /// # Errors
    /// As [`Rack::start_build`].
    pub async fn start_build_of_source(
        &self,
        app: &AppName,
        source: Arc<dyn Upload>,
        options: &BuildOptions,
        before: &BuildsBefore,
    ) -> Result<Build, Error> {
        let request = Request::post(path!["apps", app, "builds"]).file("source", source);
        let request = with_options(request, options)
            .form("cache", given(!options.no_cache))
            .form("config", &options.manifest);
        self.start(app, request, options, before).await
    }

    /// Exports a build as a gzipped tar of `build.json` and its images
    /// (`GET /apps/{app}/builds/{id}.tgz`; v2, v3).
    ///
    /// # Errors
    /// As [`Rack::build`].
    pub async fn export_build(&self, app: &AppName, id: &BuildId) -> Result<Download, Error> {
        let path = path!["apps", app, "builds", format!("{id}.tgz")];
        let download = self.client.download(&Request::get(path)).await;
        download.map_err(not_found(Refusal::BuildNotFound, id.as_str()))
    }

    /// Imports an exported build (`POST /apps/{app}/builds/import`; v2, v3). Sent once. Racks up to
    /// 20180708231844 take it as an object, stored under `key`; racks up to 20180416200237 in the
    /// form of a new build.
    ///
    /// # Errors
    /// [`Error::Status`]: 404 for an unknown app. [`Error::Body`] if the body can't be read.
    pub async fn import_build(
        &self,
        app: &AppName,
        key: &ObjectKey,
        export: Arc<dyn Upload>,
    ) -> Result<Build, Error> {
        let import = Request::post(path!["apps", app, "builds", "import"]);
        match self.compat().await?.build_import() {
            BuildImport::Body => self.read(import.upload(export)).await,
            BuildImport::Object => {
                let object = self.upload(app, key, export).await?;
                self.read(import.form("url", object.url.0.as_str())).await
            }
            BuildImport::Image => {
                let request = Request::post(path!["apps", app, "builds"]);
                self.read(request.file("image", export)).await
            }
        }
    }

    /// Starts a build whose images come from elsewhere (`POST /apps/{app}/builds` with `external`;
    /// v3), at most once, as [`Rack::start_build`].
    ///
    /// # Errors
    /// As [`Rack::start_build`].
    pub async fn start_external_build(
        &self,
        app: &AppName,
        before: &BuildsBefore,
    ) -> Result<Build, Error> {
        let request = Request::post(path!["apps", app, "builds"]);
        let request = request.form("external", true).form("url", "");
        self.start(app, request, &BuildOptions::default(), before).await
    }

    /// Changes a build (`PUT /apps/{app}/builds/{id}`; v2, v3).
    ///
    /// # Errors
    /// [`Error::Status`].
    pub async fn update_build(
        &self,
        app: &AppName,
        id: &BuildId,
        update: &BuildUpdate,
    ) -> Result<Build, Error> {
        let request = Request::put(path!["apps", app, "builds", id])
            .form("manifest", &update.manifest)
            .form("release", update.release.as_ref().map(ReleaseId::as_str));
        self.read(request).await
    }

    /// Copies an image from a registry into an external build (`POST
    /// /apps/{app}/builds/{id}/image`; v3 from 3.24.6 on). The rack goes on after its response; the
    /// build's status shows the end.
    ///
    /// # Errors
    /// [`Error::Status`]: 404 on older racks, 409 if an import is running, 422 for an invalid
    /// reference.
    pub async fn import_image(
        &self,
        app: &AppName,
        id: &BuildId,
        image: &str,
        credentials: &RegistryCredentials,
    ) -> Result<(), Error> {
        let request = Request::post(path!["apps", app, "builds", id, "image"])
            .form("image", image)
            .form("src-creds-user", &credentials.user)
            .form("src-creds-pass", credentials.password.as_ref().map(|p| p.expose_secret()));
        self.client.send(&request).await.map(drop)
    }

    async fn start(
        &self,
        app: &AppName,
        request: Request,
        options: &BuildOptions,
        before: &BuildsBefore,
    ) -> Result<Build, Error> {
        let look = async || {
            let builds = self.without_retries().builds(app, None).await?;
            let found = only_new(&builds, before, options).map_err(|ids| {
                Error::Ambiguous(format!(
                    "the response to {} was lost, and several builds could be the one it started: \
                     {ids}; nothing was sent again",
                    request.line()
                ))
            })?;
            Ok(found.into())
        };
        self.client.send_reconciled(&request, |response| response.json(), look).await
    }
}

fn with_options(request: Request, options: &BuildOptions) -> Request {
    request
        .form("build-args", options.build_args.as_slice())
        .form("description", &options.description)
        .form("development", given(options.development))
        .form("git-sha", &options.git_sha)
        .form("manifest", &options.manifest)
        .form("wildcard-domain", given(options.wildcard_domain))
}

/// Flags are sent only if they are set.
fn given(flag: bool) -> Option<bool> {
    flag.then_some(true)
}

/// An absent text is an empty one to racks.
fn text(given: &Option<String>) -> &str {
    given.as_deref().unwrap_or_default()
}

/// Returns the new build that could be ours, or the ids if there are several.
fn only_new(
    builds: &[Build],
    before: &BuildsBefore,
    options: &BuildOptions,
) -> Result<Option<Build>, String> {
    let ours = |build: &&Build| {
        !before.0.contains(&build.id)
            && text(&build.description) == text(&options.description)
            && build.git_sha == options.git_sha
    };
    let found: Vec<&Build> = builds.iter().filter(ours).collect();
    match found.as_slice() {
        [] => Ok(None),
        [build] => Ok(Some((*build).clone())),
        several => {
            let ids: Vec<&str> = several.iter().map(|build| build.id.as_str()).collect();
            Err(ids.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use convox_wire::BuildStatus;

    fn build(id: &str, description: Option<&str>) -> Build {
        let mut build = Build::new(id.parse().unwrap(), BuildStatus::Running);
        build.description = description.map(str::to_owned);
        build
    }

    #[test]
    fn our_build_is_the_only_new_one_with_our_description() {
        let before = BuildsBefore(HashSet::from(["BOLD".parse().unwrap()]));
        let options = BuildOptions { description: Some("ours".into()), ..BuildOptions::default() };
        let old = build("BOLD", Some("ours"));
        let other = build("BOTHER", Some("theirs"));
        let ours = build("BOURS", Some("ours"));
        let find = |builds: &[Build]| only_new(builds, &before, &options);
        assert_eq!(find(&[old.clone(), other.clone()]), Ok(None));
        assert_eq!(find(&[ours.clone(), other, old]), Ok(Some(ours.clone())));
        assert_eq!(find(&[ours, build("BTWIN", Some("ours"))]), Err("BOURS, BTWIN".into()));
        let options = BuildOptions { description: Some(String::new()), ..BuildOptions::default() };
        let nameless = build("BOURS", None);
        assert_eq!(
            only_new(std::slice::from_ref(&nameless), &before, &options),
            Ok(Some(nameless))
        );
    }
}
