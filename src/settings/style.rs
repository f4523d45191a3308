//! The two output styles, and what follows from them: whether a promote is waited for.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How `deploy`, `releases`, `releases promote` and `apps` print and wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// The guide's form. A promote returns at once unless waiting is asked for.
    #[default]
    Classic,
    /// The form of the 3.x clients. A promote always waits.
    V3,
}

/// A word that names no style.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown style {0:?}: classic or v3 is expected")]
pub struct UnknownStyle(String);

impl FromStr for Style {
    type Err = UnknownStyle;

    fn from_str(word: &str) -> Result<Self, UnknownStyle> {
        match word {
            "classic" => Ok(Self::Classic),
            "v3" => Ok(Self::V3),
            other => Err(UnknownStyle(other.to_owned())),
        }
    }
}

impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Classic => "classic",
            Self::V3 => "v3",
        })
    }
}

/// Whether a promote is waited for, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Return once the rack has accepted.
    No,
    /// Stay until the app runs the release, at most this long.
    Until(Duration),
}

/// How long a wait lasts that was given no limit. Racks may take longer than the 35 minutes of
/// the 3.x clients before they give up themselves.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(60 * 60);

impl Wait {
    /// The wait that follows from the style, from `--wait` or CONVOX_WAIT (`asked`), and from
    /// `--wait-timeout`, which asks for a wait too.
    pub fn chosen(style: Style, asked: bool, limit: Option<Duration>) -> Self {
        if style == Style::V3 || asked || limit.is_some() {
            return Self::Until(limit.unwrap_or(DEFAULT_WAIT));
        }
        Self::No
    }
}

/// What a promote does about an app that is not at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BusyPolicy {
    /// Refuses, and a release that is active already too.
    Refuse,
    /// Waits for the app, shows its log while waiting, and promote_options whatever is active.
    Queue,
}

impl BusyPolicy {
    /// What follows from the style.
    pub fn chosen(style: Style) -> Self {
        match style {
            Style::Classic => Self::Refuse,
            Style::V3 => Self::Queue,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_style_is_named_by_its_word() {
        for style in [Style::Classic, Style::V3] {
            assert_eq!(style.to_string().parse(), Ok(style));
        }
    }

    #[test]
    fn other_words_are_refused_with_the_good_ones() {
        for word in ["", "V3", "v2", "json"] {
            let error = word.parse::<Style>().unwrap_err().to_string();
            assert!(error.ends_with("classic or v3 is expected"), "{error}");
        }
    }

    #[test]
    fn classic_waits_when_asked_and_v3_always() {
        let limit = Duration::from_secs(5);
        assert_eq!(Wait::chosen(Style::Classic, false, None), Wait::No);
        assert_eq!(Wait::chosen(Style::Classic, true, None), Wait::Until(DEFAULT_WAIT));
        assert_eq!(Wait::chosen(Style::Classic, false, Some(limit)), Wait::Until(limit));
        assert_eq!(Wait::chosen(Style::V3, false, None), Wait::Until(DEFAULT_WAIT));
        assert_eq!(Wait::chosen(Style::V3, false, Some(limit)), Wait::Until(limit));
    }
}
