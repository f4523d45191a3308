//! Which rack a command talks to. Decided from what is set; no rack or console is asked here.
//!
//! 1. `RACK_URL`.
//! 2. A name: `--rack`, `CONVOX_RACK`, `.convox/rack` in the working folder, the file `rack` of
//!    older clients. It is matched against the configured racks by [`match_rack`].
//! 3. The rack that `switch` chose.
//!
//! `@dev` always is the built-in development rack; `dev` is it where no configured rack matches.

use std::fmt;

use super::current::{CurrentRack, RackKind};
use super::files::FilesError;
use convox_client::RackUrl;

/// The rack that was asked for.
#[derive(Debug, Clone)]
pub enum Target {
    /// The rack at this address, named `direct`.
    Url(RackUrl),
    /// The built-in development rack, for certain.
    Dev,
    /// A rack to be matched by name.
    Named(String),
    /// The rack that `switch` chose, by its full name and kind. Never the development rack.
    Current(CurrentRack),
}

/// What names a rack, the strongest first.
#[derive(Debug, Clone, Default)]
pub struct RackSources<'a> {
    /// `RACK_URL`.
    pub url: Option<&'a RackUrl>,
    /// `--rack`; empty counts as not given.
    pub flag: Option<&'a str>,
    /// `CONVOX_RACK`.
    pub variable: Option<&'a str>,
}

/// No rack can be told.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Nothing names one.
    #[error("no current rack, use `convox racks` to list and `convox switch <name>` to select")]
    NoCurrentRack,
    /// RACK_URL means one rack and `dev` another.
    #[error(
        "{source_of_name} asks for the development rack, but RACK_URL is set to {url}: \
         unset RACK_URL, or leave {source_of_name} out"
    )]
    DevBesideUrl {
        /// `--rack dev` or `CONVOX_RACK=dev`.
        source_of_name: String,
        /// The other rack's address, without its password.
        url: String,
    },
    /// A settings file cannot be used.
    #[error(transparent)]
    ConfigDir(#[from] FilesError),
}

const DEV: &str = "dev";
const ALWAYS_DEV: &str = "@dev";

impl Target {
    /// Decides by the rules above. `stored_name` and `current` are read only where they count.
    ///
    /// # Errors
    /// No rack is named; the development rack is named beside RACK_URL; a settings file that
    /// counts cannot be used.
    pub fn decide(
        sources: &RackSources<'_>,
        stored_name: impl FnOnce() -> Result<Option<String>, FilesError>,
        current: impl FnOnce() -> Result<Option<CurrentRack>, FilesError>,
    ) -> Result<Self, TargetError> {
        if let Some(url) = sources.url {
            refuse_dev_beside(url, sources)?;
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

fn refuse_dev_beside(url: &RackUrl, sources: &RackSources<'_>) -> Result<(), TargetError> {
    let Some(name @ (DEV | ALWAYS_DEV)) = sources.name() else { return Ok(()) };
    let source_of_name = match sources.flag() {
        Some(_) => format!("--rack {name}"),
        None => format!("CONVOX_RACK={name}"),
    };
    Err(TargetError::DevBesideUrl { source_of_name, url: url.to_string() })
}

/// The rack that a name means.
#[derive(Debug, PartialEq, Eq)]
pub enum Choice<'a, C> {
    /// A configured rack.
    Configured(&'a C),
    /// The built-in development rack.
    Dev,
}

/// No rack, or more than one, has the name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoMatch {
    /// None has it or contains it.
    #[error("could not find rack: {0}, use `convox racks` to list them")]
    None(String),
    /// Several contain it and none is exactly it.
    #[error("ambiguous rack name: {name}, it may be any of {}", Listed(candidates))]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// The full names of those that contain it.
        candidates: Vec<String>,
    },
}

/// The configured rack that `name` means: the one of exactly this name, else the only one whose
/// name contains it (case matters), as existing clients match.
///
/// # Errors
/// No such rack, or several.
pub fn matching<'a, C>(
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

/// As [`matching`], and `dev` means the development rack where no configured rack matches it.
///
/// # Errors
/// No such rack, or several.
pub fn match_rack<'a, C>(
    name: &str,
    racks: &'a [C],
    name_of: impl Fn(&C) -> &str,
) -> Result<Choice<'a, C>, NoMatch> {
    match (name, matching(name, racks, name_of)) {
        (ALWAYS_DEV, _) | (DEV, Err(NoMatch::None(_))) => Ok(Choice::Dev),
        (_, found) => found.map(Choice::Configured),
    }
}

/// Names in a sentence; a long list is cut.
struct Listed<'a>(&'a [String]);

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

    fn decide(
        url: Option<&str>,
        names: [Option<&str>; 3],
        chosen: Option<CurrentRack>,
    ) -> Result<Target, TargetError> {
        let url = url.map(|url| url.parse().unwrap());
        let sources = RackSources { url: url.as_ref(), flag: names[0], variable: names[1] };
        Target::decide(&sources, || Ok(names[2].map(str::to_owned)), || Ok(chosen))
    }

    fn name_of(target: Result<Target, TargetError>) -> String {
        match target.unwrap() {
            Target::Named(name) => name,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_address_beats_every_name() {
        let names = [Some("nowhere"), Some("beta"), Some("dev")];
        let target = decide(Some("http://host"), names, None).unwrap();
        assert!(matches!(target, Target::Url(url) if url.base() == "http://host"));
    }

    #[test]
    fn the_flag_beats_the_variable_and_that_the_stored_name_and_that_the_chosen_rack() {
        let chosen = || Some(current(RackKind::Console));
        let names = [Some("a"), Some("b"), Some("c")];
        assert_eq!(name_of(decide(None, names, chosen())), "a");
        assert_eq!(name_of(decide(None, [Some(""), Some("b"), Some("c")], chosen())), "b");
        assert_eq!(name_of(decide(None, [None, None, Some("c")], chosen())), "c");
        let target = decide(None, [None; 3], chosen()).unwrap();
        assert!(matches!(target, Target::Current(rack) if rack == current(RackKind::Console)));
    }

    #[test]
    fn nothing_set_says_what_to_do() {
        let error = decide(None, [None; 3], None).unwrap_err().to_string();
        let expected =
            "no current rack, use `convox racks` to list and `convox switch <name>` to select";
        assert_eq!(error, expected);
    }

    #[test]
    fn the_development_rack_is_always_meant_by_its_sign() {
        for names in [[Some("@dev"), None, None], [None, Some("@dev"), None]] {
            assert!(matches!(decide(None, names, None), Ok(Target::Dev)));
        }
        let chosen = Some(current(RackKind::Dev));
        assert!(matches!(decide(None, [None; 3], chosen), Ok(Target::Dev)));
        assert_eq!(name_of(decide(None, [Some("dev"), None, None], None)), "dev");
    }

    #[test]
    fn the_development_rack_beside_an_address_is_refused_naming_both() {
        let url = Some("https://convox:hunter2@host");
        for (names, said) in [
            ([Some("dev"), None, None], "--rack dev"),
            ([Some("@dev"), Some("beta"), None], "--rack @dev"),
            ([None, Some("dev"), None], "CONVOX_RACK=dev"),
        ] {
            let error = decide(url, names, None).unwrap_err().to_string();
            assert!(error.starts_with(said), "{error}");
            assert!(error.contains("RACK_URL is set to https://host:"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        assert!(decide(url, [Some("beta"), Some("dev"), None], None).is_ok());
        assert!(decide(url, [None, None, Some("dev")], None).is_ok());
    }

    fn find<'a>(name: &str, racks: &'a [&'a str]) -> Result<&'a &'a str, NoMatch> {
        matching(name, racks, |rack| rack)
    }

    #[test]
    fn an_exact_name_wins_and_a_part_must_be_of_one_rack_only() {
        let racks = ["alpha", "alphabet", "acme/north"];
        assert_eq!(find("alpha", &racks), Ok(&"alpha"));
        assert_eq!(find("bet", &racks), Ok(&"alphabet"));
        assert_eq!(find("north", &racks), Ok(&"acme/north"));
        assert_eq!(find("NORTH", &racks), Err(NoMatch::None("NORTH".into())));
        let error = find("alp", &racks).unwrap_err().to_string();
        assert_eq!(error, "ambiguous rack name: alp, it may be any of alpha, alphabet");
        let error = find("nowhere", &racks).unwrap_err().to_string();
        assert_eq!(error, "could not find rack: nowhere, use `convox racks` to list them");
    }

    #[test]
    fn a_long_list_of_candidates_is_cut() {
        let racks: Vec<_> = (0..15).map(|number| format!("rack-{number}")).collect();
        let error = matching("rack", &racks, |rack| rack).unwrap_err().to_string();
        assert!(error.ends_with("rack-8, rack-9 and 5 more"), "{error}");
    }

    #[test]
    fn dev_is_built_in_only_while_no_configured_rack_matches_it() {
        let chosen = |name, racks: &[&'static str]| {
            match_rack(name, racks, |rack| rack).map(|choice| match choice {
                Choice::Configured(rack) => *rack,
                Choice::Dev => "(built in)",
            })
        };
        assert_eq!(chosen("dev", &["alpha"]), Ok("(built in)"));
        assert_eq!(chosen("dev", &["dev", "acme/dev"]), Ok("dev"));
        assert_eq!(chosen("dev", &["acme/develop"]), Ok("acme/develop"));
        assert!(chosen("dev", &["dev1", "dev2"]).is_err());
        assert_eq!(chosen("@dev", &["dev", "dev2"]), Ok("(built in)"));
        assert!(chosen("de", &["alpha"]).is_err());
    }
}
