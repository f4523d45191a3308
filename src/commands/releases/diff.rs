use std::collections::BTreeMap;

use diffy::DiffOptions;
use serde::Serialize;

use super::previous::{SEARCHED, ran_before_active};
use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::flows::app::read_existing;
use crate::outcome::Outcome;
use crate::output::info::InfoBlock;
use crate::output::{Render, RenderContext, View};
use convox_client::rack::Rack;
use convox_wire::{AppName, Build, BuildId, Environment, Release, ReleaseId};

/// Show what two releases differ in: variables, manifest, build and commit
///
/// By default compares the active release with the one that ran before it. With one release,
/// compares that with the active one. On a terminal, masked values are shown as ****.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  convox releases diff\n  convox releases diff RZYWJKKRDLI RZBZBKXSPYV"
)]
pub(crate) struct Args {
    /// Release to compare from
    #[arg(value_name = "A")]
    from: Option<ReleaseId>,
    /// Release to compare to; defaults to the active one
    #[arg(value_name = "B")]
    to: Option<ReleaseId>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let rack = cx.rack().await?;
    let (from, to) = match (args.from, args.to) {
        (Some(from), Some(to)) => (from, to),
        (from, _) => compared(&rack, &app, from).await?,
    };
    let (old, new) = tokio::join!(State::read(&rack, &app, &from), State::read(&rack, &app, &to));
    let masked = if cx.reveals() { Vec::new() } else { rack.env_mask(&app).await? };
    Ok(Outcome::render(ReleaseDiff::new(&old?, &new?, &masked)))
}

/// Returns what is compared unless both releases are given.
async fn compared(
    rack: &Rack,
    name: &AppName,
    from: Option<ReleaseId>,
) -> Result<(ReleaseId, ReleaseId), CommandError> {
    let app = read_existing(rack, name).await?;
    if let (Some(from), Some(active)) = (&from, &app.release)
        && from != active
    {
        return Ok((from.clone(), active.clone()));
    }
    let releases = rack.releases(name, Some(SEARCHED)).await?;
    let Some((active, previous)) = ran_before_active(&app, &releases) else {
        return Err(CommandError::new(format!("{name} has no two releases to compare"))
            .hint(Hint::command("list releases with", "releases").app(name)));
    };
    Ok((previous.clone(), active.clone()))
}

/// A release with its build.
struct State {
    release: Release,
    build: Option<Build>,
}

impl State {
    async fn read(rack: &Rack, app: &AppName, id: &ReleaseId) -> Result<Self, CommandError> {
        let release = rack.release(app, id).await?;
        let build = match &release.build {
            Some(build) => Some(rack.build(app, build).await?),
            None => None,
        };
        Ok(Self { release, build })
    }

    fn commit(&self) -> Option<String> {
        self.build.as_ref()?.git_sha.clone()
    }

    fn description(&self) -> Option<String> {
        self.build.as_ref()?.description.clone()
    }

    fn manifest(&self) -> &str {
        self.build.as_ref().and_then(|build| build.manifest.as_deref()).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct ReleaseDiff {
    from: ReleaseId,
    to: ReleaseId,
    build: Change<BuildId>,
    commit: Change<String>,
    description: Change<String>,
    /// The variables that differ.
    env: BTreeMap<String, Change<String>>,
    /// The manifests as a unified diff; `None` if they are equal.
    manifest: Option<String>,
}

/// A value in both releases.
#[derive(Serialize)]
struct Change<T> {
    from: Option<T>,
    to: Option<T>,
}

impl<T: PartialEq + ToString> Change<T> {
    /// `a -> b`, or the value alone if it is the same.
    fn shown(&self) -> String {
        let text = |value: &Option<T>| value.as_ref().map_or("none".to_owned(), T::to_string);
        match self.from == self.to {
            true => text(&self.to),
            false => format!("{} -> {}", text(&self.from), text(&self.to)),
        }
    }

    fn is_there(&self) -> bool {
        self.from.is_some() || self.to.is_some()
    }
}

impl ReleaseDiff {
    fn new(old: &State, new: &State, masked: &[String]) -> Self {
        let (from, to) = (old.release.id.clone(), new.release.id.clone());
        Self {
            build: Change { from: old.release.build.clone(), to: new.release.build.clone() },
            commit: Change { from: old.commit(), to: new.commit() },
            description: Change { from: old.description(), to: new.description() },
            env: changed_variables(&old.release.env, &new.release.env, masked),
            manifest: manifest_diff((&from, old.manifest()), (&to, new.manifest())),
            from,
            to,
        }
    }

    /// The variables as the lines of a diff.
    fn env_lines(&self) -> Vec<String> {
        let lines = self.env.iter().flat_map(|(key, change)| {
            let line = |sign: char, value: &Option<String>| {
                value.as_ref().map(|value| format!("{sign}{key}={value}"))
            };
            [line('-', &change.from), line('+', &change.to)]
        });
        lines.flatten().collect()
    }
}

/// Returns the variables that differ. The values of masked ones are replaced.
fn changed_variables(
    old: &Environment,
    new: &Environment,
    masked: &[String],
) -> BTreeMap<String, Change<String>> {
    let keys = old.iter().chain(new.iter()).map(|(key, _)| key);
    let changed = keys.filter(|key| old.get(key) != new.get(key));
    let change = |key: &str| {
        let is_masked = masked.iter().any(|mask| mask == key);
        let shown = |value: &str| if is_masked { "****" } else { value }.to_owned();
        Change { from: old.get(key).map(shown), to: new.get(key).map(shown) }
    };
    changed.map(|key| (key.to_owned(), change(key))).collect()
}

fn manifest_diff(old: (&ReleaseId, &str), new: (&ReleaseId, &str)) -> Option<String> {
    if old.1 == new.1 {
        return None;
    }
    let mut options = DiffOptions::new();
    options.set_original_filename(old.0.to_string()).set_modified_filename(new.0.to_string());
    Some(options.create_patch(old.1, new.1).to_string())
}

impl Render for ReleaseDiff {
    fn render(&self, _rc: &RenderContext) -> View {
        let mut info = InfoBlock::new();
        info.entry("Release", format!("{} -> {}", self.from, self.to));
        info.entry("Build", self.build.shown());
        if self.commit.is_there() {
            info.entry("Commit", self.commit.shown());
        }
        if self.description.is_there() {
            info.entry("Description", self.description.shown());
        }
        let env = self.env_lines();
        let same = || "no difference".to_owned();
        info.entry("Env", if env.is_empty() { same() } else { env.join("\n") });
        info.entry("Manifest", self.manifest.clone().unwrap_or_else(same));
        View::Info(info)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(text: &str) -> Environment {
        Environment::parse(text)
    }

    #[test]
    fn only_variables_that_differ_are_shown_and_masked_ones_without_their_values() {
        let (old, new) = (env("A=1\nB=2\nKEY=old\nGONE=x"), env("A=1\nB=3\nKEY=new\nNEW=y"));
        let changed = changed_variables(&old, &new, &["KEY".to_owned()]);
        let shown: Vec<String> =
            changed.iter().map(|(key, change)| format!("{key}: {}", change.shown())).collect();
        let expected = ["B: 2 -> 3", "GONE: x -> none", "KEY: ****", "NEW: none -> y"];
        assert_eq!(shown, expected);
    }
}
