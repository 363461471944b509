use std::{fmt, time::Duration};

use serde_json::{Number, Value};

use crate::{plan::Quota, text::duration_text};

/// A value that has the kind of its parameter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Datum {
    /// A flag that is set.
    Set,
    Number(f64),
    Count(u64),
    Duration(Duration),
    Size(u64),
    Quota(Quota),
    /// From the first to the last, both included.
    Ports(u16, u16),
    /// A text, a path or the name of a choice.
    Text(String),
    List(Vec<Datum>),
    /// A list whose items may contain commas.
    Each(Vec<Datum>),
}

/// The form that a person writes, also on a command line.
impl fmt::Display for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set => f.write_str("given"),
            Self::Number(number) => number.fmt(f),
            Self::Count(number) | Self::Size(number) => number.fmt(f),
            Self::Quota(quota) => quota.fmt(f),
            Self::Duration(duration) => f.write_str(&duration_text(*duration)),
            Self::Ports(first, last) if first == last => first.fmt(f),
            Self::Ports(first, last) => write!(f, "{first}-{last}"),
            Self::Text(text) => f.write_str(text),
            Self::List(items) | Self::Each(items) => {
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index == 0 { "" } else { "," })?;
                }
                Ok(())
            }
        }
    }
}

/// As it is read back.
impl From<&Datum> for Value {
    fn from(datum: &Datum) -> Self {
        match datum {
            Datum::Set => Self::Bool(true),
            Datum::Number(number) => as_json(*number),
            Datum::Count(number) | Datum::Size(number) => Self::from(*number),
            Datum::Ports(first, last) if first == last => Self::from(*first),
            Datum::Quota(quota) => quota.count().map_or_else(|| Self::String(quota.to_string()), Self::from),
            Datum::List(items) | Datum::Each(items) => items.iter().map(Self::from).collect(),
            Datum::Duration(_) | Datum::Ports(..) | Datum::Text(_) => Self::String(datum.to_string()),
        }
    }
}

/// Whole numbers have no decimal point. Every number in a datum can be written in JSON.
fn as_json(number: f64) -> Value {
    let whole = (number.fract() == 0.0).then(|| format!("{number:.0}").parse::<i64>().ok()).flatten();
    whole.map(Value::from).or_else(|| Number::from_f64(number).map(Value::Number)).unwrap_or(Value::Null)
}
