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

    /// Does an app show the release of a promote as soon as that is accepted? v2 and older racks
    /// show the one before until the update is over.
    pub fn shows_release_at_once(&self) -> bool {
        self.version.starts_with(['3', 'v', 'd'])
    }

    /// Does it find `docker-compose.yml` by itself? v2 and older racks do, for apps of the first
    /// generation; v3 racks have none.
    pub fn finds_docker_compose(&self) -> bool {
        !self.version.starts_with(['3', 'v', 'd'])
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
        assert!(Compat::of("20180101000000").finds_docker_compose());
        assert!(!Compat::of("3.24.6").finds_docker_compose());
        assert!(!Compat::of(OBJECTS).takes_release_environments());
        assert!(Compat::of("3.24.6").takes_release_environments());
    }
}
