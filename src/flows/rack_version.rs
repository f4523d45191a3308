//! Versions of racks.

use std::collections::BTreeMap;

/// Major, minor and patch version of a 3.x rack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub(crate) u64, pub(crate) u64, pub(crate) u64);

impl Version {
    /// Parses `3.24.7`. Candidates for a release and other versions are `None`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(|part| part.parse().ok());
        let version = Self(parts.next()??, parts.next()??, parts.next()??);
        (version.0 == 3 && parts.next().is_none()).then_some(version)
    }

    /// Returns whether both have the same minor version.
    pub(crate) fn is_patch_of(self, other: Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}

/// Returns whether one version is older than another. Only versions of 3.x racks are compared.
pub(crate) fn is_older(version: &str, than: &str) -> bool {
    Version::parse(version).zip(Version::parse(than)).is_some_and(|(version, than)| version < than)
}

/// Returns whether parameters are those of a v2 rack: some begin with an upper-case letter.
pub(crate) fn are_of_v2(parameters: &BTreeMap<String, String>) -> bool {
    parameters.keys().any(|name| name.starts_with(|one: char| one.is_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        assert!(is_older("3.24.6", "3.24.10") && !is_older("3.24.10", "3.24.9"));
        for other in ["2.24.6", "3.24", "3.24.6.1", "3.24.6-rc1", "20240101000000", ""] {
            assert_eq!(Version::parse(other), None, "{other}");
        }
    }
}
