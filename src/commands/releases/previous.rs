//! Which release ran before the active one.

use convox_wire::{App, ReleaseId, ReleaseStatus, ReleaseSummary};

/// How many releases are searched for the one that ran before the active one.
pub(crate) const SEARCHED: u32 = 100;

/// Finds the active release, and the one that ran before it among `releases`, newest first.
/// Real racks do not say which releases ran: there it is the newest one with a build that is older
/// than the active one.
pub(crate) fn ran_before_active<'a>(
    app: &'a App,
    releases: &'a [ReleaseSummary],
) -> Option<(&'a ReleaseId, &'a ReleaseId)> {
    let active = app.release.as_ref()?;
    let can_run = |release: &&ReleaseSummary| {
        release.id != *active
            && release.build.is_some()
            && release.status != Some(ReleaseStatus::Failed)
    };
    let has_run = releases.iter().filter(|release| release.promoted.is_some());
    // The first one of those with the latest time: it is the newest.
    let last = has_run.filter(can_run).rev().max_by_key(|release| release.promoted);
    let rack_knows = releases.iter().any(|release| release.promoted.is_some());
    let previous = match last {
        None if !rack_knows => {
            let older = releases.iter().skip_while(|release| release.id != *active);
            older.skip(1).find(can_run)
        }
        last => last,
    };
    previous.map(|release| (active, &release.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use convox_wire::AppStatus;

    /// The release to roll back to, from releases as a rack lists them: id, build, and fields in
    /// JSON.
    fn previous(active: &str, releases: &[(&str, &str)]) -> Option<String> {
        let mut app = App::new("web".parse().unwrap(), AppStatus::Running);
        app.release = Some(active.parse().unwrap());
        let summary = |(id, fields): &(&str, &str)| {
            let build = if fields.contains("build") { "" } else { r#","build":"BABC""# };
            serde_json::from_str(&format!(r#"{{"id":"{id}"{build}{fields}}}"#)).unwrap()
        };
        let releases: Vec<ReleaseSummary> = releases.iter().map(summary).collect();
        ran_before_active(&app, &releases).map(|(_, previous)| previous.to_string())
    }

    #[test]
    fn a_rack_that_knows_when_releases_ran_decides() {
        let ran = |hour: u32| format!(r#","promoted":"2026-02-03T0{hour}:00:00Z""#);
        let (one, two, three) = (ran(1), ran(2), ran(3));
        let failed = format!(r#"{two},"status":"failed""#);
        let found = previous("RD", &[("RD", &three), ("RC", ""), ("RB", &two), ("RA", &one)]);
        assert_eq!(found.as_deref(), Some("RB"), "RC never ran");
        let found = previous("RD", &[("RD", &three), ("RB", &failed), ("RA", &one)]);
        assert_eq!(found.as_deref(), Some("RA"), "RB did not run the last time");
        let found = previous("RA", &[("RC", &one), ("RB", &two), ("RA", &three)]);
        assert_eq!(found.as_deref(), Some("RB"), "an older release was promoted");
        let found = previous("RD", &[("RD", &one), ("RC", &one), ("RB", &one)]);
        assert_eq!(found.as_deref(), Some("RC"), "the newest of the same second");
        assert_eq!(previous("RB", &[("RB", &one), ("RA", "")]), None);
    }

    #[test]
    fn elsewhere_it_is_the_newest_release_with_a_build_that_is_older() {
        let releases = [("RD", ""), ("RC", ""), ("RB", r#","build":"""#), ("RA", "")];
        assert_eq!(previous("RC", &releases).as_deref(), Some("RA"));
        assert_eq!(previous("RA", &releases), None);
    }
}
