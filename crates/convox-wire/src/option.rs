//! How options travel (v2, v3): each in one place, header, form or query, and absent ones not at
//! all. This gives the text of a value; which option goes where is said at the call.

use chrono::{DateTime, Utc};

use super::duration::GoSpan;

/// A value that can be an option of a call.
pub trait OptionText {
    /// The text on the wire; `None` for an option that was not given.
    fn option_text(&self) -> Option<String>;
}

impl OptionText for bool {
    fn option_text(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl OptionText for u32 {
    fn option_text(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl OptionText for str {
    fn option_text(&self) -> Option<String> {
        Some(self.to_owned())
    }
}

impl OptionText for String {
    fn option_text(&self) -> Option<String> {
        Some(self.clone())
    }
}

impl OptionText for GoSpan {
    fn option_text(&self) -> Option<String> {
        Some(self.to_string())
    }
}

/// `YYYYMMDD.HHMMSS.NNNNNNNNN` in UTC.
impl OptionText for DateTime<Utc> {
    fn option_text(&self) -> Option<String> {
        Some(self.format("%Y%m%d.%H%M%S.%9f").to_string())
    }
}

/// Joined with commas; racks split at each one, so elements cannot contain any.
impl OptionText for [String] {
    fn option_text(&self) -> Option<String> {
        (!self.is_empty()).then(|| self.join(","))
    }
}

impl<T: OptionText> OptionText for Option<T> {
    fn option_text(&self) -> Option<String> {
        self.as_ref().and_then(OptionText::option_text)
    }
}

impl<T: OptionText + ?Sized> OptionText for &T {
    fn option_text(&self) -> Option<String> {
        (**self).option_text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_spelled_as_racks_read_them() {
        assert_eq!(Some(90u32).option_text().unwrap(), "90");
        assert_eq!(None::<bool>.option_text(), None);
        assert_eq!(
            ["A=1".to_owned(), "B=2".to_owned()].as_slice().option_text().unwrap(),
            "A=1,B=2"
        );
        let time = DateTime::parse_from_rfc3339("2026-06-01T14:34:56.789012345+02:00").unwrap();
        assert_eq!(time.to_utc().option_text().unwrap(), "20260601.123456.789012345");
    }
}
