//! Request parameters (v2, v3). Each is sent in one place (header, form or query); absent ones are
//! not sent. This module formats values; each request says where its parameters go.

use chrono::{DateTime, Utc};

use super::duration::SignedGoDuration;

/// A value that can be a request parameter.
pub trait ToParam {
    /// The text to send; `None` for an absent parameter.
    fn to_param(&self) -> Option<String>;
}

impl ToParam for bool {
    fn to_param(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl ToParam for u32 {
    fn to_param(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl ToParam for i64 {
    fn to_param(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl ToParam for str {
    fn to_param(&self) -> Option<String> {
        Some(self.to_owned())
    }
}

impl ToParam for String {
    fn to_param(&self) -> Option<String> {
        Some(self.clone())
    }
}

impl ToParam for SignedGoDuration {
    fn to_param(&self) -> Option<String> {
        Some(self.to_string())
    }
}

/// `YYYYMMDD.HHMMSS.NNNNNNNNN` in UTC.
impl ToParam for DateTime<Utc> {
    fn to_param(&self) -> Option<String> {
        Some(self.format("%Y%m%d.%H%M%S.%9f").to_string())
    }
}

/// Joined with commas. Racks split at each comma, so elements cannot contain any.
impl ToParam for [String] {
    fn to_param(&self) -> Option<String> {
        (!self.is_empty()).then(|| self.join(","))
    }
}

impl<T: ToParam> ToParam for Option<T> {
    fn to_param(&self) -> Option<String> {
        self.as_ref().and_then(ToParam::to_param)
    }
}

impl<T: ToParam + ?Sized> ToParam for &T {
    fn to_param(&self) -> Option<String> {
        (**self).to_param()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_formatted_as_racks_parse_them() {
        assert_eq!(Some(90u32).to_param().unwrap(), "90");
        assert_eq!(None::<bool>.to_param(), None);
        assert_eq!(["A=1".to_owned(), "B=2".to_owned()].as_slice().to_param().unwrap(), "A=1,B=2");
        let time = DateTime::parse_from_rfc3339("2026-06-01T14:34:56.789012345+02:00").unwrap();
        assert_eq!(time.to_utc().to_param().unwrap(), "20260601.123456.789012345");
    }
}
