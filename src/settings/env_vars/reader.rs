//! Parses the values of variables, naming the variable in errors.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::InvalidVariable;
use crate::settings::trimmed_secret;
use convox_client::limits::Limits;
use convox_client::secret::Secret;
use convox_wire::duration::GoDuration;

/// Reads variables through a lookup function.
pub(super) struct Reader<F> {
    pub(super) lookup: F,
}

impl<F: Fn(&str) -> Option<OsString>> Reader<F> {
    pub(super) fn raw(&self, name: &str) -> Option<OsString> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        self.raw(name).map(PathBuf::from)
    }

    pub(super) fn value(&self, name: &'static str) -> Result<Option<String>, InvalidVariable> {
        let Some(value) = self.raw(name) else { return Ok(None) };
        let text = into_utf8(name, value)?;
        Ok(Some(text).filter(|text| !text.trim().is_empty()))
    }

    pub(super) fn text(&self, name: &'static str) -> Result<Option<String>, InvalidVariable> {
        Ok(self.value(name)?.map(|text| text.trim().to_owned()))
    }

    /// Reads a secret. A value of white space only is refused: it usually comes from a mistake in a
    /// script, and falling back to another credential would hide it.
    pub(super) fn secret(&self, name: &'static str) -> Result<Option<Secret>, InvalidVariable> {
        let Some(value) = self.raw(name) else { return Ok(None) };
        let text = into_utf8(name, value)?;
        trimmed_secret(&text).map(Some).map_err(|why| InvalidVariable::new(name, &why))
    }

    pub(super) fn parsed<T: FromStr>(
        &self,
        name: &'static str,
    ) -> Result<Option<T>, InvalidVariable>
    where
        T::Err: std::fmt::Display,
    {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let value = text.parse().map_err(|why: T::Err| InvalidVariable::new(name, &why))?;
        Ok(Some(value))
    }

    /// Parses `true`, `1`, `false` or `0`, as classic clients do.
    pub(super) fn bool(&self, name: &'static str) -> Result<bool, InvalidVariable> {
        let Some(text) = self.text(name)? else { return Ok(false) };
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(InvalidVariable::new(name, &"not a boolean: expected 1, true, 0 or false")),
        }
    }

    pub(super) fn limits(&self) -> Result<Limits, InvalidVariable> {
        let default = Limits::default();
        Ok(Limits {
            connect: self.limit("CONVOX_CONNECT_TIMEOUT", default.connect)?,
            response: self.limit("CONVOX_READ_TIMEOUT", default.response)?,
            long_response: self.limit("CONVOX_CHANGE_TIMEOUT", default.long_response)?,
            stall: self.limit("CONVOX_STALL_TIMEOUT", default.stall)?,
            ping: self.limit("CONVOX_PING_INTERVAL", default.ping)?,
            half_open: self.limit("CONVOX_SOCKET_TIMEOUT", default.half_open)?,
            reconcile: self.span("CONVOX_LOOK_TIME", default.reconcile)?,
            first_contact: self.span("CONVOX_FIRST_CONTACT_TIME", default.first_contact)?,
            retry: self.seconds("CONVOX_RETRY", default.retry)?,
            log_grace: self.span("CONVOX_LOG_GRACE", default.log_grace)?,
            poll: self.limit("CONVOX_POLL_INTERVAL", default.poll)?,
        })
    }

    /// Parses a duration that may be zero.
    pub(super) fn span(
        &self,
        name: &'static str,
        default: Duration,
    ) -> Result<Duration, InvalidVariable> {
        let span: Option<GoDuration> = self.parsed(name)?;
        Ok(span.map_or(default, |span| span.0))
    }

    /// Parses a duration that must not be zero, since every request would fail.
    pub(super) fn limit(
        &self,
        name: &'static str,
        default: Duration,
    ) -> Result<Duration, InvalidVariable> {
        let limit = self.span(name, default)?;
        if limit.is_zero() {
            return Err(InvalidVariable::new(
                name,
                &"the time limit must be greater than zero, for example 500ms or 10s",
            ));
        }
        Ok(limit)
    }

    /// Parses whole seconds, or a duration with a unit.
    pub(super) fn seconds(
        &self,
        name: &'static str,
        default: Duration,
    ) -> Result<Duration, InvalidVariable> {
        let Some(text) = self.text(name)? else { return Ok(default) };
        if let Ok(seconds) = text.parse::<u32>() {
            return Ok(Duration::from_secs(seconds.into()));
        }
        match text.parse::<GoDuration>() {
            Ok(span) => Ok(span.0),
            Err(_) => {
                Err(InvalidVariable::new(name, &"not a duration: expected seconds, for example 60"))
            }
        }
    }
}

fn into_utf8(name: &'static str, value: OsString) -> Result<String, InvalidVariable> {
    value.into_string().map_err(|_| InvalidVariable { name, why: "not valid UTF-8".to_owned() })
}
