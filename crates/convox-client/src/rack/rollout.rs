//! Is a promoted release running? Read from what the app shows, poll after poll.

use std::time::Duration;

use convox_wire::{App, AppStatus, ReleaseId};

/// How long the app may show nothing of an accepted promote: racks write status and release a
/// moment after the answer (v3), or cache them for some seconds (v2).
const UNSEEN: Duration = Duration::from_secs(10);

/// A promote that was accepted, and what has been seen of it.
#[derive(Debug, Clone)]
pub struct Rollout {
    release: ReleaseId,
    before: Option<ReleaseId>,
    /// The roll-back of an earlier update was under way when ours began.
    inherited: bool,
    update_seen: bool,
    /// For how long the rack may answer from memory, once that is known.
    memory: Option<Duration>,
    /// Since when the app runs without our release, its update being seen before.
    without_since: Option<Duration>,
}

/// What one poll says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Not over.
    Pending,
    /// The app runs without the release: the rack has given up on it, if that is no memory of
    /// earlier ([`Rollout::remembers`]).
    Doubtful,
    /// The app runs the release.
    Running,
    /// The rack has given up on it.
    RolledBack(RollBack),
}

/// A release that did not come to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollBack {
    /// The release that was promoted.
    pub release: ReleaseId,
    /// The one that runs instead, if any.
    pub restored: Option<ReleaseId>,
}

impl Rollout {
    /// The promote of `release` on an app that was as `before`.
    pub fn new(release: ReleaseId, before: &App) -> Self {
        let inherited = before.status == AppStatus::Rollback;
        Self {
            release,
            before: before.release.clone(),
            inherited,
            update_seen: false,
            memory: None,
            without_since: None,
        }
    }

    /// Says whether the rack's answers are those of the moment (v3), or may be some seconds old: the
    /// processes of v2 racks keep what they have read, each for itself.
    pub fn remembers(&mut self, does: bool) {
        self.memory = Some(if does { UNSEEN } else { Duration::ZERO });
    }

    /// What the app shows `elapsed` after the rack accepted the promote.
    pub fn judge(&mut self, app: &App, elapsed: Duration) -> Verdict {
        let ours = app.release.as_ref() == Some(&self.release);
        if ours || app.status != AppStatus::Running {
            self.without_since = None;
        }
        match app.status {
            AppStatus::Updating => {
                self.update_seen = true;
                self.inherited = false;
                Verdict::Pending
            }
            AppStatus::Rollback | AppStatus::Failed if !self.inherited => self.rolled_back(app),
            AppStatus::Running if ours => self.running(elapsed),
            AppStatus::Running if self.update_seen => self.without(app, elapsed),
            AppStatus::Running if elapsed >= UNSEEN => self.rolled_back(app),
            _ => Verdict::Pending,
        }
    }

    /// Where our release was active before, `running` says nothing until an update was seen.
    fn running(&self, elapsed: Duration) -> Verdict {
        let was_active = self.before.as_ref() == Some(&self.release);
        let over = !was_active || self.update_seen || elapsed >= UNSEEN;
        if over { Verdict::Running } else { Verdict::Pending }
    }

    /// `running` without our release, after an update.
    fn without(&mut self, app: &App, elapsed: Duration) -> Verdict {
        let since = *self.without_since.get_or_insert(elapsed);
        match self.memory {
            None => Verdict::Doubtful,
            Some(memory) if elapsed.saturating_sub(since) < memory => Verdict::Pending,
            Some(_) => self.rolled_back(app),
        }
    }

    fn rolled_back(&self, app: &App) -> Verdict {
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
        rollout.remembers(false);
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
    fn an_update_ends_well_on_v3_and_on_v2() {
        let v3 = [(Running, "ROLD"), (Updating, "RNEW"), (Running, "RNEW")];
        assert_eq!(verdicts(app(Running, "ROLD"), &v3).last(), Some(&Verdict::Running));
        let v2 = [(Updating, "ROLD"), (Updating, "ROLD"), (Running, "RNEW")];
        assert_eq!(verdicts(app(Running, "ROLD"), &v2).last(), Some(&Verdict::Running));
    }

    #[test]
    fn the_first_sign_of_a_roll_back_ends_it() {
        let polls = [(Updating, "RNEW"), (Rollback, "RNEW")];
        assert_eq!(verdicts(app(Running, "ROLD"), &polls), [Verdict::Pending, rolled_back()]);
    }

    #[test]
    fn a_roll_back_too_short_to_be_seen_is_known_by_the_release() {
        let polls = [(Updating, "RNEW"), (Running, "ROLD")];
        assert_eq!(verdicts(app(Running, "ROLD"), &polls), [Verdict::Pending, rolled_back()]);
    }

    #[test]
    fn a_rack_that_remembers_is_believed_after_a_while() {
        let mut rollout = Rollout::new("RNEW".parse().unwrap(), &app(Running, "ROLD"));
        let mut judge =
            |second, status| rollout.judge(&app(status, "ROLD"), Duration::from_secs(second));
        assert_eq!(judge(0, Updating), Verdict::Pending);
        assert_eq!(judge(1, Running), Verdict::Doubtful);
        rollout.remembers(true);
        let mut judge =
            |second, status| rollout.judge(&app(status, "ROLD"), Duration::from_secs(second));
        assert_eq!(judge(2, Running), Verdict::Pending);
        assert_eq!(judge(3, Updating), Verdict::Pending, "it was memory");
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
    fn an_earlier_roll_back_is_not_taken_for_ours() {
        let polls = [(Rollback, "ROLD"), (Updating, "RNEW"), (Running, "RNEW")];
        let seen = verdicts(app(Rollback, "ROLD"), &polls);
        assert_eq!(seen, [Verdict::Pending, Verdict::Pending, Verdict::Running]);
    }
}
