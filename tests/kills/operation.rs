//! The commands in whose midst something is killed, and what has to be true afterward.

use serde_json::Value;

use super::random::Random;
use super::support::is_installed;
use super::world::{State, World};

/// A command that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Deploy,
    Build,
    Promote,
    Rollback,
    SetVariable,
    Scale,
    Run,
    Exec,
    DeleteApp,
    CreateResource,
}

/// A command line, and what it should bring about.
pub(crate) struct Attempt {
    pub(crate) line: String,
    goal: Goal,
}

enum Goal {
    /// A build with this description, and whether its release is promoted.
    Built { description: String, is_promoted: bool },
    /// This release is active.
    Active(String),
    /// A release that goes back to this one is active.
    RolledBackTo(String),
    /// A variable has a value.
    Set { key: String, value: String },
    /// The service has this many processes.
    Scaled(usize),
    /// Nothing changes.
    Nothing,
    /// The second app is gone.
    Deleted,
    /// The second app has a resource.
    Resource,
}

impl Operation {
    /// All operations that this machine can perform.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = vec![
            Self::Deploy,
            Self::Build,
            Self::Promote,
            Self::Rollback,
            Self::SetVariable,
            Self::Scale,
            Self::Run,
            Self::Exec,
            Self::DeleteApp,
        ];
        if is_installed(&["redis-server"]) {
            all.push(Self::CreateResource);
        }
        all
    }

    pub(crate) fn prepare(self, world: &mut World, random: &mut Random) -> Attempt {
        let number = world.next_number();
        let (line, goal) = match self {
            Self::Deploy => deploy(number),
            Self::Build => build(number),
            Self::Promote => promote(other_release(world)),
            Self::Rollback => roll_back(other_release(world)),
            Self::SetVariable => set_variable(number),
            Self::Scale => scale(1 + random.below(3)),
            Self::Run => ("convox run web sleep 0.2".to_owned(), Goal::Nothing),
            Self::Exec => ("convox exec web sleep 0.2".to_owned(), Goal::Nothing),
            Self::DeleteApp => {
                world.succeed("convox deploy -a other --create --wait");
                ("convox apps delete other".to_owned(), Goal::Deleted)
            }
            Self::CreateResource => {
                world.write_store();
                ("convox deploy ../store -a other --create --wait".to_owned(), Goal::Resource)
            }
        };
        Attempt { line, goal }
    }
}

fn deploy(number: u64) -> (String, Goal) {
    let description = format!("deploy {number}");
    let line = format!("convox deploy --description '{description}' --wait");
    (line, Goal::Built { description, is_promoted: true })
}

fn build(number: u64) -> (String, Goal) {
    let description = format!("build {number}");
    let line = format!("convox build --description '{description}'");
    (line, Goal::Built { description, is_promoted: false })
}

/// A release with a build that is not the active one.
fn other_release(world: &World) -> String {
    let state = world.state();
    let is_other = |release: &&Value| release["active"] == false && release["build"].is_string();
    let other = state.releases.iter().find(is_other).expect("another release");
    other["id"].as_str().unwrap().to_owned()
}

fn promote(release: String) -> (String, Goal) {
    (format!("convox releases promote {release} --wait"), Goal::Active(release))
}

fn roll_back(release: String) -> (String, Goal) {
    (format!("convox releases rollback {release}"), Goal::RolledBackTo(release))
}

fn set_variable(number: u64) -> (String, Goal) {
    let (key, value) = ("KILLED".to_owned(), format!("at {number}"));
    (format!("convox env set '{key}={value}'"), Goal::Set { key, value })
}

fn scale(count: usize) -> (String, Goal) {
    (format!("convox scale web --count {count}"), Goal::Scaled(count))
}

impl Attempt {
    /// Checks what a command that succeeded has promised, and what one that failed may have done.
    pub(crate) fn check(&self, world: &mut World, before: &State, has_succeeded: bool) {
        let after = world.state();
        match &self.goal {
            Goal::Built { description, is_promoted } => {
                let release = world.release_of(description, &after, has_succeeded);
                let may_be = release.as_deref().filter(|_| *is_promoted);
                world.assert_active(before, &after, may_be, has_succeeded && *is_promoted);
            }
            Goal::Active(release) => {
                world.assert_active(before, &after, Some(release), has_succeeded);
            }
            Goal::RolledBackTo(release) => {
                let is_new =
                    |one: &&Value| !before.has_release(one) && one["rollback_to"] == **release;
                let new: Vec<&Value> = after.releases.iter().filter(is_new).collect();
                assert!(new.len() <= 1, "rolled back twice: {}", world.history());
                let new = new.first().and_then(|release| release["id"].as_str());
                world.assert_active(before, &after, new, has_succeeded);
            }
            Goal::Set { key, value } => {
                let set = world.output(&format!("convox env get {key}"));
                let is_set = set.trim_end() == value.as_str();
                assert!(is_set || !has_succeeded, "{key} is {set:?}: {}", world.history());
                world.assert_active(before, &after, None, false);
            }
            Goal::Scaled(count) => {
                if has_succeeded {
                    world.await_processes(*count);
                }
                world.assert_active(before, &after, None, false);
            }
            Goal::Nothing => world.assert_active(before, &after, None, false),
            Goal::Deleted => {
                assert!(!(has_succeeded && world.has_other_app()), "{}", world.history());
                world.delete_other_app();
            }
            Goal::Resource => {
                if has_succeeded {
                    let resources = world.output("convox resources -a other");
                    assert!(resources.contains("redis"), "{resources}: {}", world.history());
                }
                world.delete_other_app();
            }
        }
    }
}
