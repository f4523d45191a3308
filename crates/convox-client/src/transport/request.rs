//! Building a request: the route, its options, and whether it may be repeated.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use reqwest::Method;

use super::Path;
use super::body::Upload;
use convox_wire::option::ToParam;

/// Whether a request may be sent again after its response was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Sending it twice has the effect of sending it once.
    Safely,
    /// Only if it certainly has not reached the rack.
    IfUnsent,
}

/// The name and the value of an option.
pub(super) type Field = (Cow<'static, str>, String);

/// The body of a request.
#[derive(Clone)]
pub(super) enum Content {
    Empty,
    Form(Vec<Field>),
    Upload(Arc<dyn Upload>),
    /// A file part, then form fields (builds on racks without object storage).
    Multipart {
        file: &'static str,
        upload: Arc<dyn Upload>,
        fields: Vec<Field>,
    },
}

/// A request to a rack.
#[derive(Clone)]
pub struct Request {
    pub(super) method: Method,
    pub(super) path: Path,
    pub(super) query: Vec<Field>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) content: Content,
    pub(super) repeat: Repeat,
    /// The response may take minutes to begin.
    pub(super) long_running: bool,
    /// The largest response body that is accepted, in bytes.
    pub(super) max_body: usize,
    resend: Resend,
}

/// How a request is sent again after reconciling has found no trace of it.
#[derive(Clone)]
enum Resend {
    Unchanged,
    As(Box<Request>),
    Never,
}

/// The largest body of a response that describes one object: 16 MiB.
const MAX_OBJECT: usize = 16 << 20;
/// The largest body of a list: 1 GiB.
const MAX_LIST: usize = 1 << 30;

impl Request {
    fn new(method: Method, path: Path, repeat: Repeat) -> Self {
        let reads = [Method::GET, Method::HEAD, Method::OPTIONS];
        let long_running = !reads.contains(&method);
        Self {
            method,
            path,
            query: Vec::new(),
            headers: Vec::new(),
            content: Content::Empty,
            repeat,
            long_running,
            max_body: MAX_OBJECT,
            resend: Resend::Unchanged,
        }
    }

    /// A request that reads something.
    pub fn get(path: Path) -> Self {
        Self::new(Method::GET, path, Repeat::Safely)
    }

    /// A request for what a route offers.
    pub fn options(path: Path) -> Self {
        Self::new(Method::OPTIONS, path, Repeat::Safely)
    }

    /// A request that creates or starts something. It is not repeated unless it was never sent.
    pub fn post(path: Path) -> Self {
        Self::new(Method::POST, path, Repeat::IfUnsent)
    }

    /// A request that sets something. It may be repeated.
    pub fn put(path: Path) -> Self {
        Self::new(Method::PUT, path, Repeat::Safely)
    }

    /// A request that deletes something. It may be repeated.
    pub fn delete(path: Path) -> Self {
        Self::new(Method::DELETE, path, Repeat::Safely)
    }

    /// Overrides whether the request may be repeated.
    pub fn repeat(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }

    /// Returns whether sending it twice could have the effect twice.
    pub(crate) fn is_sent_once(&self) -> bool {
        self.repeat == Repeat::IfUnsent
    }

    /// Sets the request that is sent after reconciling has found no trace of this one. This one has
    /// probably had no effect, but if it did, `request` must not supersede it.
    pub(crate) fn resend_as(mut self, request: Self) -> Self {
        self.resend = Resend::As(Box::new(request));
        self
    }

    /// Declares that reconciling cannot find out whether the request took effect.
    pub(crate) fn never_resend(mut self) -> Self {
        self.resend = Resend::Never;
        self
    }

    /// The request to send after reconciling has found no trace of this one, if any.
    pub(super) fn resend_form(&self) -> Option<&Self> {
        match &self.resend {
            Resend::Unchanged => Some(self),
            Resend::As(request) => Some(request),
            Resend::Never => None,
        }
    }

    /// Returns whether carrying it out twice would create two objects.
    pub(super) fn duplicates_when_resent(&self) -> bool {
        self.method == Method::POST && matches!(self.resend, Resend::Unchanged)
    }

    /// Accepts the larger response body of a list.
    pub(crate) fn expect_list(mut self) -> Self {
        self.max_body = MAX_LIST;
        self
    }

    /// Adds a query option, if given.
    pub fn query(mut self, name: impl Into<Cow<'static, str>>, value: impl ToParam) -> Self {
        self.query.extend(value.to_param().map(|text| (name.into(), text)));
        self
    }

    /// Adds a header option, if given.
    pub fn header(mut self, name: &'static str, value: impl ToParam) -> Self {
        self.headers.extend(value.to_param().map(|text| (name, text)));
        self
    }

    /// Adds a form option, if given.
    pub fn form(mut self, name: impl Into<Cow<'static, str>>, value: impl ToParam) -> Self {
        let field = value.to_param().map(|text| (name.into(), text));
        match &mut self.content {
            Content::Form(fields) | Content::Multipart { fields, .. } => fields.extend(field),
            _ => self.content = Content::Form(field.into_iter().collect()),
        }
        self
    }

    /// Sets a raw body.
    pub fn upload(mut self, upload: Arc<dyn Upload>) -> Self {
        self.content = Content::Upload(upload);
        self
    }

    /// Sets a multipart body: this file first, then the form fields.
    pub fn file(mut self, name: &'static str, upload: Arc<dyn Upload>) -> Self {
        self.content = Content::Multipart { file: name, upload, fields: Vec::new() };
        self
    }

    pub(super) fn is_delete(&self) -> bool {
        self.method == Method::DELETE
    }

    /// Method and path, for messages.
    pub fn line(&self) -> RequestLine {
        RequestLine { method: self.method.clone(), path: self.path.clone() }
    }

    /// The streamed body, if there is one.
    pub(super) fn streamed_body(&self) -> Option<&Arc<dyn Upload>> {
        match &self.content {
            Content::Upload(upload) | Content::Multipart { upload, .. } => Some(upload),
            Content::Empty | Content::Form(_) => None,
        }
    }
}

/// Method and path of a request, for messages: `POST /apps/web/builds`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestLine {
    method: Method,
    path: Path,
}

impl RequestLine {
    /// Returns whether the request changes something at the rack.
    pub fn is_change(&self) -> bool {
        ![Method::GET, Method::HEAD, Method::OPTIONS].contains(&self.method)
    }

    pub(super) fn websocket(path: &Path) -> Self {
        Self { method: Method::GET, path: path.clone() }
    }
}

impl fmt::Display for RequestLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}
