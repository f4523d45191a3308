//! The rack that a command talks to, determined from the settings alone, without any request:
//!
//! 1. `RACK_URL`.
//! 2. A name: `--rack`, `CONVOX_RACK`, `.convox/rack` in the working directory, the file `rack` of
//!    older clients. [`match_rack`] matches it against the configured racks.
//! 3. The current rack, as selected by `switch`.
//!
//! `@dev` always means the built-in development rack; `dev` means it unless a configured rack
//! matches.

use std::fmt;

use super::config_dir::ConfigError;
use super::current::{CurrentRack, RackKind};
use convox_client::RackUrl;

/// The requested rack.
#[derive(Debug, Clone)]
pub enum Target {
    /// The rack at this address. It is displayed as `direct`.
    Url(RackUrl),
    /// The built-in development rack.
    Dev,
    /// The rack whose name matches this one.
    Named(String),
    /// The current rack, by full name and kind. Never the development rack.
    Current(CurrentRack),
}

/// The places that may name a rack, in order of precedence.
#[derive(Debug, Clone, Default)]
pub struct RackSources<'a> {
    /// `RACK_URL`.
    pub url: Option<&'a RackUrl>,
    /// `--rack`. An empty one is ignored.
    pub flag: Option<&'a str>,
    /// `CONVOX_RACK`.
    pub variable: Option<&'a str>,
}

/// Why no rack can be determined.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// No rack is named or selected.
    #[error("no current rack, use `convox racks` to list and `convox switch <name>` to select")]
    NoCurrentRack,
    /// The development rack is requested although `RACK_URL` is set.
    #[error("{source_of_name} asks for the development rack, but RACK_URL is set to {url}")]
    DevBesideUrl {
        /// `--rack dev` or `CONVOX_RACK=dev`.
        source_of_name: String,
        /// `RACK_URL`, without its password.
        url: String,
    },
    /// A settings file can't be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

const DEV: &str = "dev";
const ALWAYS_DEV: &str = "@dev";

impl Target {
    /// Returns the rack, following the rules above. `stored_name` and `current` are called only
    /// when nothing takes precedence over them.
    ///
    /// # Errors
    /// No rack is named, the development rack is requested although `RACK_URL` is set, or a
    /// settings file can't be used.
    pub fn resolve(
        sources: &RackSources<'_>,
        stored_name: impl FnOnce() -> Result<Option<String>, ConfigError>,
        current: impl FnOnce() -> Result<Option<CurrentRack>, ConfigError>,
    ) -> Result<Self, TargetError> {
        if let Some(url) = sources.url {
            refuse_dev_beside_url(url, sources)?;
            return Ok(Self::Url(url.clone()));
        }
        if let Some(name) = sources.name() {
            return Ok(Self::named(name));
        }
        if let Some(name) = stored_name()? {
            return Ok(Self::named(&name));
        }
        match current()? {
            Some(CurrentRack { kind: RackKind::Dev, .. }) => Ok(Self::Dev),
            Some(current) => Ok(Self::Current(current)),
            None => Err(TargetError::NoCurrentRack),
        }
    }

    fn named(name: &str) -> Self {
        if name == ALWAYS_DEV { Self::Dev } else { Self::Named(name.to_owned()) }
    }
}

impl<'a> RackSources<'a> {
    fn name(&self) -> Option<&'a str> {
        self.flag().or(self.variable)
    }

    fn flag(&self) -> Option<&'a str> {
        self.flag.filter(|name| !name.trim().is_empty())
    }
}

fn refuse_dev_beside_url(url: &RackUrl, sources: &RackSources<'_>) -> Result<(), TargetError> {
    let Some(name @ (DEV | ALWAYS_DEV)) = sources.name() else { return Ok(()) };
    let source_of_name = match sources.flag() {
        Some(_) => format!("--rack {name}"),
        None => format!("CONVOX_RACK={name}"),
    };
    Err(TargetError::DevBesideUrl { source_of_name, url: url.to_string() })
}

/// The rack that matches a name.
#[derive(Debug, PartialEq, Eq)]
pub enum Choice<'a, C> {
    /// A configured rack.
    Configured(&'a C),
    /// The built-in development rack.
    Dev,
}

/// Why a name matches no rack.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoMatch {
    /// No rack has a name that contains it.
    #[error("could not find rack: {0}")]
    None(String),
    /// Several racks have a name that contains it, and none has exactly this name.
    #[error("ambiguous rack name: {name} (matches {})", Listed(candidates))]
    Ambiguous {
        /// The requested name.
        name: String,
        /// The full names of the matching racks.
        candidates: Vec<String>,
    },
}

/// Returns the configured rack that `name` stands for: the one with exactly this name, or the only
/// one whose name contains it. Case matters. Other clients match in the same way.
///
/// # Errors
/// No rack matches, or several do.
pub fn match_configured<'a, C>(
    name: &str,
    racks: &'a [C],
    name_of: impl Fn(&C) -> &str,
) -> Result<&'a C, NoMatch> {
    if let Some(rack) = racks.iter().find(|rack| name_of(rack) == name) {
        return Ok(rack);
    }
    let mut candidates = racks.iter().filter(|rack| name_of(rack).contains(name));
    match (candidates.next(), candidates.next()) {
        (None, _) => Err(NoMatch::None(name.to_owned())),
        (Some(rack), None) => Ok(rack),
        (Some(first), Some(second)) => {
            let all = [first, second].into_iter().chain(candidates);
            let candidates = all.map(|rack| name_of(rack).to_owned()).collect();
            Err(NoMatch::Ambiguous { name: name.to_owned(), candidates })
        }
    }
}

/// Like [`match_configured`], but `dev` stands for the development rack if no configured rack
/// matches it, and `@dev` always does.
///
/// # Errors
/// No rack matches, or several do.
pub fn match_rack<'a, C>(
    name: &str,
    racks: &'a [C],
    name_of: impl Fn(&C) -> &str,
) -> Result<Choice<'a, C>, NoMatch> {
    match (name, match_configured(name, racks, name_of)) {
        (ALWAYS_DEV, _) | (DEV, Err(NoMatch::None(_))) => Ok(Choice::Dev),
        (_, found) => found.map(Choice::Configured),
    }
}

/// Names separated by commas; a long list is truncated.
pub struct Listed<'a>(pub &'a [String]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 10;
        let more = self.0.len().saturating_sub(SHOWN);
        f.write_str(&self.0[..self.0.len() - more].join(", "))?;
        if more > 0 {
            write!(f, " and {more} more")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn current(kind: RackKind) -> CurrentRack {
        CurrentRack { name: "acme/north".into(), kind }
    }

    fn resolve(
        url: Option<&str>,
        names: [Option<&str>; 3],
        selected: Option<CurrentRack>,
    ) -> Result<Target, TargetError> {
        let url = url.map(|url| url.parse().unwrap());
        let sources = RackSources { url: url.as_ref(), flag: names[0], variable: names[1] };
        Target::resolve(&sources, || Ok(names[2].map(str::to_owned)), || Ok(selected))
    }

    fn name_of(target: Result<Target, TargetError>) -> String {
        match target.unwrap() {
            Target::Named(name) => name,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rack_url_wins_over_every_name() {
        let names = [Some("nowhere"), Some("beta"), Some("dev")];
        let target = resolve(Some("http://host"), names, None).unwrap();
        assert!(matches!(target, Target::Url(url) if url.base() == "http://host"));
    }

    #[test]
    fn flag_variable_stored_name_and_current_rack_win_in_this_order() {
        let selected = || Some(current(RackKind::Console));
        let names = [Some("a"), Some("b"), Some("c")];
        assert_eq!(name_of(resolve(None, names, selected())), "a");
        assert_eq!(name_of(resolve(None, [Some(""), Some("b"), Some("c")], selected())), "b");
        assert_eq!(name_of(resolve(None, [None, None, Some("c")], selected())), "c");
        let target = resolve(None, [None; 3], selected()).unwrap();
        assert!(matches!(target, Target::Current(rack) if rack == current(RackKind::Console)));
    }

    #[test]
    fn without_any_rack_the_error_names_the_commands_to_run() {
        let error = resolve(None, [None; 3], None).unwrap_err().to_string();
        let expected =
            "no current rack, use `convox racks` to list and `convox switch <name>` to select";
        assert_eq!(error, expected);
    }

    #[test]
    fn at_dev_always_means_the_development_rack() {
        for names in [[Some("@dev"), None, None], [None, Some("@dev"), None]] {
            assert!(matches!(resolve(None, names, None), Ok(Target::Dev)));
        }
        let selected = Some(current(RackKind::Dev));
        assert!(matches!(resolve(None, [None; 3], selected), Ok(Target::Dev)));
        assert_eq!(name_of(resolve(None, [Some("dev"), None, None], None)), "dev");
    }

    #[test]
    fn the_development_rack_is_refused_beside_rack_url_naming_both() {
        let url = Some("https://convox:hunter2@host");
        for (names, said) in [
            ([Some("dev"), None, None], "--rack dev"),
            ([Some("@dev"), Some("beta"), None], "--rack @dev"),
            ([None, Some("dev"), None], "CONVOX_RACK=dev"),
        ] {
            let error = resolve(url, names, None).unwrap_err().to_string();
            assert!(error.starts_with(said), "{error}");
            assert!(error.contains("RACK_URL is set to https://host"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        assert!(resolve(url, [Some("beta"), Some("dev"), None], None).is_ok());
        assert!(resolve(url, [None, None, Some("dev")], None).is_ok());
    }

    fn find<'a>(name: &str, racks: &'a [&'a str]) -> Result<&'a &'a str, NoMatch> {
        match_configured(name, racks, |rack| rack)
    }

    #[test]
    fn an_exact_name_wins_and_a_part_of_a_name_must_be_unique() {
        let racks = ["alpha", "alphabet", "acme/north"];
        assert_eq!(find("alpha", &racks), Ok(&"alpha"));
        assert_eq!(find("bet", &racks), Ok(&"alphabet"));
        assert_eq!(find("north", &racks), Ok(&"acme/north"));
        assert_eq!(find("NORTH", &racks), Err(NoMatch::None("NORTH".into())));
        let error = find("alp", &racks).unwrap_err().to_string();
        assert_eq!(error, "ambiguous rack name: alp (matches alpha, alphabet)");
        let error = find("nowhere", &racks).unwrap_err().to_string();
        assert_eq!(error, "could not find rack: nowhere");
    }

    #[test]
    fn a_long_list_of_candidates_is_truncated() {
        let racks: Vec<_> = (0..15).map(|number| format!("rack-{number}")).collect();
        let error = match_configured("rack", &racks, |rack| rack).unwrap_err().to_string();
        assert!(error.ends_with("rack-8, rack-9 and 5 more)"), "{error}");
    }

    #[test]
    fn dev_is_the_development_rack_unless_a_configured_rack_matches() {
        let find = |name, racks: &[&'static str]| {
            match_rack(name, racks, |rack| rack).map(|choice| match choice {
                Choice::Configured(rack) => *rack,
                Choice::Dev => "(built in)",
            })
        };
        assert_eq!(find("dev", &["alpha"]), Ok("(built in)"));
        assert_eq!(find("dev", &["dev", "acme/dev"]), Ok("dev"));
        assert_eq!(find("dev", &["acme/develop"]), Ok("acme/develop"));
        assert!(find("dev", &["dev1", "dev2"]).is_err());
        assert_eq!(find("@dev", &["dev", "dev2"]), Ok("(built in)"));
        assert!(find("de", &["alpha"]).is_err());
    }
}
