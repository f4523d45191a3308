use std::collections::HashSet;
use std::sync::Arc;

use crate::path;
use crate::transport::{Download, Request, Upload};
use convox_wire::{AppName, Build, BuildId, ObjectUrl};

use super::{Error, Rack, Refusal, not_found};

/// Options of a build. What is not given is not sent: the rack's own default applies.
#[derive(Debug, Clone, Default)]
pub struct BuildOptions {
    /// `KEY=VALUE` build arguments; racks split them at commas.
    pub build_args: Vec<String>,
    /// What it is about.
    pub description: Option<String>,
    /// Builds for development.
    pub development: bool,
    /// The commit it is made from.
    pub git_sha: Option<String>,
    /// The manifest's file name, where it is not the rack's default.
    pub manifest: Option<String>,
    /// Asks for a build without cache. v3 racks have it the wrong way round and keep the cache;
    /// `false`, which would turn it off there, is never sent.
    pub no_cache: bool,
    /// v2: serves a wildcard domain.
    pub wildcard_domain: bool,
}

/// The builds that an app had before one is started: a snapshot by which the new build is found if
/// the response is lost. Racks don't keep the URL of a build's source, so it is the one that is not
/// in the snapshot and has our description and commit.
#[derive(Debug, Clone)]
pub struct BuildsBefore(HashSet<BuildId>);

impl Rack {
    /// The newest builds, newest first (`GET /apps/{app}/builds`; v2, v3, classic). Racks give 10
    /// unless told otherwise (classic: 20).
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

    /// One build (`GET /apps/{app}/builds/{id}`; v2, v3, classic).
    ///
    /// # Errors
    /// [`Error::Status`]: 404 `no such build: …`, whatever the rack's own form of it.
    pub async fn build(&self, app: &AppName, id: &BuildId) -> Result<Build, Error> {
        let path = path!["apps", app, "builds", id];
        self.get(path).await.map_err(not_found(Refusal::BuildNotFound, id.as_str()))
    }

    /// Starts a build of an uploaded object (`POST /apps/{app}/builds`; v2, v3). Done at most once:
    /// after a lost answer the builds are listed and ours is taken.
    ///
    /// # Errors
    /// [`Error::Status`]; [`Error::Ambiguous`] naming the candidates where several builds could be
    /// ours.
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

    /// Uploads a source and starts its build in one request, as racks before 20180708231844 want
    /// it (`POST /apps/{app}/builds`, multipart).
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

    /// Imports an exported build (`POST /apps/{app}/builds/import`; v2, v3). Sent once.
    ///
    /// # Errors
    /// [`Error::Status`]: 404 for an unknown app. [`Error::Source`] if the body can't be read.
    pub async fn import_build(
        &self,
        app: &AppName,
        export: Arc<dyn Upload>,
    ) -> Result<Build, Error> {
        self.read(Request::post(path!["apps", app, "builds", "import"]).upload(export)).await
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
                     {ids}; nothing was sent again, see: convox builds -a {app}",
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

/// A flag travels only when it was given.
fn given(flag: bool) -> Option<bool> {
    flag.then_some(true)
}

/// Racks know no difference between an empty text and none.
fn text(given: &Option<String>) -> &str {
    given.as_deref().unwrap_or_default()
}

/// The one build that is new and like ours; the ids where there are several.
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
