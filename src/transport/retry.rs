//! The only loop that repeats requests, with the only backoff.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::time::Instant;

use super::error::Cause;
use super::{Answer, Call, Client, Error, Event, Repeat};

/// After this long of repeating, a person is told once.
const SILENT: Duration = Duration::from_secs(2);

/// An upload may take longer than the budget: it is tried at least so often.
const UPLOADS: u32 = 3;

/// Pauses from a fifth of a second to about five, with jitter.
fn pauses() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(5))
        .with_jitter()
        .without_max_times()
        .build()
}

impl Client {
    /// Sends `call`, and again where it may be and the failure will pass, within the budget.
    pub(super) async fn send_within_budget(&self, call: &Call) -> Result<Answer, Error> {
        let mut pauses = pauses();
        let mut attempt = 1;
        let mut first_failure: Option<Instant> = None;
        let mut told = false;
        loop {
            let error = match self.attempt(call, attempt).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            // A 404 to a DELETE that was sent before: it has worked.
            if attempt > 1 && call.is_delete() && error.status() == Some(404) {
                return Ok(Answer::nothing(call));
            }
            if !self.may_repeat(call, &error) {
                return Err(error);
            }
            let since = *first_failure.get_or_insert_with(Instant::now);
            let budget = self.budget(&error);
            let pause =
                pauses.next().unwrap_or(SILENT).max(error.retry_after().unwrap_or_default());
            let may_be_long = call.sends().is_some() && attempt < UPLOADS && !budget.is_zero();
            if since.elapsed() + pause > budget && !may_be_long {
                return Err(error);
            }
            if !told && since.elapsed() + pause >= SILENT {
                told = true;
                self.tell(Event::Retrying { call: call.name(), why: error.to_string(), budget });
            }
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    fn may_repeat(&self, call: &Call, error: &Error) -> bool {
        match call.repeat {
            Repeat::Safely => error.is_passing(),
            Repeat::IfUnsent => error.is_unsent() && error.is_passing(),
        }
    }

    /// A rack that has never answered may simply not be there.
    fn budget(&self, error: &Error) -> Duration {
        let limits = self.limits();
        let unmet =
            matches!(error, Error::Unreachable { cause: Cause::Refused | Cause::Dns(_), .. })
                && !self.has_answered();
        if unmet { limits.retry.min(limits.first_contact) } else { limits.retry }
    }

    /// Sends a `call` that must not be done twice. Where its answer is lost (or a 429, 502, 503 or
    /// 504 leaves open what happened), `look` asks the rack what became of it; what it finds is the
    /// answer. If looking shows nothing for as long as the limit says, the call is sent again.
    ///
    /// # Errors
    /// The call's own refusal; what `look` fails with; the loss, once the budget is spent.
    pub async fn send_or_find<T>(
        &self,
        call: &Call,
        read: impl Fn(&Answer) -> Result<T, Error>,
        mut look: impl AsyncFnMut() -> Result<Option<T>, Error>,
    ) -> Result<T, Error> {
        let mut first_loss: Option<Instant> = None;
        loop {
            let error = match self.send(call).await {
                Ok(answer) => return read(&answer),
                Err(error) if error.is_uncertain() => error,
                Err(error) => return Err(error),
            };
            let since = *first_loss.get_or_insert_with(Instant::now);
            self.tell(Event::Looking { call: call.name(), why: error.to_string() });
            if let Some(found) = self.search(&mut look).await? {
                return Ok(found);
            }
            if since.elapsed() >= self.limits().retry {
                return Err(error);
            }
        }
    }

    /// Looks until something is found, or the rack has shown nothing for as long as the limit says;
    /// a rack that is away is waited for within the retry budget.
    async fn search<T>(
        &self,
        look: &mut impl AsyncFnMut() -> Result<Option<T>, Error>,
    ) -> Result<Option<T>, Error> {
        let started = Instant::now();
        let mut nothing_since: Option<Instant> = None;
        let mut pauses = pauses();
        loop {
            match look().await {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) => {
                    let since = *nothing_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= self.limits().look {
                        return Ok(None);
                    }
                }
                Err(error) if error.is_away() && started.elapsed() < self.limits().retry => {}
                Err(error) => return Err(error),
            }
            let pause = pauses.next().unwrap_or(SILENT).min(SILENT);
            tokio::time::sleep(pause.min(self.limits().look)).await;
        }
    }
}
