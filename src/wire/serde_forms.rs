//! How racks write "nothing": an empty string, a `null` list, the year 1.

/// `""` (or `null`) is `None`.
pub(crate) mod blank {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<T: AsRef<str>, S: Serializer>(
        value: &Option<T>,
        out: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map_or("", AsRef::as_ref).serialize(out)
    }

    pub(crate) fn deserialize<'de, T: From<String>, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<T>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        Ok(text.filter(|text| !text.is_empty()).map(T::from))
    }
}

/// The year 1 (or an empty string, or `null`) is `None`; times are RFC 3339.
pub(crate) mod moment {
    use chrono::{DateTime, Datelike, SecondsFormat, Utc};
    use serde::{Deserialize, Deserializer, Serializer};
    use std::borrow::Cow;

    const UNSET: &str = "0001-01-01T00:00:00Z";

    pub(crate) fn serialize<S: Serializer>(
        value: &Option<DateTime<Utc>>,
        out: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(time) => out.serialize_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            None => out.serialize_str(UNSET),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<DateTime<Utc>>, D::Error> {
        let Some(Text(text)) = Option::<Text>::deserialize(from)? else {
            return Ok(None);
        };
        if text.is_empty() || text == UNSET {
            return Ok(None);
        }
        // A time that nobody can read is no reason not to show the rest.
        let time = DateTime::parse_from_rfc3339(&text).ok().map(|time| time.to_utc());
        Ok(time.filter(|time| time.year() > 1))
    }

    /// Borrowed where the JSON allows it: lists can have a hundred thousand times.
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
}

/// `null` is the empty value of a list or map.
pub(crate) fn null_is_empty<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: Default + serde::Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    use serde::Deserialize;
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}
