//! Changes that must not be made twice: after a lost response the rack's state shows whether the
//! request took effect, and only if it did not is the request sent again.

use std::time::Duration;

use tokio::time::Instant;

use super::retry::{NOTICE_AFTER, backoff};
use super::{Client, Error, Event, Request, Response};

/// What the rack's state shows of a request whose response was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reconciled<T> {
    /// The request's result.
    Found(T),
    /// No trace of the request so far.
    NotFound,
    /// The rack is busy with another change: until that ends, the state shows nothing, and the
    /// request would be refused.
    Busy,
}

impl<T> From<Option<T>> for Reconciled<T> {
    fn from(found: Option<T>) -> Self {
        found.map_or(Self::NotFound, Self::Found)
    }
}

impl Client {
    /// Sends a request that must not take effect twice. If its response is lost, or is a 429, 502,
    /// 503 or 504, `look_up` asks the rack for the request's result, repeatedly. If nothing is found
    /// within [`Limits::reconcile`](super::Limits), the request is sent again, unless the retry
    /// budget is spent.
    ///
    /// # Errors
    /// The refusal of the request; [`Error::OutcomeUnknown`] if the response was lost and
    /// reconciling failed; [`Error::Ambiguous`] from `look_up`.
    pub async fn send_reconciled<T>(
        &self,
        request: &Request,
        read: impl Fn(&Response) -> Result<T, Error>,
        mut look_up: impl AsyncFnMut() -> Result<Reconciled<T>, Error>,
    ) -> Result<T, Error> {
        let mut first_loss: Option<Instant> = None;
        let mut sent = request;
        loop {
            let error = match self.send(sent).await {
                Ok(response) => {
                    if first_loss.is_some() && sent.duplicates_when_resent() {
                        self.emit(Event::Resent { request: request.line() });
                    }
                    return read(&response);
                }
                Err(error) if error.is_ambiguous() => error,
                Err(error) => return Err(error),
            };
            let lost_at = Instant::now();
            let since = *first_loss.get_or_insert(lost_at);
            self.emit(Event::Reconciling { request: request.line(), why: error.to_string() });
            let unknown =
                |error| Error::OutcomeUnknown { request: request.line(), error: Box::new(error) };
            match self.reconcile(&mut look_up).await {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => {}
                Err(failed @ Error::Ambiguous(_)) => return Err(failed),
                Err(failed) if failed.is_unavailable() => return Err(unknown(error)),
                Err(failed) => return Err(unknown(failed)),
            }
            // The time of reconciling does not count against the budget.
            let left = self.limits().retry.saturating_sub(lost_at - since);
            let requested = error.retry_after().unwrap_or_default();
            let resend = request.resend_form().filter(|_| !left.is_zero() && requested <= left);
            let Some(resend) = resend else { return Err(unknown(error)) };
            tokio::time::sleep(requested.saturating_sub(lost_at.elapsed())).await;
            sent = resend;
        }
    }

    /// Calls `look_up` until it finds something, or has found nothing for
    /// [`Limits::reconcile`](super::Limits). A rack that is unavailable or busy is waited for within
    /// the retry budget.
    ///
    /// # Errors
    /// The errors of `look_up`.
    pub async fn reconcile<T>(
        &self,
        mut look_up: impl AsyncFnMut() -> Result<Reconciled<T>, Error>,
    ) -> Result<Option<T>, Error> {
        let started = Instant::now();
        let mut not_found_since: Option<Instant> = None;
        let mut pauses = backoff();
        loop {
            let within_budget = started.elapsed() < self.limits().retry;
            match look_up().await {
                Ok(Reconciled::Found(found)) => return Ok(Some(found)),
                Ok(Reconciled::NotFound) => {
                    let since = *not_found_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= self.limits().reconcile {
                        return Ok(None);
                    }
                }
                Ok(Reconciled::Busy) if within_budget => not_found_since = None,
                Ok(Reconciled::Busy) => return Ok(None),
                Err(error) if error.is_unavailable() && within_budget => {}
                Err(error) => return Err(error),
            }
            let pause: Duration = pauses.next().unwrap_or(NOTICE_AFTER).min(NOTICE_AFTER);
            tokio::time::sleep(pause.min(self.limits().reconcile)).await;
        }
    }
}
