use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    datum::Datum,
    kind::{Choice, ParameterKind, Unfit},
};
use crate::error::{Error, Result};

/// The text of a wrong value in an error.
const SHOWN: usize = 80;
/// What an error has in place of a value that may be secret.
pub(super) const NOT_SHOWN: &str = "a value that is not shown";

/// The description of one parameter of an event, for a command line, a file or a form.
///
/// ```
/// use chaos_core::catalogue::Parameter;
///
/// let load = Parameter::number("load", 0.01..=100.0, "how much of each core")
///     .unit("percent of a core")
///     .value_name("PERCENT")
///     .default("80");
/// assert_eq!(load.help(), "how much of each core, from 0.01 to 100; 80 by default");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Parameter {
    /// The name: lower-case words with hyphens, such as `all-but`. It is the same on a command line and in data.
    pub name: String,
    /// A description in a few words that begin with a small letter.
    pub about: String,
    /// The kind of its values.
    #[serde(flatten)]
    pub kind: ParameterKind,
    /// The unit of a number, such as `percent of a core`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The placeholder of the value in a help text, such as `PERCENT`.
    pub value_name: String,
    /// The default, as text for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Whether it must be given.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// How often it may be given.
    #[serde(default)]
    pub repetition: Repetition,
    /// The parameter that must be given together with this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_with: Option<String>,
    /// Whether its values may be secret. Neither an error nor [`Arguments`](super::Arguments) as text shows them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
}

/// How many values a parameter takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Repetition {
    /// One.
    #[default]
    Once,
    /// A list: in text, between commas.
    Commas,
    /// A list whose values may contain commas: in text each is given separately.
    Each,
}

impl Parameter {
    /// A flag that is given or not.
    pub fn flag(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self::new(name, ParameterKind::Flag, "", about)
    }

    /// A number within `range`.
    pub fn number(name: impl Into<String>, range: RangeInclusive<f64>, about: impl Into<String>) -> Self {
        let kind = ParameterKind::Number { least: *range.start(), most: *range.end() };
        Self::new(name, kind, "NUMBER", about)
    }

    /// A whole number within `range`; `1..=u64::MAX` for at least one.
    pub fn count(name: impl Into<String>, range: RangeInclusive<u64>, about: impl Into<String>) -> Self {
        let kind = ParameterKind::Count { least: *range.start(), most: *range.end() };
        Self::new(name, kind, "NUMBER", about)
    }

    /// A duration.
    pub fn duration(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self::new(name, ParameterKind::Duration, "DURATION", about)
    }

    /// `duration`: how long an event holds its fault. Every event that can be held uses this name.
    pub fn hold() -> Self {
        Self::duration("duration", "how long the fault is held, such as 5s").default("1m")
    }

    /// A number of bytes.
    pub fn size(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self::new(name, ParameterKind::Size, "SIZE", about)
    }

    /// A number of targets, or a share of all.
    pub fn quota(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self::new(name, ParameterKind::Quota, "NUMBER|PERCENT%", about)
    }

    /// Ports, between commas.
    pub fn ports(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self::new(name, ParameterKind::Ports, "PORTS", about).list()
    }

    /// An absolute path on the target.
    pub fn path(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self::new(name, ParameterKind::Path, "PATH", about)
    }

    /// A text.
    pub fn text(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self::new(name, ParameterKind::Text, "TEXT", about)
    }

    /// One of these names, each with its meaning; an empty text if the name tells it.
    pub fn choice<'a>(
        name: impl Into<String>,
        of: impl IntoIterator<Item = (&'a str, &'a str)>,
        about: impl Into<String>,
    ) -> Self {
        let of = of.into_iter().map(|(name, about)| Choice::new(name, about)).collect();
        Self::new(name, ParameterKind::Choice { of }, "NAME", about)
    }

    fn new(name: impl Into<String>, kind: ParameterKind, value_name: &str, about: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            about: about.into(),
            kind,
            unit: None,
            value_name: value_name.to_owned(),
            default: None,
            required: false,
            repetition: Repetition::Once,
            only_with: None,
            secret: false,
        }
    }

    /// The unit of a number, such as `percent of a core`.
    #[must_use]
    pub fn unit(mut self, unit: impl Into<String>) -> Self {
        self.unit = Some(unit.into());
        self
    }

    /// Sets the placeholder of the value in a help text.
    #[must_use]
    pub fn value_name(mut self, name: impl Into<String>) -> Self {
        self.value_name = name.into();
        self
    }

    /// The default, as text for people.
    #[must_use]
    pub fn default(mut self, text: impl Into<String>) -> Self {
        self.default = Some(text.into());
        self
    }

    /// Must be given.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Takes several values, which are separated by commas in text.
    #[must_use]
    pub fn list(mut self) -> Self {
        self.repetition = Repetition::Commas;
        self
    }

    /// Takes several values, each given separately.
    #[must_use]
    pub fn repeated(mut self) -> Self {
        self.repetition = Repetition::Each;
        self
    }

    /// Allows it only together with the parameter `name`.
    #[must_use]
    pub fn only_with(mut self, name: impl Into<String>) -> Self {
        self.only_with = Some(name.into());
        self
    }

    /// Says that its values may be secret, so that neither an error nor [`Arguments`](super::Arguments) as text shows
    /// them.
    #[must_use]
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Its line of a help text: the description, the bounds, and the default.
    pub fn help(&self) -> String {
        let bounds = match &self.kind {
            ParameterKind::Number { least, most } => format!(", from {least} to {most}"),
            ParameterKind::Count { least, most } if *most < u64::MAX => format!(", from {least} to {most}"),
            _ => String::new(),
        };
        let default = self.default.as_ref().map(|default| format!("; {default} by default"));
        format!("{}{bounds}{}", self.about, default.unwrap_or_default())
    }

    /// Whether `text` is one value of this type, regardless of the bounds, and not a list.
    ///
    /// # Errors
    /// The description of a right value.
    pub fn check_form(&self, text: &str) -> Result<(), String> {
        match self.kind.read(&Value::from(text)) {
            Err(Unfit { value: None, expected }) => Err(expected),
            _ => Ok(()),
        }
    }

    /// Reads the given value; `None` if none was given. Errors call the parameter `called`.
    pub(super) fn read(&self, value: &Value, called: &str) -> Result<Option<Datum>> {
        let read = |value: &Value| {
            self.kind.read(value).map_err(|Unfit { value: datum, expected }| {
                let shown = match &datum {
                    _ if self.secret => NOT_SHOWN.to_owned(),
                    Some(datum) => datum.to_string(),
                    None => shown(value),
                };
                let of = match (&datum, &self.unit) {
                    (Some(_), Some(unit)) => format!(" {unit}"),
                    _ => String::new(),
                };
                Error::invalid(called, shown, format!("{expected}{of}"))
            })
        };
        let items: Vec<Value> = match (self.repetition, value) {
            (_, Value::Null) => return Ok(None),
            (Repetition::Once, one) => return read(one),
            (_, Value::Array(items)) => items.clone(),
            (Repetition::Commas, Value::String(text)) => {
                text.split(',').map(|item| Value::from(item.trim())).collect()
            }
            (_, one) => vec![one.clone()],
        };
        let items: Vec<Datum> =
            items.iter().filter_map(|item| read(item).transpose()).collect::<Result<_>>()?;
        Ok(match self.repetition {
            _ if items.is_empty() => None,
            Repetition::Each => Some(Datum::Each(items)),
            _ => Some(Datum::List(items)),
        })
    }
}

/// The beginning of an invalid value, as JSON.
pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
