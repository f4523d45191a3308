//! The features of racks, by version.
//!
//! v2 and older racks have date stamps as versions, v3 racks `3.x.y`. The Go clients compare
//! versions as text, so `3.24.6` and `dev` are newer than any stamp, and an empty version is older.

use std::fmt;

/// The features of one rack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compat {
    version: String,
    is_machine: bool,
}

/// What stands for the version of a machine's rack where versions are compared as text.
const MACHINE: &str = "v3";

/// How a rack takes an exported build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuildImport {
    /// As the body of the request.
    Body,
    /// As an object that the request names.
    Object,
    /// As a file in the form of a new build.
    Image,
}

/// A version of v3 racks: major, minor, patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RackVersion(pub u32, pub u32, pub u32);

/// The first version with budgets, costs, ranges of scaling, triggers and imports of images.
pub const V3_24_6: RackVersion = RackVersion(3, 24, 6);

impl RackVersion {
    /// Returns what a feature of this version requires, in the words of 3.x clients.
    pub fn requirement(self) -> String {
        format!("rack version {self} or later")
    }
}

impl fmt::Display for RackVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

const OBJECTS: &str = "20180708231844";

/// The last version of v2 racks whose apps have no resources.
pub const LAST_WITHOUT_APP_RESOURCES: &str = "20190111211123";

impl Compat {
    /// The features of a rack of this version.
    pub fn of(version: &str) -> Self {
        Self { version: version.to_owned(), is_machine: false }
    }

    /// The features of the rack of a machine. Consoles do not report its version, but keep it
    /// current: what it does not have after all, it refuses.
    pub fn of_machine() -> Self {
        Self { version: MACHINE.to_owned(), is_machine: true }
    }

    /// Whether sources are uploaded as objects. Older racks expect them in the request that starts
    /// the build.
    pub fn takes_objects(&self) -> bool {
        self.version.as_str() >= OBJECTS
    }

    /// Returns how the rack takes an exported build.
    pub fn build_import(&self) -> BuildImport {
        match self.version.as_str() {
            version if version <= "20180416200237" => BuildImport::Image,
            version if version <= OBJECTS => BuildImport::Object,
            _ => BuildImport::Body,
        }
    }

    /// Returns whether environments are set by creating releases. Older racks have separate routes.
    pub fn takes_release_environments(&self) -> bool {
        self.version.as_str() > OBJECTS
    }

    /// Whether an app shows a promoted release as soon as the promote is accepted. v2 and older
    /// racks show the previous one until the update has ended.
    pub fn shows_release_at_once(&self) -> bool {
        self.is_v3()
    }

    /// Returns whether the rack has the routes of 2018, such as parameters as part of an app. Racks
    /// up to 20180708231844 have others for apps' parameters, certificates, registries and resources.
    pub fn is_after_2018(&self) -> bool {
        self.version.as_str() > OBJECTS
    }

    /// Returns whether the rack lists the services of an app. Older racks list a formation.
    pub fn lists_services(&self) -> bool {
        self.version.as_str() >= OBJECTS
    }

    /// Returns whether apps have resources.
    pub fn has_app_resources(&self) -> bool {
        self.version.as_str() > LAST_WITHOUT_APP_RESOURCES
    }

    /// Returns whether the rack has this version or a newer one. A `v` before it and what
    /// follows the numbers (`3.24.6rc5`, `3.24.6-dev`) do not count. Date stamps are older. The rack of
    /// a machine counts as newer.
    pub fn is_at_least(&self, version: RackVersion) -> bool {
        if self.is_machine {
            return true;
        }
        let mut parts = self.version.trim_start_matches('v').splitn(3, '.').map(|part| {
            let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part[..digits].parse::<u32>().ok()
        });
        let mut next = || parts.next().flatten();
        match (next(), next(), next()) {
            (Some(a), Some(b), Some(c)) => RackVersion(a, b, c) >= version,
            _ => false,
        }
    }

    fn is_v3(&self) -> bool {
        self.version.starts_with(['3', 'v', 'd'])
    }

    /// The version, as the rack reports it.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether the rack finds `docker-compose.yml` by itself, as v2 and older racks do for apps of
    /// the first generation.
    pub fn finds_docker_compose(&self) -> bool {
        !self.is_v3()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number_where_features_depend_on_a_release() {
        for new in ["3.24.6", "v3.24.6", "3.24.6rc5", "3.24.6-dev+1", "3.25.0", "4.0.0", "3.100.0"]
        {
            assert!(Compat::of(new).is_at_least(V3_24_6), "{new}");
        }
        for old in ["3.24.5", "3.9.9", "3.24", "3", "", "dev", "20260401000000", "2.99.99", "x.y.z"]
        {
            assert!(!Compat::of(old).is_at_least(V3_24_6), "{old}");
        }
    }

    #[test]
    fn the_rack_of_a_machine_has_every_feature_of_v3() {
        let machine = Compat::of_machine();
        assert!(machine.is_at_least(V3_24_6) && machine.is_at_least(RackVersion(4, 0, 0)));
        assert!(machine.takes_objects() && machine.takes_release_environments());
        assert!(machine.shows_release_at_once() && machine.has_app_resources());
        assert!(!machine.finds_docker_compose());
        assert_eq!(machine.build_import(), BuildImport::Body);
    }

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
