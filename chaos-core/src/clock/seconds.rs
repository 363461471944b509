//! Durations in JSON: decimal seconds. Serde's own form of a [`Duration`], whole seconds and nanoseconds, is read too,
//! because earlier versions wrote it.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

pub(crate) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    Seconds::deserialize(deserializer)?.read()
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a number of seconds")]
enum Seconds {
    Decimal(f64),
    Parts(Duration),
}

impl Seconds {
    fn read<E: Error>(self) -> Result<Duration, E> {
        match self {
            Self::Decimal(seconds) => Duration::try_from_secs_f64(seconds).map_err(E::custom),
            Self::Parts(duration) => Ok(duration),
        }
    }
}

/// The same for a duration that may be missing.
pub(crate) mod optional {
    use super::{Deserialize, Deserializer, Duration, Seconds, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
    pub(crate) fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        duration.map(|duration| duration.as_secs_f64()).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Option::<Seconds>::deserialize(deserializer)?.map(Seconds::read).transpose()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Times {
        #[serde(with = "super")]
        wait: Duration,
        #[serde(default, with = "optional")]
        took: Option<Duration>,
    }

    fn read(value: Value) -> serde_json::Result<Times> {
        serde_json::from_value(value)
    }

    #[test]
    fn durations_are_decimal_seconds_and_those_of_before_are_read() {
        let times =
            Times { wait: Duration::from_millis(1_250), took: Some(Duration::from_nanos(60_000_000_001)) };
        let json = json!({ "wait": 1.25, "took": 60.000_000_001 });
        assert_eq!(serde_json::to_value(&times).unwrap(), json);
        assert_eq!(read(json).unwrap(), times);
        let before =
            json!({ "wait": { "secs": 1, "nanos": 250_000_000 }, "took": { "secs": 60, "nanos": 1 } });
        assert_eq!(read(before).unwrap(), times);
        let whole = Times { wait: Duration::from_secs(2), took: None };
        assert_eq!(read(json!({ "wait": 2 })).unwrap(), whole);
        assert_eq!(serde_json::to_value(whole).unwrap(), json!({ "wait": 2.0, "took": null }));
    }

    #[test]
    fn what_is_no_duration_is_an_error_and_no_panic() {
        for wrong in [json!(-1), json!(1e300), json!("1 s"), json!(null)] {
            let error = read(json!({ "wait": wrong })).unwrap_err().to_string();
            assert!(error.contains("seconds") || error.contains("Duration"), "{error}");
        }
    }
}
