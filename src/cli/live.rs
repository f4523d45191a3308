//! Which arguments name something that a rack has, so that shells can complete it.
//!
//! The type of an argument's value says it: a `ReleaseId` names a release. Names of things that do
//! not exist yet are marked with [`ValueHint::Other`].

use std::any::TypeId;

use clap::{Arg, Command, ValueHint};

use convox_wire::{
    AppName, BuildId, MachineName, ProcessId, RackName, RackResourceName, ReleaseId, ResourceName,
    ServiceName,
};

/// What an argument names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LiveKind {
    App,
    Build,
    /// Of a console.
    Machine,
    Process,
    Rack,
    /// Of a rack (v2).
    RackResource,
    Release,
    /// Of an app.
    Resource,
    Service,
}

impl LiveKind {
    /// The kind of an argument; `None` if it names nothing that exists on a rack.
    pub(crate) fn of(arg: &Arg) -> Option<Self> {
        if arg.get_value_hint() == ValueHint::Other {
            return None;
        }
        let kinds = [
            (TypeId::of::<AppName>(), Self::App),
            (TypeId::of::<BuildId>(), Self::Build),
            (TypeId::of::<MachineName>(), Self::Machine),
            (TypeId::of::<ProcessId>(), Self::Process),
            (TypeId::of::<RackName>(), Self::Rack),
            (TypeId::of::<RackResourceName>(), Self::RackResource),
            (TypeId::of::<ReleaseId>(), Self::Release),
            (TypeId::of::<ResourceName>(), Self::Resource),
            (TypeId::of::<ServiceName>(), Self::Service),
        ];
        let id = arg.get_value_parser().type_id();
        kinds.into_iter().find(|(of, _)| id == *of).map(|(_, kind)| kind)
    }

    /// The word for several of them.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::App => "apps",
            Self::Build => "builds",
            Self::Machine => "machines",
            Self::Process => "processes",
            Self::Rack => "racks",
            Self::RackResource => "rack-resources",
            Self::Release => "releases",
            Self::Resource => "resources",
            Self::Service => "services",
        }
    }

    /// Whether each app has its own.
    pub(crate) fn belongs_to_app(self) -> bool {
        !matches!(self, Self::App | Self::Machine | Self::Rack | Self::RackResource)
    }
}

/// The options below a command that name something live, each short and long form once.
pub(super) fn options(command: &Command) -> Vec<(Option<char>, String)> {
    let mut found = Vec::new();
    collect(command, &mut found);
    found.sort();
    found.dedup();
    found
}

fn collect(command: &Command, found: &mut Vec<(Option<char>, String)>) {
    let named = command.get_arguments().filter(|arg| LiveKind::of(arg).is_some());
    found.extend(named.filter_map(|arg| Some((arg.get_short(), arg.get_long()?.to_owned()))));
    command.get_subcommands().for_each(|below| collect(below, found));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::full_command;

    /// What the words of the field stand for where they name an argument.
    const WORDS: [(&str, LiveKind); 8] = [
        ("app", LiveKind::App),
        ("build", LiveKind::Build),
        ("machine", LiveKind::Machine),
        ("process", LiveKind::Process),
        ("rack", LiveKind::Rack),
        ("release", LiveKind::Release),
        ("resource", LiveKind::Resource),
        ("service", LiveKind::Service),
    ];

    fn arguments(path: &str, command: &Command, found: &mut Vec<(String, Arg)>) {
        for arg in command.get_arguments() {
            found.push((format!("{path} {}", arg.get_id()), arg.clone()));
        }
        for below in command.get_subcommands() {
            arguments(&format!("{path} {}", below.get_name()), below, found);
        }
    }

    #[test]
    fn every_argument_that_names_something_of_a_rack_is_completed() {
        let mut all = Vec::new();
        arguments("convox", &full_command(), &mut all);
        let mut seen = Vec::new();
        for (path, arg) in all {
            let value_name = arg.get_value_names().and_then(|names| Some(names.first()?.as_str()));
            let words = [arg.get_id().as_str(), value_name.unwrap_or_default()];
            let named = WORDS.iter().find(|(word, _)| {
                arg.get_action().takes_values()
                    && words.iter().any(|given| given.eq_ignore_ascii_case(word))
            });
            let Some((_, expected)) = named else { continue };
            let is_new = arg.get_value_hint() == ValueHint::Other;
            let is_right = match LiveKind::of(&arg) {
                Some(LiveKind::RackResource) => *expected == LiveKind::Resource,
                kind => kind == Some(*expected),
            };
            assert!(is_new || is_right, "{path} names one of the {}", expected.name());
            seen.push(*expected);
        }
        for (word, kind) in WORDS {
            assert!(seen.contains(&kind), "no argument is named {word}");
        }
    }

    #[test]
    fn names_of_new_things_are_not_completed() {
        let tree = full_command();
        let create = tree.find_subcommand("apps").and_then(|apps| apps.find_subcommand("create"));
        let name = create.and_then(|create| create.get_positionals().next());
        assert_eq!(name.map(LiveKind::of), Some(None));
    }
}
