//! Polls until a condition is met.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::transport::Error;

/// Polls slow down to this many times the first pause: by default to 0.6 s, which is the most that
/// a poll adds to the rack's own time.
const MAX_SLOWDOWN: u32 = 3;

/// The longest pause that a rack can ask for: it may be available again earlier.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(10);

/// How often to poll, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// The pause after the first poll. It grows by half each time, up to three times this.
    pub first: Duration,
    /// How long the wait may last.
    pub limit: Duration,
    /// How long an outage may last before it is reported.
    pub notice_after: Duration,
    /// How long an outage may last before it ends the wait. `None`: as long as the wait.
    pub longest_outage: Option<Duration>,
}

/// Why a wait ended without a value.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WaitError {
    /// The limit was reached.
    #[error("timeout")]
    TimedOut,
    /// The rack refused a poll.
    #[error(transparent)]
    Rack(#[from] Error),
}

/// Polls `condition` until it returns a value. `condition` gets the time since the start of the
/// wait.
///
/// An unavailable rack ([`Error::is_unavailable`]) is waited for within the limits; `on_outage` is
/// called once per outage that lasts longer than [`Schedule::notice_after`]. Other errors, such as
/// a 404, end the wait at once. `condition` should use a rack without retries, since the next poll
/// repeats the request.
///
/// # Errors
/// [`WaitError`].
pub async fn until<T>(
    schedule: Schedule,
    mut on_outage: impl FnMut(&Error),
    mut condition: impl AsyncFnMut(Duration) -> Result<Option<T>, Error>,
) -> Result<T, WaitError> {
    let started = Instant::now();
    let left = || schedule.limit.saturating_sub(started.elapsed());
    let mut pause = schedule.first;
    let mut outage = Outage::default();
    loop {
        // A response that never comes must not extend the wait.
        let response = timeout(left().max(schedule.first), condition(started.elapsed())).await;
        let mut at_least = Duration::ZERO;
        match response.map_err(|_| WaitError::TimedOut)? {
            Ok(Some(value)) => return Ok(value),
            Ok(None) => outage = Outage::default(),
            Err(error) if error.is_unavailable() => {
                at_least = error.retry_after().unwrap_or_default().min(MAX_RETRY_AFTER);
                if schedule.longest_outage.is_some_and(|longest| outage.length() >= longest) {
                    return Err(error.into());
                }
                if outage.should_report(schedule.notice_after) {
                    on_outage(&error);
                }
            }
            Err(error) => return Err(error.into()),
        }
        if left().is_zero() {
            return Err(WaitError::TimedOut);
        }
        tokio::time::sleep(pause.max(at_least).min(left())).await;
        pause = (pause * 3 / 2).min(schedule.first * MAX_SLOWDOWN);
    }
}

/// An outage of the rack.
#[derive(Default)]
struct Outage {
    since: Option<Instant>,
    notified: bool,
}

impl Outage {
    /// Returns how long it has lasted.
    fn length(&mut self) -> Duration {
        self.since.get_or_insert_with(Instant::now).elapsed()
    }

    /// Returns whether it has lasted longer than `notice_after` and has not been reported.
    fn should_report(&mut self, notice_after: Duration) -> bool {
        self.length() >= notice_after && !std::mem::replace(&mut self.notified, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path;
    use crate::transport::Request;

    const SCHEDULE: Schedule = Schedule {
        first: Duration::from_millis(1),
        limit: Duration::from_millis(50),
        notice_after: Duration::ZERO,
        longest_outage: None,
    };

    fn refused(status: u16) -> Error {
        let request = Request::get(path!["apps"]).line();
        let message = "no".to_owned();
        Error::Status { request, status, message, retry_after: None, challenge: None }
    }

    async fn wait(responses: Vec<Result<Option<u8>, Error>>) -> (Result<u8, WaitError>, usize) {
        let mut notified = 0;
        let mut responses = responses.into_iter();
        let condition = async |_| responses.next().unwrap_or(Ok(None));
        let result = until(SCHEDULE, |_| notified += 1, condition).await;
        (result, notified)
    }

    #[tokio::test]
    async fn an_unavailable_rack_is_waited_for_and_reported_once() {
        let away = || Err(refused(500));
        let (result, notified) = wait(vec![away(), away(), Ok(None), away(), Ok(Some(7))]).await;
        assert_eq!((result.unwrap(), notified), (7, 2));
    }

    #[tokio::test]
    async fn an_outage_may_have_a_limit_of_its_own() {
        let mut responses = vec![Err(refused(502)), Ok(None), Err(refused(503))].into_iter();
        let condition = async |_| responses.next().unwrap_or(Ok(Some(1)));
        let schedule = Schedule { longest_outage: Some(Duration::ZERO), ..SCHEDULE };
        let ended = until(schedule, |_| (), condition).await;
        assert!(matches!(ended, Err(WaitError::Rack(error)) if error.status() == Some(502)));
    }

    #[tokio::test]
    async fn a_404_ends_the_wait() {
        let (result, notified) = wait(vec![Ok(None), Err(refused(404)), Ok(Some(1))]).await;
        assert!(matches!(result, Err(WaitError::Rack(_))));
        assert_eq!(notified, 0);
    }

    #[tokio::test]
    async fn the_limit_ends_the_wait() {
        assert!(matches!(wait(vec![]).await.0, Err(WaitError::TimedOut)));
    }

    #[tokio::test]
    async fn a_rack_that_hangs_does_not_extend_the_wait() {
        let never = async |_| std::future::pending::<Result<Option<u8>, Error>>().await;
        assert!(matches!(until(SCHEDULE, |_| (), never).await, Err(WaitError::TimedOut)));
    }

    #[tokio::test]
    async fn a_short_outage_is_not_reported() {
        let mut notified = 0;
        let mut responses =
            vec![Err(refused(502)), Ok(None), Err(refused(503)), Ok(Some(1))].into_iter();
        let condition = async |_| responses.next().unwrap();
        let schedule = Schedule { notice_after: Duration::from_secs(5), ..SCHEDULE };
        assert_eq!(until(schedule, |_| notified += 1, condition).await.unwrap(), 1);
        assert_eq!(notified, 0);
    }
}
