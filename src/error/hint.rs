//! Advice: a command to run, or a sentence.
//!
//! A command in advice is built from its words and arguments, and drawn with the flags that the
//! run itself was given. So it acts on the rack, the app and the machine that the failure was
//! about, even if another rack is the current one.

use std::fmt;
use std::path::Path;

use shell_words::quote;

use super::credentials::Credentials;
use crate::args::{Scope, Site};
use convox_wire::{AppName, MachineName, RackName};

/// A piece of advice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hint {
    /// `lead: convox …`.
    Command {
        /// What the command is for, such as `create it with`.
        lead: String,
        /// The words that name it, such as `releases promote`.
        path: &'static str,
        /// Its own arguments, unquoted.
        args: Vec<String>,
        /// The app, if it is another than that of the run.
        app: Option<AppName>,
        /// The file that its standard input comes from.
        stdin: Option<String>,
    },
    /// A sentence without a command of ours in it.
    Sentence(String),
    /// What to do about refused credentials: where they are, or how to log in again.
    Credentials,
    /// How to log in again.
    LogIn,
    /// Where addresses of racks are listed, with what that is for. A console is not in the list.
    Address(&'static str),
}

/// What a run is about. Hints are drawn for it.
#[derive(Debug, Clone, Default)]
pub(crate) struct HintContext {
    /// The rack or the machine.
    pub(crate) site: Site,
    /// The app that the run has resolved.
    pub(crate) app: Option<AppName>,
    /// What there is to know of commands.
    pub(crate) commands: CommandIndex,
    /// What the run presents.
    pub(crate) credentials: Credentials,
}

/// What hints have to know of the command of some words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CommandIndex {
    /// What it acts on.
    pub(crate) scope_of: fn(&str) -> Option<Scope>,
    /// The command that does the same on a machine.
    pub(crate) on_machine: fn(&str) -> Option<Counterpart>,
}

/// The command of a machine instead of one of a rack.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counterpart {
    pub(crate) path: &'static str,
    /// What it needs besides the arguments of the other.
    pub(crate) needs: &'static [&'static str],
}

impl Default for CommandIndex {
    /// Takes every command for one that acts on an app of a rack.
    fn default() -> Self {
        Self { scope_of: |_| Some(Scope::App), on_machine: |_| None }
    }
}

impl CommandIndex {
    /// The command to advise in a run that acts there, with what it acts on; `None` if no such
    /// command acts on machines.
    fn resolve(&self, path: &'static str, site: &Site) -> Option<(Counterpart, Scope)> {
        let scope_of = |path| (self.scope_of)(path).unwrap_or(Scope::App);
        if let Site::Machine(_) = site {
            if let Some(counterpart) = (self.on_machine)(path) {
                return Some((counterpart, scope_of(counterpart.path)));
            }
            if scope_of(path).has_rack() {
                return None;
            }
        }
        Some((Counterpart { path, needs: &[] }, scope_of(path)))
    }
}

impl Hint {
    /// Advises the command that `path` names.
    pub(crate) fn command(lead: impl Into<String>, path: &'static str) -> Self {
        Self::Command { lead: lead.into(), path, args: Vec::new(), app: None, stdin: None }
    }

    /// Adds an argument of the command.
    pub(crate) fn arg(mut self, arg: impl fmt::Display) -> Self {
        if let Self::Command { args, .. } = &mut self {
            args.push(arg.to_string());
        }
        self
    }

    /// Names the app that the command is about.
    pub(crate) fn app(mut self, about: &AppName) -> Self {
        if let Self::Command { app, .. } = &mut self {
            *app = Some(about.clone());
        }
        self
    }

    /// Names the file that the command reads from its standard input.
    pub(crate) fn stdin(mut self, file: &Path) -> Self {
        if let Self::Command { stdin, .. } = &mut self {
            *stdin = Some(file.display().to_string());
        }
        self
    }

    /// The hint as text. It may contain what a rack or a file said: it is sanitized when printed.
    /// `None` on a machine, if the command acts only on racks.
    pub(crate) fn draw(&self, context: &HintContext) -> Option<String> {
        match self {
            Self::Sentence(text) => Some(text.clone()),
            Self::Credentials => context.credentials.advice().draw(context),
            Self::Address(lead) => context.credentials.address(lead).draw(context),
            Self::LogIn => context.credentials.log_in("log in again with").draw(context),
            Self::Command { lead, path, args, app, stdin } => {
                let (command, scope) = context.commands.resolve(path, &context.site)?;
                let app = app.as_ref().or(context.app.as_ref());
                let line = command_line(command, scope, args, app, &context.site);
                let stdin = stdin.as_ref().map(|file| format!(" < {}", quote(file)));
                Some(format!("{lead}: {line}{}", stdin.unwrap_or_default()))
            }
        }
    }
}

impl From<&str> for Hint {
    fn from(sentence: &str) -> Self {
        Self::Sentence(sentence.to_owned())
    }
}

impl From<String> for Hint {
    fn from(sentence: String) -> Self {
        Self::Sentence(sentence)
    }
}

/// A line for a shell, with the flags that say where it acts.
fn command_line(
    command: Counterpart,
    scope: Scope,
    args: &[String],
    app: Option<&AppName>,
    site: &Site,
) -> String {
    let mut line = format!("convox {}", command.path);
    let mut push = |word: &str| {
        line.push(' ');
        line.push_str(&quote(word));
    };
    args.iter().for_each(|arg| push(arg));
    command.needs.iter().for_each(|arg| push(arg));
    // A command that takes the app's name as an argument has it already.
    let app = app.filter(|app| scope.has_app() && !args.iter().any(|arg| arg == app.as_str()));
    let at = match site {
        Site::Rack(rack) => {
            ("-r", rack.as_ref().filter(|_| scope.has_rack()).map(RackName::as_str))
        }
        Site::Machine(machine) => {
            ("-i", machine.as_ref().filter(|_| scope.has_machine()).map(MachineName::as_str))
        }
    };
    let flags = [("-a", app.map(AppName::as_str)), at];
    for (flag, value) in flags {
        if let Some(value) = value {
            push(flag);
            push(value);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::fs;
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::cli::{self, COMMANDS, CommandSpec, Parsed, parse};

    #[test]
    fn a_command_names_the_app_and_the_rack_it_is_about() {
        let context = HintContext {
            site: Site::Rack(Some("dev".parse().unwrap())),
            app: Some("web".parse().unwrap()),
            commands: cli::INDEX,
            ..HintContext::default()
        };
        let draw = |hint: Hint| hint.draw(&context).unwrap();
        assert_eq!(
            draw(Hint::command("see", "builds logs").arg("B1")),
            "see: convox builds logs B1 -a web -r dev"
        );
        assert_eq!(
            draw(Hint::command("create it with", "apps create").arg("other")),
            "create it with: convox apps create other -r dev"
        );
        assert_eq!(draw(Hint::command("see", "racks")), "see: convox racks");
        assert_eq!(
            draw(Hint::command("see", "apps info").arg("web")),
            "see: convox apps info web -r dev"
        );
        let other = Hint::command("see", "releases").app(&"other".parse().unwrap());
        assert_eq!(draw(other), "see: convox releases -a other -r dev");
    }

    #[test]
    fn on_a_machine_a_command_acts_on_that_machine_or_is_not_advised() {
        let context = |machine: Option<&str>| HintContext {
            site: Site::Machine(machine.map(|name| name.parse().unwrap())),
            app: Some("web".parse().unwrap()),
            commands: cli::INDEX,
            ..HintContext::default()
        };
        let draw = |hint: &Hint| hint.draw(&context(Some("acme/prod")));
        for (path, expected) in [
            ("releases", Some("convox cloud releases -a web -i acme/prod")),
            ("apps", Some("convox cloud apps -i acme/prod")),
            ("logs", Some("convox cloud logs --service SERVICE -a web -i acme/prod")),
            ("rack", Some("convox cloud machines")),
            ("racks", Some("convox cloud machines")),
            ("cloud machines", Some("convox cloud machines")),
            ("login", Some("convox login")),
            ("rack logs", None),
            ("apps unlock", None),
            ("deploy-debug", None),
        ] {
            let expected = expected.map(|line| format!("see: {line}"));
            assert_eq!(draw(&Hint::command("see", path)), expected, "{path}");
        }
        // CONVOX_MACHINE goes on naming it.
        let drawn = Hint::command("see", "releases").draw(&context(None));
        assert_eq!(drawn.as_deref(), Some("see: convox cloud releases -a web"));
    }

    fn name() -> impl Strategy<Value = String> {
        prop_oneof!["[a-z][a-z0-9-]{0,8}", "[!-~&&[^-]][!-~]{0,12}", "[\u{a1}-\u{24f}]{1,6}"]
            .prop_filter("a name", |name| name.parse::<AppName>().is_ok())
    }

    proptest! {
        /// What a hint shows, typed into a shell, is the command that was meant, on the same rack or
        /// machine and app.
        #[test]
        fn a_command_acts_where_the_run_did(
            spec in prop::sample::select(COMMANDS.iter().map(|spec| spec.path).collect::<Vec<_>>()),
            args in proptest::collection::vec(name(), 0..3),
            place in proptest::option::of(name()),
            app in proptest::option::of(name()),
        ) {
            let spec = cli::find(spec).unwrap();
            let context = HintContext {
                site: match spec.scope.has_machine() {
                    true => Site::Machine(place.map(|machine| machine.parse().unwrap())),
                    false => Site::Rack(place.map(|rack| rack.parse().unwrap())),
                },
                app: app.as_ref().map(|app| app.parse().unwrap()),
                commands: cli::INDEX,
                ..HintContext::default()
            };
            let mut hint = Hint::command("see", spec.path);
            for arg in &args {
                hint = hint.arg(arg);
            }
            let drawn = hint.draw(&context).unwrap();
            let line = drawn.strip_prefix("see: ").unwrap();
            let words: Vec<OsString> =
                shell_words::split(line).unwrap().into_iter().map(OsString::from).collect();
            // Arguments that this command does not take are a usage error, which is not the point.
            if let Parsed::Command(read, _, global) = parse(&words) {
                prop_assert!(read.path == spec.path || !args.is_empty(), "{line}");
                if read.path == spec.path && spec.scope != Scope::Local {
                    prop_assert_eq!(global.site, context.site, "{}", line);
                }
                if read.path == spec.path && spec.scope.has_app() {
                    let is_named = app.as_ref().is_some_and(|app| args.contains(app));
                    prop_assert!(is_named || global.app == context.app, "{line}");
                }
            } else {
                prop_assert!(!args.is_empty() || needs_arguments(spec), "{line}");
            }
        }
    }

    fn needs_arguments(spec: &CommandSpec) -> bool {
        let command = (spec.augment)(clap::Command::new("convox"));
        command.get_positionals().any(clap::Arg::is_required_set)
    }

    fn sources(directory: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else {
                found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
            }
        }
    }

    /// The code of a file, without its tests, comments and help texts.
    fn code(text: &str) -> impl Iterator<Item = &str> {
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        let mut in_help = false;
        text.lines().filter(move |line| {
            in_help |= line.contains("#[command(");
            let is_code = !in_help && !line.trim_start().starts_with("//");
            in_help &= !line.trim_end().ends_with(")]");
            is_code
        })
    }

    #[test]
    fn advice_is_built_and_never_written_into_a_text() {
        let mut files = Vec::new();
        for directory in ["src", "crates/convox-devrack/src", "crates/convox-client/src"] {
            sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(directory), &mut files);
        }
        for (file, text) in files {
            for line in code(&text) {
                // Help texts show examples; the texts of existing clients are kept, and so are those
                // that the development rack, like other racks, writes into the log of an app.
                let is_kept = line.contains("Example")
                    || line.contains("use `convox racks` to list")
                    || line.contains("requires rack version")
                    || line.contains("requires {}")
                    || line.contains("use `convox env set KEY=VALUE`")
                    || line.contains("To enable: ")
                    || line.contains("Run 'convox ")
                    || file.contains("/commands/rack/params/")
                    || file.contains("/commands/budget/show.rs")
                    || file.contains("/convox-devrack/src/runner/")
                    || file.contains("/cli/")
                    || file.contains("/reference/");
                let command = COMMANDS.iter().find(|spec| {
                    line.contains(&format!("convox {} ", spec.path))
                        || line.contains(&format!("convox {}\"", spec.path))
                });
                if let Some(spec) = command.filter(|_| !is_kept) {
                    panic!("{file} writes `convox {}` into a text: {line}", spec.path);
                }
            }
        }
    }

    #[test]
    fn the_commands_in_advice_exist() {
        let mut files = Vec::new();
        sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut files);
        let call = regex::Regex::new(r#"Hint::command\([^"]*"[^"]*",\s*"([^"]*)""#).unwrap();
        let mut count = 0;
        for (file, text) in files {
            for found in call.captures_iter(&text) {
                assert!(cli::find(&found[1]).is_some(), "{file}: {}", &found[1]);
                count += 1;
            }
        }
        assert!(count > 20, "only {count} hints were found");
    }
}
