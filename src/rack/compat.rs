//! What racks of different ages can do, asked of their version.
//!
//! v2 and older racks carry date stamps, v3 racks `3.x.y`. The existing clients compare the texts,
//! so `3.24.6` and `dev` count as newer than every stamp, and an empty version as ancient.

/// Answers about one rack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compat {
    version: String,
}

const OBJECTS: &str = "20180708231844";

impl Compat {
    /// The answers for a rack of this version.
    pub fn of(version: &str) -> Self {
        Self { version: version.to_owned() }
    }

    /// Does it take sources as objects? Older ones want them in the form that starts the build.
    pub fn takes_objects(&self) -> bool {
        self.version.as_str() >= OBJECTS
    }

    /// Are environments part of releases? Older ones have routes of their own for them.
    pub fn takes_release_environments(&self) -> bool {
        self.version.as_str() > OBJECTS
    }

    /// Does it look for `convox.yml` unless told otherwise?
    pub fn expects_convox_yml(&self) -> bool {
        self.takes_objects()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_text() {
        let objects = |version| Compat::of(version).takes_objects();
        assert!(
            objects("3.24.6") && objects("dev") && objects("20260401000000") && objects(OBJECTS)
        );
        assert!(!objects("20180101000000") && !objects(""));
        assert!(!Compat::of(OBJECTS).takes_release_environments());
        assert!(Compat::of("3.24.6").takes_release_environments());
    }
}
