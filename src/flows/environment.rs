//! Reading the environment of an app, and making a release that changes it.
//!
//! Racks have no way to say "only if nobody was faster" (no compare-and-set): the newest release is
//! read again just before the change, and what slipped between all the same is named afterwards.

use super::promote::promote_new;
use crate::context::Context;
use crate::error::CommandError;
use crate::event::Event;
use convox_client::rack::{Compat, CreateRelease, Error, Force, Rack, ReleasesBefore};
use convox_wire::{AppName, EnvVar, Environment, Release, ReleaseId};

/// What is to be changed.
pub(crate) enum Change {
    /// Set these.
    Set(Vec<EnvVar>),
    /// Set these and drop everything else.
    Replace(Vec<EnvVar>),
    /// Take these away.
    Unset(Vec<String>),
}

/// What is done once the release is there.
pub(crate) struct AfterChange {
    /// The release whose environment is the base, where it is not the newest.
    pub(crate) base: Option<ReleaseId>,
    /// Promote it?
    pub(crate) promote: bool,
}

/// An environment, and the release it is from.
pub(crate) struct Base {
    pub(crate) release: Option<ReleaseId>,
    pub(crate) env: Environment,
}

/// The environment of a release; of the newest one, promoted or not, where none is named.
pub(crate) async fn read(
    rack: &Rack,
    app: &AppName,
    release: Option<&ReleaseId>,
) -> Result<Base, Error> {
    let id = match release {
        Some(id) => Some(id.clone()),
        None => rack.newest_release(app).await?.map(|release| release.id),
    };
    let Some(id) = id else { return Ok(Base { release: None, env: Environment::default() }) };
    // v2 racks leave the environment out of lists.
    let env = rack.release(app, &id).await?.env;
    Ok(Base { release: Some(id), env })
}

/// Makes a release with the change, and promote_options it where that is wanted. `None` where there was
/// nothing to change.
pub(crate) async fn change(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    change: Change,
    then: AfterChange,
) -> Result<Option<Release>, CommandError> {
    let base = match (&change, &then.base) {
        (Change::Replace(_), None) => Base { release: None, env: Environment::default() },
        (_, release) => read(rack, app, release.as_ref()).await?,
    };
    let Some(changed) = apply(cx, change, &base.env) else { return Ok(None) };
    cx.emit(Event::Step(changed.doing()))?;
    let compat = rack.compat().await?;
    let base = fresh(rack, app, base, &changed, &then).await?;
    let before = before(rack, app, &base, &changed, &then).await?;
    let release = make(rack, app, &changed, &base, before, &then, &compat).await?;
    cx.emit(Event::Done(None))?;
    cx.emit(Event::Line(format!("Release: {}", release.id)))?;
    warn_concurrent_change(cx, rack, app, &base, &release, &then).await?;
    if then.promote {
        promote_new(cx, rack, app, &release.id, cx.promote_options(Force::No)).await?;
    }
    Ok(Some(release))
}

/// A change that will change something.
struct Changed {
    change: Change,
    keys: Vec<String>,
}

impl Changed {
    fn doing(&self) -> String {
        let verb = if matches!(self.change, Change::Unset(_)) { "Unsetting" } else { "Setting" };
        format!("{verb} {}", self.keys.join(", "))
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
        }
        env
    }
}

/// Leaves out keys to unset that are not set, saying so.
fn apply(cx: &Context, change: Change, env: &Environment) -> Option<Changed> {
    let mut keys: Vec<String> = match &change {
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
    if matches!(change, Change::Unset(_)) {
        // Old racks are asked once for each key.
        keys.dedup();
    }
    (!keys.is_empty()).then_some(Changed { change, keys })
}

/// The base as it is just before the change.
async fn fresh(
    rack: &Rack,
    app: &AppName,
    base: Base,
    changed: &Changed,
    then: &AfterChange,
) -> Result<Base, Error> {
    if then.base.is_some() || matches!(changed.change, Change::Replace(_)) {
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
    base: &Base,
    changed: &Changed,
    then: &AfterChange,
) -> Result<ReleasesBefore, Error> {
    if then.base.is_none() && !matches!(changed.change, Change::Replace(_)) {
        return Ok(ReleasesBefore::up_to(base.release.clone()));
    }
    rack.releases_before(app).await
}

async fn make(
    rack: &Rack,
    app: &AppName,
    changed: &Changed,
    base: &Base,
    mut before: ReleasesBefore,
    then: &AfterChange,
    compat: &Compat,
) -> Result<Release, Error> {
    let env = &changed.env(&base.env);
    if compat.takes_release_environments() {
        let (env, parent) = (Some(env.clone()), then.base.clone());
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

/// Names the keys that somebody else changed between our read and our write.
async fn warn_concurrent_change(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    base: &Base,
    made: &Release,
    then: &AfterChange,
) -> Result<(), CommandError> {
    let Some(based_on) = &base.release else { return Ok(()) };
    // The release is made; that the caps fails is no failure of the command.
    let Ok(releases) = rack.releases(app, None).await else { return Ok(()) };
    let before = releases.iter().skip_while(|release| release.id != made.id).nth(1);
    let Some(slipped) = before.filter(|release| then.base.is_none() && release.id != *based_on)
    else {
        return Ok(());
    };
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
