//! Judges whether a promoted release is running, from polls of the app.

use std::time::Duration;

use convox_wire::{App, AppStatus, ReleaseId};

/// How long an app may show nothing of an accepted promote: racks write status and release a moment
/// after the response (v3), or cache them for some seconds (v2).
const UNSEEN: Duration = Duration::from_secs(10);

/// The rollout of a promoted release.
#[derive(Debug, Clone)]
pub struct Rollout {
    release: ReleaseId,
    before: Option<ReleaseId>,
    /// The app was rolling back an earlier update when the rollout began.
    inherited: bool,
    update_seen: bool,
    /// How old the rack's reads may be, once that is known.
    max_staleness: Option<Duration>,
    /// Since when the app has been running another release, after an update was seen.
    without_release_since: Option<Duration>,
}

/// The verdict of a poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The rollout goes on.
    Pending,
    /// The app is running another release. The rack has given up, unless the read is stale: find
    /// out and call [`Rollout::set_stale_reads`].
    Doubtful,
    /// The app is running the release.
    Running,
    /// The rack has given up on the release.
    RolledBack(RollBack),
    /// Someone else has promoted another release since, and the app is running that one.
    Superseded {
        /// The release that the app is running.
        by: ReleaseId,
    },
}

/// A release that was rolled back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollBack {
    /// The release that was promoted.
    pub release: ReleaseId,
    /// The release that is running instead, if any.
    pub restored: Option<ReleaseId>,
}

impl Rollout {
    /// Begins with a promote of `release` on an app in the state `before`.
    pub fn new(release: ReleaseId, before: &App) -> Self {
        let inherited = before.status == AppStatus::Rollback;
        Self {
            release,
            before: before.release.clone(),
            inherited,
            update_seen: false,
            max_staleness: None,
            without_release_since: None,
        }
    }

    /// Sets whether reads may be some seconds old. On v2 racks they are: each API process caches
    /// them.
    pub fn set_stale_reads(&mut self, stale: bool) {
        self.max_staleness = Some(if stale { UNSEEN } else { Duration::ZERO });
    }

    /// Judges the state of the app `elapsed` after the rack has accepted the promote.
    pub fn judge(&mut self, app: &App, elapsed: Duration) -> Verdict {
        let ours = app.release.as_ref() == Some(&self.release);
        if ours || app.status != AppStatus::Running {
            self.without_release_since = None;
        }
        match app.status {
            AppStatus::Updating => {
                self.update_seen = true;
                self.inherited = false;
                Verdict::Pending
            }
            // What is rolled back is the other release.
            AppStatus::Rollback if self.superseded_by(app).is_some() => Verdict::Pending,
            AppStatus::Rollback | AppStatus::Failed if !self.inherited => self.ended(app),
            AppStatus::Running if ours => self.running(elapsed),
            AppStatus::Running if self.update_seen => self.without(app, elapsed),
            AppStatus::Running if elapsed >= UNSEEN => self.ended(app),
            _ => Verdict::Pending,
        }
    }

    /// If the release was active before, `running` means nothing until an update was seen.
    fn running(&self, elapsed: Duration) -> Verdict {
        let was_active = self.before.as_ref() == Some(&self.release);
        let over = !was_active || self.update_seen || elapsed >= UNSEEN;
        if over { Verdict::Running } else { Verdict::Pending }
    }

    /// Judges `running` with another release, after an update was seen.
    fn without(&mut self, app: &App, elapsed: Duration) -> Verdict {
        let since = *self.without_release_since.get_or_insert(elapsed);
        match self.max_staleness {
            None => Verdict::Doubtful,
            Some(max) if elapsed.saturating_sub(since) < max => Verdict::Pending,
            Some(_) => self.ended(app),
        }
    }

    /// The release that the app shows, if it is neither ours nor the one before.
    fn superseded_by(&self, app: &App) -> Option<ReleaseId> {
        let shown = app.release.as_ref()?;
        let is_other = *shown != self.release && self.before.as_ref() != Some(shown);
        is_other.then(|| shown.clone())
    }

    fn ended(&self, app: &App) -> Verdict {
        if let Some(by) = self.superseded_by(app) {
            return Verdict::Superseded { by };
        }
        let other = |release: &&ReleaseId| **release != self.release;
        let restored = app.release.as_ref().filter(other).or(self.before.as_ref().filter(other));
        Verdict::RolledBack(RollBack { release: self.release.clone(), restored: restored.cloned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AppStatus::{Rollback, Running, Updating};

    fn app(status: AppStatus, release: &str) -> App {
        let mut app = App::new("web".parse().unwrap(), status);
        app.release = Some(release.parse().unwrap());
        app
    }

    /// The verdicts on polls, one second apart.
    fn verdicts(before: App, polls: &[(AppStatus, &str)]) -> Vec<Verdict> {
        let mut rollout = Rollout::new("RNEW".parse().unwrap(), &before);
        rollout.set_stale_reads(false);
        let judge = |(second, (status, release)): (u64, &(AppStatus, &str))| {
            rollout.judge(&app(status.clone(), release), Duration::from_secs(second))
        };
        (0..).zip(polls).map(judge).collect()
    }

    fn rolled_back() -> Verdict {
        let id = |text: &str| text.parse::<ReleaseId>().unwrap();
        Verdict::RolledBack(RollBack { release: id("RNEW"), restored: Some(id("ROLD")) })
    }

    #[test]
    fn a_successful_update_is_running_on_v3_and_v2() {
        let v3 = [(Running, "ROLD"), (Updating, "RNEW"), (Running, "RNEW")];
        assert_eq!(verdicts(app(Running, "ROLD"), &v3).last(), Some(&Verdict::Running));
        let v2 = [(Updating, "ROLD"), (Updating, "ROLD"), (Running, "RNEW")];
        assert_eq!(verdicts(app(Running, "ROLD"), &v2).last(), Some(&Verdict::Running));
    }

    #[test]
    fn the_first_sign_of_a_rollback_ends_the_rollout() {
        let polls = [(Updating, "RNEW"), (Rollback, "RNEW")];
        assert_eq!(verdicts(app(Running, "ROLD"), &polls), [Verdict::Pending, rolled_back()]);
    }

    #[test]
    fn a_rollback_between_two_polls_is_recognized_by_the_release() {
        let polls = [(Updating, "RNEW"), (Running, "ROLD")];
        assert_eq!(verdicts(app(Running, "ROLD"), &polls), [Verdict::Pending, rolled_back()]);
    }

    #[test]
    fn a_release_of_someone_else_is_not_a_rollback() {
        let superseded = Verdict::Superseded { by: "ROTHER".parse().unwrap() };
        for polls in [
            vec![(Updating, "RNEW"), (Updating, "ROTHER"), (Running, "ROTHER")],
            vec![(Updating, "RNEW"), (Rollback, "ROTHER"), (Running, "ROTHER")],
            vec![(Updating, "RNEW"), (Running, "ROTHER")],
        ] {
            let seen = verdicts(app(Running, "ROLD"), &polls);
            assert_eq!(seen.last(), Some(&superseded), "{polls:?}");
            assert!(seen[..seen.len() - 1].iter().all(|verdict| *verdict == Verdict::Pending));
        }
        let polls = [(Updating, "RNEW"), (Rollback, "ROTHER"), (Running, "RNEW")];
        assert_eq!(verdicts(app(Running, "ROLD"), &polls).last(), Some(&Verdict::Running));
    }

    #[test]
    fn stale_reads_are_believed_after_a_while() {
        let mut rollout = Rollout::new("RNEW".parse().unwrap(), &app(Running, "ROLD"));
        let mut judge =
            |second, status| rollout.judge(&app(status, "ROLD"), Duration::from_secs(second));
        assert_eq!(judge(0, Updating), Verdict::Pending);
        assert_eq!(judge(1, Running), Verdict::Doubtful);
        rollout.set_stale_reads(true);
        let mut judge =
            |second, status| rollout.judge(&app(status, "ROLD"), Duration::from_secs(second));
        assert_eq!(judge(2, Running), Verdict::Pending);
        assert_eq!(judge(3, Updating), Verdict::Pending, "the read was stale");
        assert_eq!(judge(20, Running), Verdict::Pending);
        assert_eq!(judge(29, Running), Verdict::Pending);
        assert_eq!(judge(30, Running), rolled_back());
    }

    #[test]
    fn without_a_sign_of_an_update_ten_seconds_decide() {
        let mut polls = vec![(Running, "ROLD"); 11];
        assert_eq!(verdicts(app(Running, "ROLD"), &polls).last(), Some(&rolled_back()));
        polls.truncate(10);
        assert!(verdicts(app(Running, "ROLD"), &polls).iter().all(|v| *v == Verdict::Pending));
    }

    #[test]
    fn an_active_release_counts_as_running_after_its_update() {
        let polls = [(Running, "RNEW"), (Updating, "RNEW"), (Running, "RNEW")];
        let seen = verdicts(app(Running, "RNEW"), &polls);
        assert_eq!(seen, [Verdict::Pending, Verdict::Pending, Verdict::Running]);
        let silent = vec![(Running, "RNEW"); 11];
        assert_eq!(verdicts(app(Running, "RNEW"), &silent).last(), Some(&Verdict::Running));
    }

    #[test]
    fn an_earlier_rollback_is_not_taken_for_ours() {
        let polls = [(Rollback, "ROLD"), (Updating, "RNEW"), (Running, "RNEW")];
        let seen = verdicts(app(Rollback, "ROLD"), &polls);
        assert_eq!(seen, [Verdict::Pending, Verdict::Pending, Verdict::Running]);
    }
}
