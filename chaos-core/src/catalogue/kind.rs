use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{datum::Datum, naming::Naming};
use crate::text::{nearest, parse_duration, parse_size};

/// The kind of a parameter's values.
///
/// Each is read from JSON and from text: a number may be written `60` or `"60"`, a size `4096` or `"4KiB"`. Durations
/// are always text, because a bare number has no unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ParameterKind {
    /// Given or not: `true` or `false`.
    Flag,
    /// A number within these bounds, both included.
    #[non_exhaustive]
    Number {
        /// The least.
        least: f64,
        /// The most.
        most: f64,
    },
    /// A whole number within these bounds, both included.
    #[non_exhaustive]
    Count {
        /// The least.
        least: u64,
        /// The most; 2^64-1 for no bound.
        most: u64,
    },
    /// A duration, as [`parse_duration`] reads it.
    Duration,
    /// A number of bytes, as [`parse_size`] reads it.
    Size,
    /// A number of targets, or a share of all: `2` or `33%`.
    Quota,
    /// Ports from 1 to 65535: one, or several in a row (`9000-9010`).
    Ports,
    /// An absolute path on the target.
    Path,
    /// Any text but none at all.
    Text,
    /// One of these names.
    #[non_exhaustive]
    Choice {
        /// In the order in which people are shown them.
        of: Vec<Choice>,
    },
}

/// A name to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Choice {
    /// The value to give.
    pub name: String,
    /// Its meaning, if the name does not tell it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
}

/// The reason why a value was refused: a description of right values, and the value itself if it has at least the right
/// form.
#[derive(Debug)]
pub(super) struct Unfit {
    pub(super) value: Option<Datum>,
    pub(super) expected: String,
}

impl ParameterKind {
    /// Reads one value. `None` for a flag that is not set.
    pub(super) fn read(&self, value: &Value) -> Result<Option<Datum>, Unfit> {
        let datum = self.parse(value).ok_or_else(|| Unfit { value: None, expected: self.form() })?;
        let unfit = |expected| Err(Unfit { value: Some(datum.clone()), expected });
        match (self, &datum) {
            (Self::Flag, Datum::Text(_)) => Ok(None),
            // Also refuses NaN.
            (Self::Number { least, most }, Datum::Number(number)) if !(least..=most).contains(&number) => {
                unfit(format!("from {least} to {most}"))
            }
            (Self::Count { least, most }, Datum::Count(number)) if !(least..=most).contains(&number) => {
                unfit(match *most {
                    u64::MAX => format!("at least {least}"),
                    most => format!("from {least} to {most}"),
                })
            }
            (Self::Choice { of }, Datum::Text(name)) if of.iter().all(|choice| choice.name != *name) => {
                Err(Unfit { value: None, expected: among(name, of) })
            }
            _ => Ok(Some(datum)),
        }
    }

    /// Parses the form alone. A flag that is not set is an empty text here.
    fn parse(&self, value: &Value) -> Option<Datum> {
        let text = value.as_str();
        Some(match self {
            Self::Flag => match (value.as_bool(), text) {
                (Some(true), _) | (_, Some("true")) => Datum::Set,
                (Some(false), _) | (_, Some("false")) => Datum::Text(String::new()),
                _ => return None,
            },
            Self::Number { .. } => {
                Datum::Number(value.as_f64().or_else(|| text.and_then(|text| text.parse().ok()))?)
            }
            Self::Count { .. } => Datum::Count(whole(value)?),
            Self::Duration => Datum::Duration(parse_duration(text?).ok()?),
            Self::Size => Datum::Size(match text {
                Some(text) => parse_size(text).ok()?,
                None => value.as_u64().filter(|bytes| i64::try_from(*bytes).is_ok())?,
            }),
            Self::Quota => {
                let number = value.as_u64().map(|count| count.to_string());
                Datum::Quota(number.as_deref().or(text)?.parse().ok()?)
            }
            Self::Ports => {
                let number = value.as_u64().map(|port| port.to_string());
                ports(number.as_deref().or(text)?)?
            }
            Self::Path => Datum::Text(text.filter(|text| text.starts_with('/'))?.to_owned()),
            Self::Text | Self::Choice { .. } => Datum::Text(text.filter(|text| !text.is_empty())?.to_owned()),
        })
    }

    /// The form of a value.
    fn form(&self) -> String {
        match self {
            Self::Flag => "true or false",
            Self::Number { .. } => "a number",
            Self::Count { .. } => "a whole number",
            Self::Duration => "a duration such as 5s, 500ms or 1m 30s",
            Self::Size => "a size such as 500MB, 2GiB or 4096, less than 8EiB",
            Self::Quota => "a count such as 2, or a percentage from 0% to 100%",
            Self::Ports => "ports from 1 to 65535, such as 8080 or 9000-9010",
            Self::Path => "an absolute path",
            Self::Text => "text",
            Self::Choice { of } => return among("", of),
        }
        .to_owned()
    }
}

impl Choice {
    /// A name and its meaning.
    pub fn new(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self { name: name.into(), about: about.into() }
    }
}

/// The right values in place of `name`.
fn among(name: &str, of: &[Choice]) -> String {
    let names = || of.iter().map(|choice| choice.name.as_str());
    nearest(name, names()).map_or_else(|| Naming::Fields.any_of(names()), str::to_owned)
}

fn whole(value: &Value) -> Option<u64> {
    match value.as_str() {
        // `parse` would accept a sign.
        Some(text) => text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten(),
        None => value.as_u64(),
    }
}

fn ports(text: &str) -> Option<Datum> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.parse(), last.parse()) {
        (Ok(first), Ok(last)) if 0 < first && first <= last => Some(Datum::Ports(first, last)),
        _ => None,
    }
}
