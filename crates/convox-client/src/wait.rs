//! Waiting for a condition: the one loop that polls.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::transport::Error;

/// Polls start fast and slow down to this many times the first pause: by default to three quarters
/// of a second, which is what a wait may add to the rack's own time.
const SLOWEST: u32 = 3;

/// The longest pause that a rack which asks for one gets: it may be back before that.
const LONGEST: Duration = Duration::from_secs(10);

/// How to poll, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// The pause after the first poll; it grows by half each time, up to three times this.
    pub first: Duration,
    /// How long the wait may last in all.
    pub limit: Duration,
    /// How long a rack may be away before that is told.
    pub silent: Duration,
}

/// A wait that did not end well.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WaitError {
    /// The limit was reached first.
    #[error("timeout")]
    TimedOut,
    /// The rack said something that ends it.
    #[error(transparent)]
    Rack(#[from] Error),
}

/// Asks `condition` until it gives a value. It is told how long the wait has lasted.
///
/// A rack that is away (connection errors, 429, any 5xx, an answer that is none) is waited for as
/// long as the limit allows; `away` is told once each time that lasts. Other refusals, a 404 among
/// them, end the wait at once. A poll is the repetition of the one before: `condition` should ask
/// a rack that does not repeat by itself.
///
/// # Errors
/// [`WaitError`].
pub async fn until<T>(
    schedule: Schedule,
    mut away: impl FnMut(&Error),
    mut condition: impl AsyncFnMut(Duration) -> Result<Option<T>, Error>,
) -> Result<T, WaitError> {
    let started = Instant::now();
    let left = || schedule.limit.saturating_sub(started.elapsed());
    let mut pause = schedule.first;
    let mut absence = Absence::default();
    loop {
        // A rack that hangs must not make the wait longer than it may be.
        let response = timeout(left().max(schedule.first), condition(started.elapsed())).await;
        let mut at_least = Duration::ZERO;
        match response.map_err(|_| WaitError::TimedOut)? {
            Ok(Some(value)) => return Ok(value),
            Ok(None) => absence = Absence::default(),
            Err(error) if error.is_unavailable() => {
                at_least = error.retry_after().unwrap_or_default().min(LONGEST);
                if absence.is_news(schedule.silent) {
                    away(&error);
                }
            }
            Err(error) => return Err(error.into()),
        }
        if left().is_zero() {
            return Err(WaitError::TimedOut);
        }
        tokio::time::sleep(pause.max(at_least).min(left())).await;
        pause = (pause * 3 / 2).min(schedule.first * SLOWEST);
    }
}

/// A rack that is away.
#[derive(Default)]
struct Absence {
    since: Option<Instant>,
    notified: bool,
}

impl Absence {
    /// Has it lasted longer than `silent`, and was not told yet?
    fn is_news(&mut self, silent: Duration) -> bool {
        let since = *self.since.get_or_insert_with(Instant::now);
        since.elapsed() >= silent && !std::mem::replace(&mut self.notified, true)
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
        silent: Duration::ZERO,
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
    async fn a_rack_that_is_away_is_waited_for_and_named_once() {
        let away = || Err(refused(500));
        let (result, notified) = wait(vec![away(), away(), Ok(None), away(), Ok(Some(7))]).await;
        assert_eq!((result.unwrap(), notified), (7, 2));
    }

    #[tokio::test]
    async fn a_404_ends_it_at_once() {
        let (result, notified) = wait(vec![Ok(None), Err(refused(404)), Ok(Some(1))]).await;
        assert!(matches!(result, Err(WaitError::Rack(_))));
        assert_eq!(notified, 0);
    }

    #[tokio::test]
    async fn the_limit_ends_it_too() {
        assert!(matches!(wait(vec![]).await.0, Err(WaitError::TimedOut)));
    }

    #[tokio::test]
    async fn a_rack_that_hangs_makes_it_no_longer() {
        let never = async |_| std::future::pending::<Result<Option<u8>, Error>>().await;
        assert!(matches!(until(SCHEDULE, |_| (), never).await, Err(WaitError::TimedOut)));
    }

    #[tokio::test]
    async fn a_short_absence_is_no_news() {
        let mut notified = 0;
        let mut responses =
            vec![Err(refused(502)), Ok(None), Err(refused(503)), Ok(Some(1))].into_iter();
        let condition = async |_| responses.next().unwrap();
        let schedule = Schedule { silent: Duration::from_secs(5), ..SCHEDULE };
        assert_eq!(until(schedule, |_| notified += 1, condition).await.unwrap(), 1);
        assert_eq!(notified, 0);
    }
}
