use std::cell::Cell;

use crate::path;
use crate::transport::{Reconciled, Request, Response};
use convox_wire::{
    App, AppName, AppStatus, BuildId, Environment, Release, ReleaseId, ReleaseSummary,
};

use super::{Error, Rack, Refusal, not_found};

/// Options of a new release. What is absent is inherited from the newest release.
#[derive(Debug, Clone, Default)]
pub struct CreateRelease {
    /// The build.
    pub build: Option<BuildId>,
    /// The description.
    pub description: Option<String>,
    /// The whole environment.
    pub env: Option<Environment>,
    /// The release to inherit from, unless it is the newest (v3).
    pub parent: Option<ReleaseId>,
}

/// The releases that an app had before one is created: a snapshot by which the new release is found
/// if the response is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleasesBefore(Option<ReleaseId>);

impl ReleasesBefore {
    /// The snapshot whose newest release has just been read; `None` if the app has no release.
    pub fn up_to(newest: Option<ReleaseId>) -> Self {
        Self(newest)
    }
}

/// Whether a promote may supersede an update of the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Force {
    /// The promote is refused while the app is updating.
    No,
    /// The promote is accepted whatever the app's status (v3).
    Yes,
}

impl Rack {
    /// Lists the newest releases, newest first, without environment and manifest
    /// (`GET /apps/{app}/releases`; v2, v3, classic). Without a limit, racks list 10 releases.
    ///
    /// # Errors
    /// [`Error::Status`]: 404 for an unknown app.
    pub async fn releases(
        &self,
        app: &AppName,
        limit: Option<u32>,
    ) -> Result<Vec<ReleaseSummary>, Error> {
        self.list(Request::get(path!["apps", app, "releases"]).query("limit", limit)).await
    }

    /// Returns the newest release, promoted or not; `None` if there is no release.
    ///
    /// # Errors
    /// As [`Rack::releases`].
    pub async fn newest_release(&self, app: &AppName) -> Result<Option<ReleaseSummary>, Error> {
        Ok(self.releases(app, Some(1)).await?.into_iter().next())
    }

    /// Takes a snapshot of the releases, for [`Rack::create_release`].
    ///
    /// # Errors
    /// As [`Rack::releases`].
    pub async fn releases_before(&self, app: &AppName) -> Result<ReleasesBefore, Error> {
        let newest = self.releases(app, None).await?.into_iter().next();
        Ok(ReleasesBefore(newest.map(|release| release.id)))
    }

    /// Returns a release (`GET /apps/{app}/releases/{id}`; v2, v3, classic).
    ///
    /// # Errors
    /// [`Error::Status`]: 404 `no such release: …` on racks of all generations.
    pub async fn release(&self, app: &AppName, id: &ReleaseId) -> Result<Release, Error> {
        let path = path!["apps", app, "releases", id];
        self.get(path).await.map_err(not_found(Refusal::ReleaseNotFound, id.as_str()))
    }

    /// Creates a release (`POST /apps/{app}/releases`; v2, v3), at most once: if the response is
    /// lost, a release that is not in the snapshot `before` and has our build and environment is
    /// taken for the result.
    ///
    /// # Errors
    /// [`Error::Status`].
    pub async fn create_release(
        &self,
        app: &AppName,
        options: &CreateRelease,
        before: &ReleasesBefore,
    ) -> Result<Release, Error> {
        let request = Request::post(path!["apps", app, "releases"])
            .form("build", options.build.as_ref().map(BuildId::as_str))
            .form("description", &options.description)
            .form("env", options.env.as_ref().map(Environment::to_string))
            .form("parent-release", options.parent.as_ref().map(ReleaseId::as_str));
        let look =
            async || Ok(self.without_retries().new_release(app, options, before).await?.into());
        self.client.send_reconciled(&request, Response::json, look).await
    }

    /// Returns the release that has appeared since the snapshot and is the one of `options`.
    pub(super) async fn new_release(
        &self,
        app: &AppName,
        options: &CreateRelease,
        before: &ReleasesBefore,
    ) -> Result<Option<Release>, Error> {
        let ours = |release: &Release| {
            options.env.as_ref().is_none_or(|env| *env == release.env)
                && options.build.as_ref().is_none_or(|build| Some(build) == release.build.as_ref())
        };
        // Another client may have created one since.
        let releases = self.releases(app, None).await?;
        for newer in releases.iter().take_while(|release| Some(&release.id) != before.0.as_ref()) {
            let release = self.release(app, &newer.id).await?;
            if ours(&release) {
                return Ok(Some(release));
            }
        }
        Ok(None)
    }

    /// Promotes a release (`POST /apps/{app}/releases/{id}/promote`; v2, v3, classic). Returns when
    /// the rack has accepted it; the app runs the release later.
    ///
    /// Promotes at most once: if the response is lost, the app's state is compared with that in
    /// `app`, as it was read before. A promote with force is never sent twice.
    ///
    /// ```no_run
    /// # async fn example(rack: convox_client::Rack) -> Result<(), Box<dyn std::error::Error>> {
    /// use convox_client::wire::AppName;
    ///
    /// let name: AppName = "web".parse()?;
    /// if let Some(newest) = rack.newest_release(&name).await? {
    ///     rack.promote(&rack.app(&name).await?, &newest.id, None).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Status`]: 403 `app is currently updating`, 404 for an unknown app or release, 400
    /// or 500 `can not promote an older release, try rollback` (v2, v3), 409 over budget (v3).
    pub async fn promote(
        &self,
        app: &App,
        release: &ReleaseId,
        force: Option<Force>,
    ) -> Result<(), Error> {
        let before = app;
        let was_active = before.release.as_ref() == Some(release);
        let app = &before.name;
        let path = path!["apps", app, "releases", release, "promote"];
        let request = |force: Option<Force>| {
            Request::post(path.clone()).form("force", force.map(|force| force == Force::Yes))
        };
        let request = match was_active {
            // An update that has ended when the app is read again leaves no trace.
            true => request(force).never_resend(),
            false => request(force).resend_as(request(force.map(|_| Force::No))),
        };
        let (asked, mut shows_release, was_lost) = (self.without_retries(), None, Cell::new(false));
        let mut look = async || {
            was_lost.set(true);
            let shows = match shows_release {
                Some(shows) => shows,
                None => *shows_release.insert(asked.compat().await?.shows_release_at_once()),
            };
            Ok(outcome_of(&asked.app(app).await?, before, release, shows))
        };
        let not_found = not_found(Refusal::ReleaseNotFound, release.as_str());
        let sent = self.client.send_reconciled(&request, Response::check_accepted, &mut look).await;
        match sent.map_err(not_found) {
            // It was sent again and refused: the app may be busy with the first one.
            Err(error)
                if error.refusal() == Some(Refusal::Updating) && !was_active && was_lost.get() =>
            {
                self.client.reconcile(look).await?.ok_or(error)
            }
            result => result,
        }
    }
}

/// What became of a promote of `release`, judged by the app's state. v3 racks show the release at
/// once (`shows_release`); v2 racks show only that an update has begun.
fn outcome_of(now: &App, before: &App, release: &ReleaseId, shows_release: bool) -> Reconciled<()> {
    let ours = now.release.as_ref() == Some(release);
    let updating = matches!(now.status, AppStatus::Updating | AppStatus::Rollback);
    let was_active = before.release.as_ref() == Some(release);
    let given_up = now.status == AppStatus::Rollback && before.status == AppStatus::Running;
    match (ours, updating) {
        // A rollback that has begun since: waiting for the rollout will report it.
        (false, true) if given_up && !was_active => Reconciled::Found(()),
        (true, true) => Reconciled::Found(()),
        (true, false) if !was_active => Reconciled::Found(()),
        (false, true) if !shows_release && !was_active => Reconciled::Found(()),
        // Another update: until it ends, ours would be refused.
        (false, true) => Reconciled::Busy,
        _ => Reconciled::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_promote_is_known_by_the_app() {
        let id = |text: &str| text.parse::<ReleaseId>().unwrap();
        let (old, new) = (id("ROLD"), id("RNEW"));
        let app = |status, release: &ReleaseId| {
            let mut app = App::new("web".parse().unwrap(), status);
            app.release = Some(release.clone());
            app
        };
        let look = |now: App, before: &ReleaseId, shows| {
            outcome_of(&now, &app(AppStatus::Running, before), &new, shows)
        };
        let (found, v2, v3) = (Reconciled::Found(()), false, true);
        assert_eq!(look(app(AppStatus::Running, &old), &old, v3), Reconciled::NotFound);
        assert_eq!(look(app(AppStatus::Updating, &old), &old, v2), found);
        assert_eq!(look(app(AppStatus::Updating, &old), &old, v3), Reconciled::Busy, "not ours");
        assert_eq!(look(app(AppStatus::Updating, &new), &old, v3), found);
        assert_eq!(look(app(AppStatus::Running, &new), &old, v3), found, "already over");
        assert_eq!(look(app(AppStatus::Running, &new), &new, v3), Reconciled::NotFound, "not yet");
        assert_eq!(look(app(AppStatus::Updating, &new), &new, v3), found);
        assert_eq!(look(app(AppStatus::Rollback, &old), &old, v3), found, "given up since");
        let earlier = app(AppStatus::Rollback, &old);
        assert_eq!(outcome_of(&earlier, &earlier, &new, v3), Reconciled::Busy, "not ours");
    }
}
