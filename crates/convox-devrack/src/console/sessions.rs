//! Sessions, and the challenges of the second factor.

use std::collections::HashSet;

use axum::http::HeaderMap;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::Required;
use crate::ids;

#[derive(Default)]
pub(super) struct Sessions {
    required: Required,
    valid: HashSet<String>,
    /// Challenges that were not answered yet, by their opaque part.
    challenges: HashSet<String>,
    pub(super) given: usize,
    pub(super) signed: usize,
    pub(super) wrong: u32,
    pub(super) has_no_page: bool,
}

impl Sessions {
    pub(super) fn expire(&mut self, required: Required) {
        self.valid.clear();
        self.required = required;
    }

    /// The `WWW-Authenticate` of a request without the session that is required.
    pub(super) fn missing(&self, headers: &HeaderMap) -> Option<&'static str> {
        let session = headers.get("session").and_then(|value| value.to_str().ok());
        match self.required {
            Required::Password => None,
            _ if session.is_some_and(|id| self.valid.contains(id)) => None,
            Required::Session => Some("Session path=\"/session\" token=\"false\""),
            Required::SecondFactor => Some("Session path=\"/session\" token=\"true\""),
        }
    }

    /// A new challenge: its opaque part, and its document.
    pub(super) fn challenge(&mut self) -> (String, Value) {
        let challenge = random();
        self.challenges.insert(challenge.clone());
        let key = json!({
            "challenge": BASE64_STANDARD.encode(&challenge),
            "timeout": 60_000,
            "rpId": "127.0.0.1",
            "allowCredentials": [{"type": "public-key", "id": BASE64_STANDARD.encode("key")}],
            "userVerification": "discouraged",
        });
        (challenge, json!({ "publicKey": key }))
    }

    /// The assertion of the page, which stands for a browser with a key.
    pub(super) fn sign(&mut self, document: &Value) -> Value {
        self.signed += 1;
        let challenge = &document["publicKey"]["challenge"];
        let signature = match self.wrong {
            0 => challenge.clone(),
            _ => "wrong".into(),
        };
        self.wrong = self.wrong.saturating_sub(1);
        json!({"id": "key", "type": "public-key", "response": {"signature": signature}})
    }

    /// Gives a session, for an assertion if that is required. A challenge is good for one answer.
    pub(super) fn give(&mut self, opaque: Option<&str>, assertion: &[u8]) -> Option<String> {
        if self.required == Required::SecondFactor {
            let challenge = self.challenges.take(opaque?)?;
            let assertion: Value = serde_json::from_slice(assertion).ok()?;
            let signature = assertion["response"]["signature"].as_str()?;
            if signature != BASE64_STANDARD.encode(challenge) {
                return None;
            }
        } else if !assertion.is_empty() {
            return None;
        }
        let session = random();
        self.valid.insert(session.clone());
        self.given += 1;
        Some(session)
    }
}

/// An id that no one guesses; without random numbers, one that is never accepted.
fn random() -> String {
    ids::hex::<16>().unwrap_or_default()
}
