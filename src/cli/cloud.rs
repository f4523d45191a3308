//! The commands for machines: `cloud X` is the command `X`, with `--machine` instead of `--rack`.

use super::spec::CommandSpec;
use crate::error::Counterpart;

/// The word that they are below.
pub(super) const WORD: &str = "cloud";

/// The words of a command, and those of its variant.
type Variant = (&'static str, &'static str);

macro_rules! variants {
    ($($path:literal)*) => { &[$(($path, concat!("cloud ", $path))),*] };
}

/// The commands that have a variant, in the order of the help. They use only routes of apps.
pub(super) const VARIANTS: &[Variant] = variants![
    "deploy"
    "build"
    "builds"
    "builds info"
    "builds export"
    "builds import"
    "builds import-image"
    "builds logs"
    "releases"
    "releases info"
    "releases manifest"
    "releases diff"
    "releases promote"
    "releases rollback"
    "releases create-from"
    "apps"
    "apps create"
    "apps delete"
    "apps info"
    "apps cancel"
    "apps params"
    "apps params set"
    "apps export"
    "apps import"
    "apps wait"
    "services"
    "services restart"
    "services update"
    "services triggers enable"
    "services triggers disable"
    "services triggers threshold-set"
    "scale"
    "restart"
    "test"
    "budget cap raise"
    "cost"
    "config get"
    "config set"
    "configs"
    "env"
    "env get"
    "env set"
    "env unset"
    "env edit"
    "env mask"
    "env mask set"
    "env mask unset"
    "status"
    "open"
    "logs"
    "ps"
    "ps info"
    "ps stop"
    "exec"
    "run"
    "cp"
    "resources"
    "resources info"
    "resources url"
    "resources console"
    "resources export"
    "resources import"
    "resources proxy"
];

/// Adds the variants behind the commands, of which there are `N` together.
pub(super) const fn with_variants<const N: usize>(own: &[CommandSpec]) -> [CommandSpec; N] {
    let mut all = [own[0]; N];
    let mut at = 0;
    while at < N {
        all[at] = match at.checked_sub(own.len()) {
            None => own[at],
            Some(index) => variant(own, VARIANTS[index]),
        };
        at += 1;
    }
    all
}

const fn variant(own: &[CommandSpec], (of, path): Variant) -> CommandSpec {
    let mut at = 0;
    while !is_same(own[at].path, of) {
        at += 1;
    }
    CommandSpec { path, scope: own[at].scope.on_machine(), ..own[at] }
}

const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// The command that `path` is the variant of.
pub(crate) fn original_of(path: &str) -> Option<&'static str> {
    VARIANTS.iter().find(|(_, variant)| *variant == path).map(|(original, _)| *original)
}

/// The variant of the command of these words.
pub(super) fn variant_of(path: &str) -> Option<&'static str> {
    VARIANTS.iter().find(|(original, _)| *original == path).map(|(_, variant)| *variant)
}

/// The command to advise on a machine instead of one for racks. Of machines themselves, consoles
/// have only the list.
pub(super) fn counterpart_of(path: &str) -> Option<Counterpart> {
    let path = match path {
        "rack" | "racks" => "cloud machines",
        _ => variant_of(path)?,
    };
    let needs: &[&str] = if needs_service(path) { &["--service", "SERVICE"] } else { &[] };
    Some(Counterpart { path, needs })
}

/// Whether a variant needs `--service`, unlike the command itself: machines have no log of an app as
/// a whole.
pub(super) fn needs_service(path: &str) -> bool {
    path == "cloud logs"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{COMMANDS, find, full_command};

    /// The nouns whose commands all have a variant, and the commands that have one by themselves.
    const NOUNS: &str = "apps builds releases services env ps resources config configs";
    const SINGLE: &str = "build cost cp deploy exec logs restart run scale test";

    #[test]
    fn each_command_of_an_app_has_a_variant_that_differs_only_in_where_it_acts() {
        let nouns: Vec<&str> = NOUNS.split(' ').collect();
        let of_nouns = COMMANDS.iter().filter(|spec| nouns.contains(&spec.words().next().unwrap()));
        let of_nouns = of_nouns.map(|spec| spec.path);
        let but = ["apps lock", "apps unlock", "resources db delete"];
        let expected = of_nouns.filter(|path| !but.contains(path)).chain(SINGLE.split(' '));
        for path in expected.chain(["budget cap raise"]) {
            let (own, on_machine) = (find(path).unwrap(), find(&format!("cloud {path}")));
            let on_machine = on_machine.unwrap_or_else(|| panic!("{path} has no variant"));
            assert!(on_machine.scope.has_machine() && !own.scope.has_machine(), "{path}");
            assert_eq!(on_machine.scope.has_app(), own.scope.has_app(), "{path}");
            assert_eq!(
                (own.effect, own.json, own.id),
                (on_machine.effect, on_machine.json, on_machine.id)
            );
        }
        assert!(but.iter().all(|path| find(&format!("cloud {path}")).is_none()));
    }

    #[test]
    fn variants_have_machine_and_neither_rack_nor_the_ignored_wait() {
        let tree = full_command();
        for spec in COMMANDS {
            let is_below = spec.words().next() == Some(WORD);
            let mut command = &tree;
            for word in spec.words() {
                command = command.find_subcommand(word).unwrap();
            }
            let has = |name| command.get_arguments().any(|arg| arg.get_long() == Some(name));
            assert_eq!(is_below, has("machine"), "{}", spec.path);
            let is_hidden = |arg: &clap::Arg| arg.get_long() == Some("wait") && arg.is_hide_set();
            assert!(!is_below || !has("rack"), "{}", spec.path);
            assert!(!is_below || !command.get_arguments().any(is_hidden), "{}", spec.path);
            assert!(is_below || !spec.scope.has_machine(), "{}", spec.path);
        }
    }
}
