use std::time::Duration;

use serde_json::Value;

/// How long a request may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Limits {
    /// For a connection.
    pub(super) connect: Option<Duration>,
    /// For each silence after that.
    pub(super) read: Option<Duration>,
}

impl Limits {
    /// Seconds, or a list of those for the connection and those for each read. Null is no limit. `None` if it is
    /// anything else.
    pub(super) fn of(timeout: &Value) -> Option<Self> {
        match timeout {
            Value::Array(both) => match &**both {
                [connect, read] => Some(Self { connect: seconds(connect)?, read: seconds(read)? }),
                _ => None,
            },
            both => seconds(both).map(|limit| Self { connect: limit, read: limit }),
        }
    }
}

fn seconds(value: &Value) -> Option<Option<Duration>> {
    let seconds = match value {
        Value::Null => return Some(None),
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    let limit = Duration::try_from_secs_f64(seconds).ok()?;
    (!limit.is_zero()).then_some(Some(limit))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_time_out_is_a_number_or_two() {
        let half = Some(Duration::from_millis(500));
        for (timeout, expected) in [
            (json!(null), Some((None, None))),
            (json!(0.5), Some((half, half))),
            (json!("0.5"), Some((half, half))),
            (json!([0.5, null]), Some((half, None))),
            (json!([null, 0.5]), Some((None, half))),
            (json!([0.5]), None),
            (json!(0), None),
            (json!(-1), None),
            (json!("soon"), None),
            (json!({}), None),
            (json!(1e300), None),
        ] {
            let expected = expected.map(|(connect, read)| Limits { connect, read });
            assert_eq!(Limits::of(&timeout), expected, "{timeout}");
        }
    }
}
