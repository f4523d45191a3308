//! Sends one request once and reads its response.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use reqwest::{Body, multipart};
use tokio::time::{Instant, timeout};

use super::body::{TimeoutPhase, Upload, UploadMonitor};
use super::client::header_value;
use super::error::{ProxyCause, Source, cause_of, proxy_cause_of};
use super::request::{Content, Field};
use super::response::{status_error, too_large};
use super::{Cause, Client, Error, Event, Request, RequestLine, Response};

/// The most that is read of a refusal, in bytes.
const MAX_REFUSAL: usize = 64 << 10;

impl Client {
    /// Sends a request once and reports what came of it.
    pub(super) async fn attempt(&self, request: &Request, attempt: u32) -> Result<Response, Error> {
        let started = Instant::now();
        let result = self.exchange(request).await;
        if is_response(&result) {
            self.note_response();
        }
        let took = started.elapsed();
        self.emit(outcome_event(request.line(), &result, took, attempt));
        result.map(|(_, response)| response)
    }

    async fn exchange(&self, request: &Request) -> Result<(u16, Response), Error> {
        let response = self.response_to(request).await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let (line, redactor) = (request.line(), self.redactor());
        let body = self.whole_body(&line, response, request.max_body).await?;
        Ok((status, Response { request: line, headers, body, redactor }))
    }

    /// Returns the response, with its body still to come, unless it is a refusal.
    pub(super) async fn response_to(&self, request: &Request) -> Result<reqwest::Response, Error> {
        let response = self.response_head(request).await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        if status < 300 {
            return Ok(response);
        }
        let line = request.line();
        self.check_proxy(&line, status)?;
        let body = self.refusal_body(&line, response).await?;
        if status == 413 {
            return Err(too_large(request, &headers, &body, &self.redactor()));
        }
        Err(status_error(line, status, &headers, &body, &self.redactor()))
    }

    /// Sends the request and waits for the head of the response.
    async fn response_head(&self, request: &Request) -> Result<reqwest::Response, Error> {
        let monitor = UploadMonitor::new();
        self.check_socket(&request.line())?;
        let built = self.build_request(request, &monitor)?;
        let limits = self.limits();
        let limit = if request.long_running { limits.long_response } else { limits.response };
        let sending = self.http()?.execute(built);
        let sent = if request.streamed_body().is_some() {
            tokio::select! {
                response = sending => response,
                phase = monitor.timed_out(limits.stall, limit) => {
                    return Err(self.timeout_error(request.line(), phase));
                }
            }
        } else {
            let phase = TimeoutPhase::AwaitingResponse;
            let timed_out = |_| self.timeout_error(request.line(), phase);
            timeout(limit, sending).await.map_err(timed_out)?
        };
        sent.map_err(|error| match monitor.failure() {
            Some(source) => Error::Body { message: source.to_string(), source },
            None => self.network_error(request.line(), error),
        })
    }

    pub(super) fn timeout_error(&self, request: RequestLine, phase: TimeoutPhase) -> Error {
        self.unreachable(
            request,
            Cause::Timeout(match phase {
                TimeoutPhase::SendingBody => "while sending",
                TimeoutPhase::AwaitingResponse => "waiting for the response",
            }),
            None,
        )
    }

    /// An error of the connection after the request was sent, at least in part.
    pub(super) fn unreachable(
        &self,
        request: RequestLine,
        cause: Cause,
        source: Option<Source>,
    ) -> Error {
        let address = self.endpoint().address();
        Error::Unreachable { request, address, cause, sent: true, source }
    }

    /// The error for a request that the HTTP library could not send.
    pub(super) fn network_error(&self, request: RequestLine, error: reqwest::Error) -> Error {
        let address = self.endpoint().address();
        if let Some(problem) = self.verify_failure().take(&address, self.trust()) {
            return Error::Certificate(problem);
        }
        let cause = if error.is_timeout() && error.is_connect() {
            Cause::Timeout("connecting")
        } else {
            cause_of(&error)
        };
        let sent = !error.is_connect();
        // Once the tunnel through a proxy stands, TLS is a matter of the rack.
        if !sent
            && !matches!(cause, Cause::Tls(_))
            && let Ok(Some(proxy)) = self.proxy()
        {
            let cause = proxy_cause_of(&error).unwrap_or(ProxyCause::Network(cause));
            let source = Some(Arc::new(error) as Source);
            let (variable, proxy) = (proxy.variable, proxy.address());
            let cause = Box::new(cause);
            return Error::Proxy { request, proxy, variable, cause, source };
        }
        Error::Unreachable { request, address, cause, sent, source: Some(Arc::new(error)) }
    }

    /// A 407 is the proxy's, not the rack's.
    pub(super) fn check_proxy(&self, request: &RequestLine, status: u16) -> Result<(), Error> {
        match self.proxy()? {
            Some(proxy) if status == 407 => Err(Error::Proxy {
                request: request.clone(),
                proxy: proxy.address(),
                variable: proxy.variable,
                cause: Box::new(ProxyCause::Unauthorized),
                source: None,
            }),
            _ => Ok(()),
        }
    }

    async fn whole_body(
        &self,
        request: &RequestLine,
        response: reqwest::Response,
        max_body: usize,
    ) -> Result<Bytes, Error> {
        let body = self.read_body(request, response, max_body).await?;
        if body.len() > max_body {
            let problem = format!("the body is larger than {} MB", max_body >> 20);
            return Err(Error::InvalidResponse { request: request.clone(), problem });
        }
        Ok(body)
    }

    /// Reads the body of a refusal, which is a short message.
    pub(super) async fn refusal_body(
        &self,
        request: &RequestLine,
        response: reqwest::Response,
    ) -> Result<Bytes, Error> {
        self.read_body(request, response, MAX_REFUSAL).await
    }

    /// Reads the body to its end, or until there is more than `max_body` of it.
    async fn read_body(
        &self,
        request: &RequestLine,
        mut response: reqwest::Response,
        max_body: usize,
    ) -> Result<Bytes, Error> {
        let stall = self.limits().stall;
        let cut = |cause, source| self.unreachable(request.clone(), cause, source);
        let mut body = BytesMut::new();
        loop {
            match timeout(stall, response.chunk()).await {
                Ok(Ok(Some(chunk))) if body.is_empty() && body.capacity() == 0 => {
                    body = chunk.try_into_mut().unwrap_or_else(|chunk| BytesMut::from(&chunk[..]));
                }
                Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
                Ok(Ok(None)) => return Ok(body.freeze()),
                Ok(Err(error)) => {
                    let cause = match cause_of(&error) {
                        cause @ Cause::Cut(_) => cause,
                        other => Cause::Cut(other.to_string()),
                    };
                    return Err(cut(cause, Some(Arc::new(error))));
                }
                Err(_) => return Err(cut(Cause::Timeout("in the middle of the response"), None)),
            }
            if body.len() > max_body {
                return Ok(body.freeze());
            }
        }
    }

    /// Builds the request as it goes on the wire.
    fn build_request(
        &self,
        request: &Request,
        monitor: &Arc<UploadMonitor>,
    ) -> Result<reqwest::Request, Error> {
        let mut url = self.url_of(&request.path)?;
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        let mut headers = self.headers()?;
        headers.insert(ACCEPT, header_value("accept", "*/*")?);
        for (name, value) in &request.headers {
            headers.insert(HeaderName::from_static(name), header_value(name, value)?);
        }
        let builder = self.http()?.request(request.method.clone(), url).headers(headers);
        let builder = match &request.content {
            Content::Empty => builder.header(CONTENT_TYPE, "application/octet-stream"),
            Content::Form(fields) => {
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                builder
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(form.extend_pairs(fields).finish())
            }
            Content::Upload(upload) => {
                let builder = builder.header(CONTENT_TYPE, "application/octet-stream");
                let builder = match upload.length() {
                    Some(length) => builder.header(CONTENT_LENGTH, length),
                    None => builder,
                };
                builder.body(watched_body(upload, monitor))
            }
            Content::Multipart { file, upload, fields } => {
                builder.multipart(multipart_form(file, upload, fields, monitor)?)
            }
        };
        let config_error = |error| Error::Config(format!("the request can't be built: {error}"));
        builder.build().map_err(config_error)
    }
}

fn is_response<T>(result: &Result<T, Error>) -> bool {
    match result {
        Ok(_) => true,
        Err(error) => error.status().is_some() || matches!(error, Error::InvalidResponse { .. }),
    }
}

fn outcome_event(
    request: RequestLine,
    result: &Result<(u16, Response), Error>,
    took: Duration,
    attempt: u32,
) -> Event {
    let (status, bytes) = match result {
        Ok((status, response)) => (*status, Some(response.body.len())),
        Err(error) => match error.status() {
            Some(status) => (status, None),
            None => return Event::Failed { request, why: error.to_string(), took, attempt },
        },
    };
    Event::Responded { request, status, bytes, took, attempt }
}

fn watched_body(upload: &Arc<dyn Upload>, monitor: &Arc<UploadMonitor>) -> Body {
    Body::wrap_stream(monitor.clone().watch(upload.clone()))
}

fn multipart_form(
    file: &'static str,
    upload: &Arc<dyn Upload>,
    fields: &[Field],
    monitor: &Arc<UploadMonitor>,
) -> Result<multipart::Form, Error> {
    let body = watched_body(upload, monitor);
    let part = match upload.length() {
        Some(length) => multipart::Part::stream_with_length(body, length),
        None => multipart::Part::stream(body),
    };
    let part = part
        .file_name("binary-data")
        .mime_str("application/octet-stream")
        .map_err(|error| Error::Config(error.to_string()))?;
    let form = multipart::Form::new().part(file, part);
    Ok(fields.iter().fold(form, |form, (name, value)| form.text(name.clone(), value.clone())))
}
