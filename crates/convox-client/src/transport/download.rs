//! Bodies that are read as they come, of any size.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout};

use super::error::cause_of;
use super::retry::Attempts;
use super::{Cause, Client, Error, Event, Request, RequestLine};

/// The body of a response on its way. Nothing of it is kept in memory.
#[derive(Debug)]
pub struct Download {
    response: reqwest::Response,
    request: RequestLine,
    address: String,
    stall: Duration,
    length: Option<u64>,
}

impl Client {
    /// Sends a request whose response is streamed. It is repeated within the retry budget until
    /// the response begins; what breaks later is for the caller, who has used some of it.
    ///
    /// # Errors
    /// The refusal, or the last failure of the connection; [`Error::InvalidResponse`] for a web page.
    pub async fn download(&self, request: &Request) -> Result<Download, Error> {
        let line = request.line();
        self.with_session(&line, || self.begin_within_budget(request)).await
    }

    async fn begin_within_budget(&self, request: &Request) -> Result<Download, Error> {
        let mut attempts = Attempts::new(self, request.line());
        loop {
            let error = match self.begin_download(request, attempts.number()).await {
                Ok(download) => return Ok(download),
                Err(error) => error,
            };
            if !self.may_repeat(request, &error) {
                return Err(error);
            }
            attempts.next(error, 1).await?;
        }
    }

    async fn begin_download(&self, request: &Request, attempt: u32) -> Result<Download, Error> {
        let started = Instant::now();
        let begun = self.response_to(request).await;
        let (line, took) = (request.line(), started.elapsed());
        let status = match &begun {
            Ok(response) => Some(response.status().as_u16()),
            Err(error) => error.status(),
        };
        if status.is_some() {
            self.note_response();
        }
        // The body is still to come.
        self.emit(match (&begun, status) {
            (Err(error), None) => {
                Event::Failed { request: line, why: error.to_string(), took, attempt }
            }
            (_, status) => {
                let status = status.unwrap_or_default();
                Event::Responded { request: line, status, bytes: None, took, attempt }
            }
        });
        let response = begun?;
        if is_page(&response) {
            let problem = "expected data, got a web page".to_owned();
            return Err(Error::InvalidResponse { request: request.line(), problem });
        }
        Ok(Download {
            request: request.line(),
            address: self.endpoint().address(),
            stall: self.limits().stall,
            length: response.content_length(),
            response,
        })
    }
}

/// Whether a response is a web page, as captive portals and proxies send them with any status.
fn is_page(response: &reqwest::Response) -> bool {
    let kind = response.headers().get(reqwest::header::CONTENT_TYPE);
    kind.and_then(|kind| kind.to_str().ok()).is_some_and(|kind| kind.starts_with("text/html"))
}

impl Download {
    /// The length in bytes, if the rack has announced it.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// Returns the next piece, or `None` at the end of a complete body.
    ///
    /// # Errors
    /// [`Error::Unreachable`] if the connection breaks, or nothing comes for as long as the limit
    /// for bodies allows: what was read so far is not the whole.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let cause = match timeout(self.stall, self.response.chunk()).await {
            Ok(Ok(piece)) => return Ok(piece),
            Ok(Err(error)) => match cause_of(&error) {
                cause @ Cause::Cut(_) => cause,
                other => Cause::Cut(other.to_string()),
            },
            Err(_) => Cause::Timeout("in the middle of the response"),
        };
        let (request, address) = (self.request.clone(), self.address.clone());
        Err(Error::Unreachable { request, address, cause, sent: true, source: None })
    }
}
