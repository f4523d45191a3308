//! Waiting for a condition: the one loop that polls.

use std::time::Duration;

use tokio::time::Instant;

use crate::transport::Error;

/// Polls start fast and slow down to this many times the first pause: by default to three quarters
/// of a second, which is what a wait may add to the rack's own time.
const SLOWEST: u32 = 3;

/// How to poll, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// The pause after the first poll; it grows by half each time, up to three times this.
    pub first: Duration,
    /// How long the wait may last in all; `None` for no limit.
    pub limit: Option<Duration>,
}

/// A wait that did not end well.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WaitError {
    /// The limit was reached first.
    #[error("timeout")]
    Late,
    /// The rack said something that ends it.
    #[error(transparent)]
    Rack(#[from] Error),
}

/// Asks `condition` until it gives a value. It is told how long the wait has lasted.
///
/// A rack that is away (connection errors, 429, any 5xx, an answer that is none) is waited for as
/// long as the limit allows; `away` is told once each time that begins. Other refusals, a 404
/// among them, end the wait at once.
///
/// # Errors
/// [`WaitError`].
pub async fn until<T>(
    schedule: Schedule,
    mut away: impl FnMut(&Error),
    mut condition: impl AsyncFnMut(Duration) -> Result<Option<T>, Error>,
) -> Result<T, WaitError> {
    let started = Instant::now();
    let mut pause = schedule.first;
    let mut is_away = false;
    loop {
        match condition(started.elapsed()).await {
            Ok(Some(value)) => return Ok(value),
            Ok(None) => is_away = false,
            Err(error) if error.is_away() => {
                if !std::mem::replace(&mut is_away, true) {
                    away(&error);
                }
            }
            Err(error) => return Err(error.into()),
        }
        let left = schedule.limit.map(|limit| limit.saturating_sub(started.elapsed()));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(WaitError::Late);
        }
        tokio::time::sleep(left.map_or(pause, |left| left.min(pause))).await;
        pause = (pause * 3 / 2).min(schedule.first * SLOWEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path;
    use crate::transport::Call;

    const SCHEDULE: Schedule =
        Schedule { first: Duration::from_millis(1), limit: Some(Duration::from_millis(50)) };

    fn refused(status: u16) -> Error {
        let call = Call::get(path!["apps"]).name();
        let message = "no".to_owned();
        Error::Refused { call, status, message, retry_after: None, challenge: None }
    }

    async fn wait(answers: Vec<Result<Option<u8>, Error>>) -> (Result<u8, WaitError>, usize) {
        let mut told = 0;
        let mut answers = answers.into_iter();
        let condition = async |_| answers.next().unwrap_or(Ok(None));
        let result = until(SCHEDULE, |_| told += 1, condition).await;
        (result, told)
    }

    #[tokio::test]
    async fn a_rack_that_is_away_is_waited_for_and_named_once() {
        let away = || Err(refused(500));
        let (result, told) = wait(vec![away(), away(), Ok(None), away(), Ok(Some(7))]).await;
        assert_eq!((result.unwrap(), told), (7, 2));
    }

    #[tokio::test]
    async fn a_404_ends_it_at_once() {
        let (result, told) = wait(vec![Ok(None), Err(refused(404)), Ok(Some(1))]).await;
        assert!(matches!(result, Err(WaitError::Rack(_))));
        assert_eq!(told, 0);
    }

    #[tokio::test]
    async fn the_limit_ends_it_too() {
        assert!(matches!(wait(vec![]).await.0, Err(WaitError::Late)));
    }
}
