//! Racks' forms of an absent value: an empty string, a `null` list, the year 1.

/// Reads `""` and `null` as `None`, and writes `None` as `""`.
pub mod empty_as_none {
    use serde::de::IntoDeserializer;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes the text, or `""`.
    pub fn serialize<T: AsRef<str>, S: Serializer>(
        value: &Option<T>,
        out: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map_or("", AsRef::as_ref).serialize(out)
    }

    /// Reads the text, if present.
    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<T>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        let text = text.filter(|text| !text.is_empty());
        text.map(|text| T::deserialize(text.into_deserializer())).transpose()
    }
}

/// Reads Go's zero time (the year 1), `""` and `null` as `None`. Times are RFC 3339.
pub mod year1_as_none {
    use chrono::{DateTime, Datelike, SecondsFormat, Utc};
    use serde::{Deserialize, Deserializer, Serializer};
    use std::borrow::Cow;

    const UNSET: &str = "0001-01-01T00:00:00Z";

    /// Writes the time, or the year 1.
    pub fn serialize<S: Serializer>(
        value: &Option<DateTime<Utc>>,
        out: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(time) => out.serialize_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            None => out.serialize_str(UNSET),
        }
    }

    /// Reads the time, if present.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<DateTime<Utc>>, D::Error> {
        let Some(Text(text)) = Option::<Text>::deserialize(from)? else {
            return Ok(None);
        };
        if text.is_empty() || text == UNSET {
            return Ok(None);
        }
        // A malformed time must not hide the rest of the object.
        let time = DateTime::parse_from_rfc3339(&text).ok().map(|time| time.to_utc());
        Ok(time.filter(|time| time.year() > 1))
    }

    /// Borrowed from the JSON where possible: lists can hold a hundred thousand times.
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
}

/// Writes a number as Go does: without a fraction where it is whole.
pub mod go_float {
    use serde::{Deserialize, Deserializer, Serializer};

    /// The largest whole number up to which all are exact.
    const EXACT: f64 = 9_007_199_254_740_992.0;

    /// Writes the number.
    pub fn serialize<S: Serializer>(value: &f64, out: S) -> Result<S::Ok, S::Error> {
        #[allow(clippy::cast_possible_truncation)] // it is whole and below 2^53
        match value.fract() == 0.0 && value.abs() < EXACT {
            true => out.serialize_i64(*value as i64),
            false => out.serialize_f64(*value),
        }
    }

    /// Reads the number; `null` as 0.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        Ok(Option::<f64>::deserialize(from)?.unwrap_or_default())
    }

    /// The same for an absent number.
    pub mod option {
        use serde::{Deserialize, Deserializer, Serializer};

        /// Writes the number.
        pub fn serialize<S: Serializer>(value: &Option<f64>, out: S) -> Result<S::Ok, S::Error> {
            super::serialize(&value.unwrap_or_default(), out)
        }

        /// Reads the number, if present.
        pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
            Option::<f64>::deserialize(from)
        }
    }

    /// The same for a map of numbers.
    pub mod map {
        use std::collections::BTreeMap;

        use serde::ser::SerializeMap;
        use serde::{Deserialize, Deserializer, Serialize, Serializer};

        #[derive(Serialize)]
        struct Number(#[serde(with = "super")] f64);

        /// Writes the map.
        pub fn serialize<S: Serializer>(
            values: &BTreeMap<String, f64>,
            out: S,
        ) -> Result<S::Ok, S::Error> {
            let mut map = out.serialize_map(Some(values.len()))?;
            for (key, value) in values {
                map.serialize_entry(key, &Number(*value))?;
            }
            map.end()
        }

        /// Reads the map; `null` as an empty one.
        pub fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<BTreeMap<String, f64>, D::Error> {
            Ok(Option::deserialize(from)?.unwrap_or_default())
        }
    }
}

/// Reads `null` as the default value: `""`, 0, false, an empty list or map, as Go's decoder does.
pub fn null_is_empty<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: Default + serde::Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    use serde::Deserialize;
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde::de::DeserializeOwned;
    use serde_json::{Map, Value, json};

    use crate::{
        App, AppName, Autoscale, Build, BuildId, NlbPort, Port, Process, ProcessId, Release,
        ReleaseId, Service, ServiceName, System,
    };

    /// Checks that `null` is like absence in every field except `needed`.
    fn takes_nulls<T: Serialize + DeserializeOwned>(value: &T, needed: &str) {
        let Ok(Value::Object(full)) = serde_json::to_value(value) else { panic!("no object") };
        let bare: Map<_, _> = full.iter().filter(|(key, _)| *key == needed).map(owned).collect();
        let mut nulls: Map<_, _> = full.keys().map(|key| (key.clone(), Value::Null)).collect();
        nulls.extend(bare.clone());
        assert!(nulls.len() > bare.len(), "{nulls:?}");
        assert_eq!(again::<T>(&nulls), again::<T>(&bare));
    }

    fn owned((key, value): (&String, &Value)) -> (String, Value) {
        (key.clone(), value.clone())
    }

    /// The fields after a round trip through `T`.
    fn again<T: Serialize + DeserializeOwned>(fields: &Map<String, Value>) -> Value {
        let text = json!(fields).to_string();
        let read: T = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        serde_json::to_value(read).unwrap()
    }

    #[test]
    fn null_is_the_empty_value_of_every_field() {
        takes_nulls(&App::new(AppName::from_rack("a"), "running".to_owned().into()), "name");
        takes_nulls(&Build::new(BuildId::from_rack("B"), Default::default()), "id");
        let process = ProcessId::from_rack("p");
        takes_nulls(&Process::new(process, "web".to_owned(), Default::default()), "id");
        takes_nulls(&Release::new(ReleaseId::from_rack("R")), "id");
        takes_nulls(&Service::new(ServiceName::from_rack("web")), "name");
        takes_nulls(&System::default(), "");
        takes_nulls(&Port::default(), "");
        takes_nulls(&NlbPort::default(), "");
        takes_nulls(&Autoscale::default(), "");
    }
}
