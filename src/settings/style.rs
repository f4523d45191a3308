//! The two output styles, and how each of them promotes.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The output style of `deploy`, `releases`, `releases promote` and `apps`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// The form of the guide. A promote returns immediately unless `--wait` is given.
    #[default]
    Classic,
    /// The form of 3.x clients. A promote always waits.
    V3,
}

impl Style {
    /// Every style.
    pub const ALL: [Self; 2] = [Self::Classic, Self::V3];

    /// Returns whether stderr may have notices that 3.x clients do not print.
    pub fn has_notices(self) -> bool {
        self == Self::Classic
    }

    /// Its name in `--style` and `CONVOX_STYLE`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::V3 => "v3",
        }
    }
}

/// An unknown style.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown style: expected classic or v3")]
pub struct UnknownStyle;

impl FromStr for Style {
    type Err = UnknownStyle;

    fn from_str(word: &str) -> Result<Self, UnknownStyle> {
        match word {
            "classic" => Ok(Self::Classic),
            "v3" => Ok(Self::V3),
            _ => Err(UnknownStyle),
        }
    }
}

impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Whether to wait for a promote, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Return once the rack has accepted the promote.
    No,
    /// Wait until the release is running, for at most this long.
    Until(Duration),
}

/// The time limit of a wait without `--wait-timeout`. Racks may take longer to give up than the
/// 35 minutes that 3.x clients wait.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(60 * 60);

impl Wait {
    /// Returns the wait that results from the style, `--wait` or `CONVOX_WAIT` (`requested`), and
    /// `--wait-timeout`, which implies a wait.
    pub fn new(style: Style, requested: bool, limit: Option<Duration>) -> Self {
        if style == Style::V3 || requested || limit.is_some() {
            return Self::Until(limit.unwrap_or(DEFAULT_WAIT));
        }
        Self::No
    }
}

/// How a promote treats an app that is being updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BusyPolicy {
    /// Refuses to promote; also refuses a release that is already active.
    Refuse,
    /// Waits until the app is ready, showing its log, and promotes even an active release.
    Queue,
}

impl BusyPolicy {
    /// Returns the policy of a style.
    pub fn for_style(style: Style) -> Self {
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
    fn styles_round_trip_through_their_names() {
        for style in [Style::Classic, Style::V3] {
            assert_eq!(style.to_string().parse(), Ok(style));
        }
    }

    #[test]
    fn unknown_styles_are_refused_naming_the_known_ones() {
        for word in ["", "V3", "v2", "json"] {
            let error = word.parse::<Style>().unwrap_err().to_string();
            assert!(error.ends_with("expected classic or v3"), "{error}");
        }
    }

    #[test]
    fn classic_waits_on_request_and_v3_always() {
        let limit = Duration::from_secs(5);
        assert_eq!(Wait::new(Style::Classic, false, None), Wait::No);
        assert_eq!(Wait::new(Style::Classic, true, None), Wait::Until(DEFAULT_WAIT));
        assert_eq!(Wait::new(Style::Classic, false, Some(limit)), Wait::Until(limit));
        assert_eq!(Wait::new(Style::V3, false, None), Wait::Until(DEFAULT_WAIT));
        assert_eq!(Wait::new(Style::V3, false, Some(limit)), Wait::Until(limit));
    }
}
