//! The only loop that repeats requests, with the only backoff.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::time::Instant;

use super::error::Cause;
use super::{Client, Error, Event, Headers, Path, Repeat, Request, RequestLine, Response, Socket};

/// Repeating for this long is reported, once per request.
pub(super) const NOTICE_AFTER: Duration = Duration::from_secs(2);

/// One attempt to upload may take longer than the retry budget, so there are at least this many.
const UPLOAD_ATTEMPTS: u32 = 3;

/// Pauses from 0.1 s to about 5 s, with jitter.
pub(super) fn backoff() -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(5))
        .with_jitter()
        .without_max_times()
        .build()
}

/// The attempts at one request.
pub(super) struct Attempts<'a> {
    client: &'a Client,
    request: RequestLine,
    pauses: Box<dyn Iterator<Item = Duration> + Send>,
    /// From 1.
    attempt: u32,
    failing_since: Option<Instant>,
    notified: bool,
}

impl<'a> Attempts<'a> {
    pub(super) fn new(client: &'a Client, request: RequestLine) -> Self {
        let pauses = Box::new(backoff());
        Self { client, request, pauses, attempt: 1, failing_since: None, notified: false }
    }

    /// The number of the present attempt, from 1.
    pub(super) fn number(&self) -> u32 {
        self.attempt
    }

    /// Begins the next attempt without a pause. The retry budget counts from here.
    fn next_at_once(&mut self) {
        self.failing_since.get_or_insert_with(Instant::now);
        self.attempt += 1;
    }

    /// Waits for the next attempt, or returns `error` once the budget is spent and there were
    /// `at_least` so many attempts.
    pub(super) async fn next(&mut self, error: Error, at_least: u32) -> Result<(), Error> {
        let since = *self.failing_since.get_or_insert_with(Instant::now);
        let budget = self.client.budget(&error);
        let is_due = self.attempt < at_least && !budget.is_zero();
        let left = if is_due { budget } else { budget.saturating_sub(since.elapsed()) };
        let requested = error.retry_after().unwrap_or_default();
        if left.is_zero() || requested > left {
            return Err(error);
        }
        // The last attempt comes when the budget ends, not a pause earlier.
        let pause = self.pauses.next().unwrap_or(NOTICE_AFTER).max(requested).min(left);
        if !self.notified && since.elapsed() + pause >= NOTICE_AFTER {
            self.notified = true;
            let (request, why) = (self.request.clone(), error.to_string());
            self.client.emit(Event::Retrying { request, why, budget });
        }
        tokio::time::sleep(pause).await;
        self.attempt += 1;
        Ok(())
    }
}

impl Client {
    /// Sends a request, and repeats it within the budget if that is allowed and may help.
    pub(super) async fn send_within_budget(&self, request: &Request) -> Result<Response, Error> {
        let mut attempts = Attempts::new(self, request.line());
        let at_least = if request.streamed_body().is_some() { UPLOAD_ATTEMPTS } else { 1 };
        loop {
            let had_length = request.streamed_body().is_none_or(|body| body.length().is_some());
            let error = match self.attempt(request, attempts.attempt).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            // A 404 to a repeated DELETE: an earlier attempt has worked.
            if attempts.attempt > 1 && request.is_delete() && error.status() == Some(404) {
                return Ok(Response::empty(request));
            }
            if !had_length && attempts.attempt == 1 && gains_length(request, &error).await {
                attempts.next_at_once();
                continue;
            }
            if !self.may_repeat(request, &error) {
                return Err(error);
            }
            attempts.next(error, at_least).await?;
            if let Some(upload) = request.streamed_body() {
                // The attempt may have failed because the length was unknown.
                upload.complete().await;
            }
        }
    }

    /// Opens a websocket, and tries again within the budget if that may help. `options` is called
    /// for each attempt, since options may depend on the time; `on_failure` for each failure.
    ///
    /// # Errors
    /// [`Error::Handshake`] if the response is not an upgrade. Racks report other refusals as text
    /// inside the socket.
    pub async fn open(
        &self,
        path: &Path,
        options: impl Fn() -> Headers,
        on_failure: impl FnMut(&Error),
    ) -> Result<Socket, Error> {
        self.open_repeating(path, options, on_failure, Repeat::Safely).await
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
        mut on_failure: impl FnMut(&Error),
        repeat: Repeat,
    ) -> Result<Socket, Error> {
        self.prepare_session().await?;
        let mut attempts = Attempts::new(self, RequestLine::websocket(path));
        let mut may_renew = self.is_console();
        loop {
            let error = match self.open_once(path, &options(), attempts.attempt).await {
                Ok(socket) => return Ok(socket),
                Err(error) => error,
            };
            // The session has ended just before.
            if error.status() == Some(401) && std::mem::take(&mut may_renew) {
                self.prepare_session().await?;
                continue;
            }
            on_failure(&error);
            if !self.may_repeat_as(repeat, &error) {
                return Err(error);
            }
            attempts.next(error, 1).await?;
        }
    }

    pub(super) fn may_repeat(&self, request: &Request, error: &Error) -> bool {
        self.may_repeat_as(request.repeat, error)
    }

    fn may_repeat_as(&self, repeat: Repeat, error: &Error) -> bool {
        self.retries()
            && match repeat {
                Repeat::Safely => error.is_transient(),
                Repeat::IfUnsent => error.is_unsent() && error.is_transient(),
            }
    }

    /// The retry budget: a shorter one as long as the address may simply be wrong.
    fn budget(&self, error: &Error) -> Duration {
        let limits = self.limits();
        let may_be_wrong_address = matches!(
            error,
            Error::Unreachable { cause: Cause::ConnectionRefused | Cause::Dns(_), .. }
                | Error::Proxy { .. }
        ) && !self.has_responded();
        if may_be_wrong_address { limits.retry.min(limits.first_contact) } else { limits.retry }
    }
}

/// Whether an upload failed that had no length, and perhaps for that reason, and has one now. It is
/// sent again even if requests are not repeated otherwise.
async fn gains_length(request: &Request, error: &Error) -> bool {
    let is_cut = matches!(error, Error::Unreachable { cause: Cause::Cut(_), .. });
    let is_refused = matches!(error.status(), Some(400 | 411 | 413 | 501));
    let may_repeat = request.repeat == Repeat::Safely;
    let Some(body) = request.streamed_body().filter(|_| may_repeat && (is_cut || is_refused))
    else {
        return false;
    };
    body.complete().await;
    body.length().is_some()
}
