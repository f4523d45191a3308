//! Reads the environment of an app, and creates releases that change it.
//!
//! Racks have no compare-and-set: the newest release is read again just before the change, and a
//! warning names the variables of a change that came in between all the same.

use super::promote::{promote_new, promote_new_after};
use super::unpromoted::{NewEnv, NewRelease};
use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::event::Event;
use convox_client::rack::{Compat, CreateRelease, Error, Force, Rack, ReleasesBefore};
use convox_wire::{App, AppName, EnvVar, Environment, Release, ReleaseId};

/// A change of variables.
pub(crate) enum Change {
    /// Sets these.
    Set(Vec<EnvVar>),
    /// Sets these and removes all others.
    Replace(Vec<EnvVar>),
    /// Removes these.
    Unset(Vec<String>),
    /// Sets some and removes others.
    Edit {
        /// The names in the edited text, which are shown.
        names: Vec<String>,
        /// The variables to set.
        set: Vec<EnvVar>,
        /// The names of those to remove.
        unset: Vec<String>,
    },
}

/// What to do with the new release.
pub(crate) struct AfterChange {
    /// The release to start from, if it is not the newest.
    pub(crate) base: Option<ReleaseId>,
    /// Whether to promote it.
    pub(crate) promote: bool,
}

/// An environment and the release that it belongs to.
pub(crate) struct EnvSnapshot {
    pub(crate) release: Option<ReleaseId>,
    pub(crate) env: Environment,
    has_build: bool,
}

impl EnvSnapshot {
    fn empty() -> Self {
        Self { release: None, env: Environment::default(), has_build: false }
    }
}

/// Reads the environment of a release; by default that of the newest one, promoted or not.
pub(crate) async fn read(
    rack: &Rack,
    app: &AppName,
    release: Option<&ReleaseId>,
) -> Result<EnvSnapshot, Error> {
    let id = match release {
        Some(id) => Some(id.clone()),
        None => rack.newest_release(app).await?.map(|release| release.id),
    };
    let Some(id) = id else {
        return Ok(EnvSnapshot::empty());
    };
    // v2 racks leave the environment out of lists.
    let Release { env, build, .. } = rack.release(app, &id).await?;
    Ok(EnvSnapshot { release: Some(id), env, has_build: build.is_some() })
}

/// Creates a release with the change, and promotes it if that is requested. Returns `None` if there
/// is nothing to change.
pub(crate) async fn change(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    change: Change,
    after: AfterChange,
) -> Result<Option<Release>, CommandError> {
    let base = base(rack, app, &change, &after).await?;
    let Some(changed) = effective(cx, change, &base, &after) else {
        return keep(cx, rack, app, &base, &after).await;
    };
    if after.promote && !base.has_build {
        return Err(without_build(app));
    }
    cx.emit(Event::Step(changed.doing()))?;
    let compat = rack.compat().await?;
    let base = refresh(rack, app, base, &changed, &after).await?;
    let before = before(rack, app, &base, &changed, &after).await?;
    let release = create(rack, app, &changed, &base, before, &after, &compat).await?;
    cx.emit(Event::Done(None))?;
    cx.emit(Event::Line(format!("Release: {}", release.id)))?;
    if !matches!(changed.change, Change::Replace(_)) && after.base.is_none() {
        warn_concurrent_change(cx, rack, app, &base, &release).await?;
    }
    let new = NewRelease { app, id: &release.id, env: changed.from(&base, &after) };
    if after.promote {
        let notice = async |before: &App| new.notice_variables_before(cx, rack, before).await;
        let options = cx.promote_options(Force::No);
        promote_new_after(cx, rack, app, &release.id, options, notice).await?;
    } else if !cx.args.json && cx.settings.style(None).has_notices() {
        let promote = Hint::command("promote it with", "releases promote").arg(&release.id);
        cx.notice_with(format!("{} is not active yet", release.id), [promote.app(app)]);
        new.notice_variables(cx, rack).await;
    }
    Ok(Some(release))
}

/// The release that the change starts from, or that it replaces.
async fn base(
    rack: &Rack,
    app: &AppName,
    change: &Change,
    after: &AfterChange,
) -> Result<EnvSnapshot, Error> {
    if after.base.is_some() || !matches!(change, Change::Replace(_)) {
        return read(rack, app, after.base.as_ref()).await;
    }
    // 3.x clients do not ask for the newest release here.
    match rack.releases(app, None).await?.first() {
        Some(newest) => read(rack, app, Some(&newest.id)).await,
        None => Ok(EnvSnapshot::empty()),
    }
}

/// Creates nothing. If the change is to be promoted, the newest release, which has it, is promoted
/// unless it is active.
async fn keep(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    base: &EnvSnapshot,
    after: &AfterChange,
) -> Result<Option<Release>, CommandError> {
    let newest = base.release.as_ref().filter(|_| after.promote && after.base.is_none());
    let Some(release) = newest else { return Ok(None) };
    if rack.app(app).await?.release.as_ref() == Some(release) {
        return Ok(None);
    }
    if !base.has_build {
        return Err(without_build(app));
    }
    promote_new(cx, rack, app, release, cx.promote_options(Force::No)).await?;
    Ok(Some(rack.release(app, release).await?))
}

/// The new release would have no build either.
fn without_build(app: &AppName) -> CommandError {
    CommandError::new(format!("nothing was changed: {app} has no build that could be promoted"))
        .hint(Hint::command("leave out --promote, then deploy with", "deploy").app(app))
}

/// A change that has an effect.
struct Changed {
    change: Change,
    keys: Vec<String>,
}

impl Changed {
    fn doing(&self) -> String {
        let only_removes = match &self.change {
            Change::Unset(_) => true,
            Change::Edit { names, .. } => names.is_empty(),
            Change::Set(_) | Change::Replace(_) => false,
        };
        let verb = if only_removes { "Unsetting" } else { "Setting" };
        format!("{verb} {}", self.keys.join(", "))
    }

    /// What comes along with the change: nothing that the user has not chosen, if the base is given
    /// or all variables are replaced.
    fn from<'a>(&'a self, base: &'a EnvSnapshot, after: &AfterChange) -> NewEnv<'a> {
        if after.base.is_some() || matches!(self.change, Change::Replace(_)) {
            return NewEnv::Chosen;
        }
        NewEnv::Changed { base: base.release.as_ref(), before: &base.env, keys: &self.keys }
    }

    /// Whether the base has these variables already. A base of the user's choice is a change.
    fn is_made(&self, base: &EnvSnapshot, after: &AfterChange) -> bool {
        let sets = matches!(self.change, Change::Set(_) | Change::Replace(_));
        sets && after.base.is_none() && self.env(&base.env).difference(&base.env).is_empty()
    }

    /// The environment after the change.
    fn env(&self, base: &Environment) -> Environment {
        let mut env = match self.change {
            Change::Replace(_) => Environment::default(),
            _ => base.clone(),
        };
        match &self.change {
            Change::Set(pairs) | Change::Replace(pairs) => {
                pairs.iter().cloned().for_each(|pair| env.set(pair));
            }
            Change::Unset(_) => self.keys.iter().for_each(|key| env.unset(key)),
            Change::Edit { set, unset, .. } => {
                set.iter().cloned().for_each(|pair| env.set(pair));
                unset.iter().for_each(|key| env.unset(key));
            }
        }
        env
    }
}

/// Drops keys to unset that are not set, and a change to what is set already, with a notice.
fn effective(
    cx: &Context,
    change: Change,
    base: &EnvSnapshot,
    after: &AfterChange,
) -> Option<Changed> {
    let env = &base.env;
    let mut keys: Vec<String> = match &change {
        Change::Edit { names, unset, .. } => {
            if names.is_empty() {
                unset.clone()
            } else {
                names.clone()
            }
        }
        Change::Set(pairs) | Change::Replace(pairs) => {
            pairs.iter().map(|pair| pair.key().to_owned()).collect()
        }
        Change::Unset(keys) => {
            let (set, unknown): (Vec<_>, Vec<_>) =
                keys.iter().cloned().partition(|key| env.get(key).is_some());
            if !unknown.is_empty() {
                cx.notice(format!("not set, so nothing to unset: {}", unknown.join(", ")));
            }
            set
        }
    };
    keys.sort();
    keys.dedup();
    if keys.is_empty() {
        return None;
    }
    let changed = Changed { change, keys };
    if changed.is_made(base, after) {
        let release = base.release.as_ref().map_or("", ReleaseId::as_str);
        cx.notice(format!("set already in {release}: {}", changed.keys.join(", ")));
        return None;
    }
    Some(changed)
}

/// Reads the base again just before the change.
async fn refresh(
    rack: &Rack,
    app: &AppName,
    base: EnvSnapshot,
    changed: &Changed,
    after: &AfterChange,
) -> Result<EnvSnapshot, Error> {
    if after.base.is_some() || matches!(changed.change, Change::Replace(_)) {
        return Ok(base);
    }
    let newest = rack.newest_release(app).await?.map(|release| release.id);
    if newest == base.release { Ok(base) } else { read(rack, app, None).await }
}

/// Takes the snapshot by which our release is found if the response is lost. It is not read again if
/// the base is the newest release.
async fn before(
    rack: &Rack,
    app: &AppName,
    base: &EnvSnapshot,
    changed: &Changed,
    after: &AfterChange,
) -> Result<ReleasesBefore, Error> {
    if after.base.is_none() && !matches!(changed.change, Change::Replace(_)) {
        return Ok(ReleasesBefore::up_to(base.release.clone()));
    }
    rack.releases_before(app).await
}

async fn create(
    rack: &Rack,
    app: &AppName,
    changed: &Changed,
    base: &EnvSnapshot,
    mut before: ReleasesBefore,
    after: &AfterChange,
    compat: &Compat,
) -> Result<Release, Error> {
    let env = &changed.env(&base.env);
    if compat.takes_release_environments() {
        let (env, parent) = (Some(env.clone()), after.base.clone());
        let options = CreateRelease { env, parent, ..CreateRelease::default() };
        return rack.create_release(app, &options, &before).await;
    }
    if !matches!(changed.change, Change::Unset(_)) {
        return rack.replace_environment(app, env, &before).await;
    }
    let (mut remaining, mut made) = (base.env.clone(), None);
    for key in &changed.keys {
        remaining.unset(key);
        let release = rack.remove_variable(app, key, &remaining, &before).await?;
        before = ReleasesBefore::up_to(Some(release.id.clone()));
        made = Some(release);
    }
    made.ok_or_else(|| Error::Config("nothing to unset".to_owned()))
}

/// Warns of variables that another release changed between our read and our write, even if it is the
/// first one of the app.
async fn warn_concurrent_change(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    base: &EnvSnapshot,
    made: &Release,
) -> Result<(), CommandError> {
    // The release exists; a failed check does not fail the command.
    let Ok(releases) = rack.releases(app, None).await else { return Ok(()) };
    let before = releases.iter().skip_while(|release| release.id != made.id).nth(1);
    let slipped = before.filter(|release| base.release.as_ref() != Some(&release.id));
    let Some(slipped) = slipped else { return Ok(()) };
    let Ok(theirs) = rack.release(app, &slipped.id).await else { return Ok(()) };
    let keys = base.env.difference(&theirs.env);
    if keys.is_empty() {
        return Ok(());
    }
    cx.warn(format!(
        "release {} came in between and is not part of {}: set again what it changed ({})",
        slipped.id,
        made.id,
        keys.join(", ")
    ));
    Ok(())
}
