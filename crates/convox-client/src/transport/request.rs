//! A request being built: what to ask, how the options travel, and whether it may be repeated.

use std::fmt;
use std::sync::Arc;

use reqwest::Method;

use super::Path;
use super::body::Upload;
use convox_wire::option::ToParam;

/// May a request be sent again when its answer was lost?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Sending it twice does what sending it once does.
    Safely,
    /// Only while it certainly has not reached the rack.
    IfUnsent,
}

/// What goes into the body.
#[derive(Clone)]
pub(super) enum Content {
    Nothing,
    Form(Vec<(&'static str, String)>),
    Upload(Arc<dyn Upload>),
    /// A file part named by the first text, then fields (compat uploads of old racks).
    Multipart {
        file: &'static str,
        upload: Arc<dyn Upload>,
        fields: Vec<(&'static str, String)>,
    },
}

/// A request to a rack.
#[derive(Clone)]
pub struct Request {
    pub(super) method: Method,
    pub(super) path: Path,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) content: Content,
    pub(super) repeat: Repeat,
    pub(super) long_running: bool,
    pub(super) most: usize,
    again: Again,
}

/// In which form a call is sent again, once looking has shown nothing of it.
#[derive(Clone)]
enum Again {
    AsItWas,
    As(Box<Request>),
    Never,
}

/// The most that an answer may have: more is no answer to what was asked.
const SMALL: usize = 16 << 20;
/// A list can be long.
const LARGE: usize = 1 << 30;

impl Request {
    fn new(method: Method, path: Path, repeat: Repeat) -> Self {
        // A change may take minutes at the rack; a read may not.
        let long_running = method != Method::GET && method != Method::HEAD;
        let (query, headers) = (Vec::new(), Vec::new());
        Self {
            method,
            path,
            query,
            headers,
            content: Content::Nothing,
            repeat,
            long_running,
            most: SMALL,
            again: Again::AsItWas,
        }
    }

    /// Reads something.
    pub fn get(path: Path) -> Self {
        Self::new(Method::GET, path, Repeat::Safely)
    }

    /// Makes or starts something: never repeated blindly.
    pub fn post(path: Path) -> Self {
        Self::new(Method::POST, path, Repeat::IfUnsent)
    }

    /// Puts something into a state; doing it twice changes nothing.
    pub fn put(path: Path) -> Self {
        Self::new(Method::PUT, path, Repeat::Safely)
    }

    /// Takes something away; doing it twice changes nothing.
    pub fn delete(path: Path) -> Self {
        Self::new(Method::DELETE, path, Repeat::Safely)
    }

    /// Says that this call may be repeated after all, or may not.
    pub fn repeat(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }

    /// Says what is sent where looking has shown nothing of this call. It has probably done nothing,
    /// but what would push an earlier one aside must not be sent twice.
    pub fn sent_again_as(mut self, call: Self) -> Self {
        self.again = Again::As(Box::new(call));
        self
    }

    /// Says that looking cannot tell whether it was carried out.
    pub fn never_sent_again(mut self) -> Self {
        self.again = Again::Never;
        self
    }

    /// The form in which it is sent again, if it is.
    pub(super) fn again(&self) -> Option<&Self> {
        match &self.again {
            Again::AsItWas => Some(self),
            Again::As(call) => Some(call),
            Again::Never => None,
        }
    }

    /// Does each time it is carried out make one thing more?
    pub(super) fn adds_each_time(&self) -> bool {
        self.method == Method::POST && matches!(self.again, Again::AsItWas)
    }

    /// Says that the answer is a list, which may be long.
    pub fn answers_list(mut self) -> Self {
        self.most = LARGE;
        self
    }

    /// An option in the query, if given.
    pub fn query(mut self, name: &'static str, value: impl ToParam) -> Self {
        self.query.extend(value.to_param().map(|text| (name, text)));
        self
    }

    /// An option in a header, if given.
    pub fn header(mut self, name: &'static str, value: impl ToParam) -> Self {
        self.headers.extend(value.to_param().map(|text| (name, text)));
        self
    }

    /// An option in the form, if given.
    pub fn form(mut self, name: &'static str, value: impl ToParam) -> Self {
        let field = value.to_param().map(|text| (name, text));
        match &mut self.content {
            Content::Form(fields) | Content::Multipart { fields, .. } => fields.extend(field),
            _ => self.content = Content::Form(field.into_iter().collect()),
        }
        self
    }

    /// A raw body.
    pub fn upload(mut self, upload: Arc<dyn Upload>) -> Self {
        self.content = Content::Upload(upload);
        self
    }

    /// A multipart body: this file first, then the form's fields.
    pub fn file(mut self, name: &'static str, upload: Arc<dyn Upload>) -> Self {
        self.content = Content::Multipart { file: name, upload, fields: Vec::new() };
        self
    }

    pub(super) fn is_delete(&self) -> bool {
        self.method == Method::DELETE
    }

    /// Method and path, for messages.
    pub fn name(&self) -> RequestLine {
        RequestLine { method: self.method.clone(), path: self.path.clone() }
    }

    /// The progress of the body that is being sent, if there is one.
    pub(super) fn sends(&self) -> Option<&Arc<dyn Upload>> {
        match &self.content {
            Content::Upload(upload) | Content::Multipart { upload, .. } => Some(upload),
            Content::Nothing | Content::Form(_) => None,
        }
    }
}

/// Method and path of a call, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestLine {
    method: Method,
    path: Path,
}

impl RequestLine {
    /// Does it change something at the rack?
    pub fn is_change(&self) -> bool {
        self.method != Method::GET && self.method != Method::HEAD
    }

    pub(super) fn socket(path: &Path) -> Self {
        Self { method: Method::GET, path: path.clone() }
    }
}

impl fmt::Display for RequestLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}
