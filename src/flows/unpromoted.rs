//! Says which variables a new release takes over from releases that are not active.
//!
//! Racks start each release from the newest one, promoted or not. So a deploy may activate variables
//! that somebody has set, and has left for later.

use std::time::Duration;

use tokio::time::timeout;

use crate::context::Context;
use crate::error::Hint;
use convox_client::rack::{Error, Rack};
use convox_wire::{App, AppName, Environment, ReleaseId};

/// How long the rack may take to say it. Nothing depends on it.
const LIMIT: Duration = Duration::from_secs(3);

/// A release that a command has created.
pub(crate) struct NewRelease<'a> {
    /// The app.
    pub(crate) app: &'a AppName,
    /// Its id.
    pub(crate) id: &'a ReleaseId,
    /// Its environment.
    pub(crate) env: NewEnv<'a>,
}

/// Where the environment of a new release comes from.
pub(crate) enum NewEnv<'a> {
    /// The rack has taken that of the newest release.
    Newest,
    /// The command has changed one that it knows.
    Changed {
        /// The release that it was changed from.
        base: Option<&'a ReleaseId>,
        /// The environment before the change.
        before: &'a Environment,
        /// The names of the variables that were changed.
        keys: &'a [String],
    },
    /// The user has chosen all of it.
    Chosen,
}

impl NewRelease<'_> {
    /// Prints a notice if variables come along that the active release does not have, or has other
    /// values of. Failures are ignored: they do not fail the command.
    pub(crate) async fn notice_variables(&self, cx: &Context, rack: &Rack) {
        if !self.is_wanted(cx) {
            return;
        }
        if let Ok(Ok(app)) = timeout(LIMIT, rack.without_retries().app(self.app)).await {
            self.notice_variables_before(cx, rack, &app).await;
        }
    }

    /// The same for an app that was read already.
    pub(crate) async fn notice_variables_before(&self, cx: &Context, rack: &Rack, app: &App) {
        let Some(active) = app.release.as_ref().filter(|_| self.is_wanted(cx)) else { return };
        let Ok(Ok(keys)) = timeout(LIMIT, self.differing(&rack.without_retries(), active)).await
        else {
            return;
        };
        if keys.is_empty() {
            return;
        }
        let new = self.id;
        let diff = Hint::command("compare them with", "releases diff").arg(active).arg(new);
        let text = format!(
            "variables that were changed earlier and are not active come along with {new}: {}",
            keys.join(", ")
        );
        cx.notice_with(text, [diff.app(self.app)]);
    }

    /// The names of the variables that differ between this release and the active one, without those
    /// that the command has changed itself.
    async fn differing(&self, rack: &Rack, active: &ReleaseId) -> Result<Vec<String>, Error> {
        let read =
            async |id: &ReleaseId| rack.release(self.app, id).await.map(|release| release.env);
        match &self.env {
            NewEnv::Newest => {
                let (active, new) = tokio::try_join!(read(active), read(self.id))?;
                Ok(active.difference(&new))
            }
            NewEnv::Changed { base, before, keys } if *base != Some(active) => {
                let mut differing = read(active).await?.difference(before);
                differing.retain(|key| !keys.contains(key));
                Ok(differing)
            }
            NewEnv::Changed { .. } | NewEnv::Chosen => Ok(Vec::new()),
        }
    }

    /// 3.x clients say nothing of the kind.
    fn is_wanted(&self, cx: &Context) -> bool {
        let is_shown = !cx.args.json && cx.settings.style(cx.args.style).has_notices();
        is_shown && !matches!(self.env, NewEnv::Chosen)
    }
}
