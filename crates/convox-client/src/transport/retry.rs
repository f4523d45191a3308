//! The only loop that repeats requests, with the only backoff.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::time::Instant;

use super::error::Cause;
use super::{Client, Error, Event, Headers, Path, Repeat, Request, RequestLine, Response, Socket};

/// After this long of repeating, a person is told once.
const SILENT: Duration = Duration::from_secs(2);

/// An upload may take longer than the budget: it is tried at least so often.
const UPLOADS: u32 = 3;

/// Pauses from a fifth of a second to about five, with jitter.
fn pauses() -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(5))
        .with_jitter()
        .without_max_times()
        .build()
}

/// One request's tries.
pub(super) struct Attempts<'a> {
    client: &'a Client,
    call: RequestLine,
    pauses: Box<dyn Iterator<Item = Duration> + Send>,
    /// From 1.
    attempt: u32,
    failing_since: Option<Instant>,
    told: bool,
}

impl<'a> Attempts<'a> {
    pub(super) fn new(client: &'a Client, call: RequestLine) -> Self {
        let pauses = Box::new(pauses());
        Self { client, call, pauses, attempt: 1, failing_since: None, told: false }
    }

    /// The number of the present attempt, from 1.
    pub(super) fn number(&self) -> u32 {
        self.attempt
    }

    /// Waits for the next try, or gives `error` back where the budget is spent. `at_least` so many
    /// tries there are all the same.
    pub(super) async fn next(&mut self, error: Error, at_least: u32) -> Result<(), Error> {
        let since = *self.failing_since.get_or_insert_with(Instant::now);
        let budget = self.client.budget(&error);
        let has_more = self.attempt < at_least && !budget.is_zero();
        let left = if has_more { budget } else { budget.saturating_sub(since.elapsed()) };
        let asked = error.retry_after().unwrap_or_default();
        if left.is_zero() || asked > left {
            return Err(error);
        }
        // The last try comes when the budget ends, not a pause before that.
        let pause = self.pauses.next().unwrap_or(SILENT).max(asked).min(left);
        if !self.told && since.elapsed() + pause >= SILENT {
            self.told = true;
            let (call, why) = (self.call.clone(), error.to_string());
            self.client.tell(Event::Retrying { call, why, budget });
        }
        tokio::time::sleep(pause).await;
        self.attempt += 1;
        Ok(())
    }
}

/// What a look at the rack shows of a request whose answer was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reconciled<T> {
    /// What it has made.
    Found(T),
    /// Nothing, so far.
    Nothing,
    /// The rack is busy with something else: nothing can be told, or asked of it, before that ends.
    Busy,
}

impl<T> From<Option<T>> for Reconciled<T> {
    fn from(found: Option<T>) -> Self {
        found.map_or(Self::Nothing, Self::Found)
    }
}

impl Client {
    /// Sends `call`, and again where it may be and the failure will pass, within the budget.
    pub(super) async fn send_within_budget(&self, call: &Request) -> Result<Response, Error> {
        let mut tries = Attempts::new(self, call.name());
        let at_least = if call.sends().is_some() { UPLOADS } else { 1 };
        loop {
            let error = match self.attempt(call, tries.attempt).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            // A 404 to a DELETE that was sent before: it has worked.
            if tries.attempt > 1 && call.is_delete() && error.status() == Some(404) {
                return Ok(Response::nothing(call));
            }
            if !self.may_repeat(call, &error) {
                return Err(error);
            }
            tries.next(error, at_least).await?;
            if let Some(upload) = call.sends() {
                // It may have failed because its length was not known.
                upload.complete().await;
            }
        }
    }

    /// Opens a socket, and tries again where the failure will pass, within the budget. `options` are
    /// read for each try, for they may depend on the time; `failed` is told of each failure.
    ///
    /// # Errors
    /// [`Error::Handshake`] where the answer is no upgrade: a rack says other refusals inside the
    /// socket, as text.
    pub async fn open(
        &self,
        path: &Path,
        options: impl Fn() -> Headers,
        failed: impl FnMut(&Error),
    ) -> Result<Socket, Error> {
        self.open_repeating(path, options, failed, Repeat::Safely).await
    }

    /// Opens a websocket that starts something, such as a remote command: tries again only if the
    /// handshake certainly has not reached the rack.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub async fn open_command(&self, path: &Path, options: &Headers) -> Result<Socket, Error> {
        self.open_repeating(path, || options.clone(), |_| {}, Repeat::IfUnsent).await
    }

    async fn open_repeating(
        &self,
        path: &Path,
        options: impl Fn() -> Headers,
        mut failed: impl FnMut(&Error),
        repeat: Repeat,
    ) -> Result<Socket, Error> {
        self.prepare_session().await;
        let mut tries = Attempts::new(self, RequestLine::socket(path));
        loop {
            let error = match self.open_once(path, &options(), tries.attempt).await {
                Ok(socket) => return Ok(socket),
                Err(error) => error,
            };
            failed(&error);
            if !self.may_repeat_as(repeat, &error) {
                return Err(error);
            }
            tries.next(error, 1).await?;
        }
    }

    pub(super) fn may_repeat(&self, call: &Request, error: &Error) -> bool {
        self.may_repeat_as(call.repeat, error)
    }

    fn may_repeat_as(&self, repeat: Repeat, error: &Error) -> bool {
        self.repeats()
            && match repeat {
                Repeat::Safely => error.is_transient(),
                Repeat::IfUnsent => error.is_unsent() && error.is_transient(),
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
    /// 504 leaves open what happened), `look_up` asks the rack what became of it; what it finds is the
    /// answer. If looking shows nothing for as long as the limit says, the call is sent again, as
    /// [`Request::sent_again_as`] says, if it was lost within the retry budget. `look_up` should ask once
    /// each time: it is called again and again.
    ///
    /// # Errors
    /// The call's own refusal; [`Error::OutcomeUnknown`] where its answer was lost and looking did not help.
    pub async fn send_reconciled<T>(
        &self,
        call: &Request,
        read: impl Fn(&Response) -> Result<T, Error>,
        mut look_up: impl AsyncFnMut() -> Result<Reconciled<T>, Error>,
    ) -> Result<T, Error> {
        let mut first_loss: Option<Instant> = None;
        let mut sent = call;
        loop {
            let error = match self.send(sent).await {
                Ok(answer) => {
                    if first_loss.is_some() && sent.adds_each_time() {
                        self.tell(Event::SentAgain { call: call.name() });
                    }
                    return read(&answer);
                }
                Err(error) if error.is_ambiguous() => error,
                Err(error) => return Err(error),
            };
            let lost_at = Instant::now();
            let since = *first_loss.get_or_insert(lost_at);
            self.tell(Event::Looking { call: call.name(), why: error.to_string() });
            let lost = |error| Error::OutcomeUnknown { call: call.name(), error: Box::new(error) };
            match self.reconcile(&mut look_up).await {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => {}
                Err(failed @ Error::Ambiguous(_)) => return Err(failed),
                Err(failed) if failed.is_unavailable() => return Err(lost(error)),
                Err(failed) => return Err(lost(failed)),
            }
            // Looking takes its own time, which is not the budget's.
            let left = self.limits().retry.saturating_sub(lost_at - since);
            let asked = error.retry_after().unwrap_or_default();
            let again = call.again().filter(|_| !left.is_zero() && asked <= left);
            let Some(again) = again else { return Err(lost(error)) };
            tokio::time::sleep(asked.saturating_sub(lost_at.elapsed())).await;
            sent = again;
        }
    }

    /// Looks until something is found, or the rack has shown nothing for as long as the limit says;
    /// a rack that is away, or busy, is waited for within the retry budget.
    ///
    /// # Errors
    /// What `look_up` fails with.
    pub async fn reconcile<T>(
        &self,
        mut look_up: impl AsyncFnMut() -> Result<Reconciled<T>, Error>,
    ) -> Result<Option<T>, Error> {
        let started = Instant::now();
        let mut nothing_since: Option<Instant> = None;
        let mut pauses = pauses();
        loop {
            let is_early = started.elapsed() < self.limits().retry;
            match look_up().await {
                Ok(Reconciled::Found(found)) => return Ok(Some(found)),
                Ok(Reconciled::Nothing) => {
                    let since = *nothing_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= self.limits().reconcile {
                        return Ok(None);
                    }
                }
                Ok(Reconciled::Busy) if is_early => nothing_since = None,
                Ok(Reconciled::Busy) => return Ok(None),
                Err(error) if error.is_unavailable() && is_early => {}
                Err(error) => return Err(error),
            }
            let pause = pauses.next().unwrap_or(SILENT).min(SILENT);
            tokio::time::sleep(pause.min(self.limits().reconcile)).await;
        }
    }
}
