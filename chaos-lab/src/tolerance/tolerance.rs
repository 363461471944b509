use std::cmp::Ordering;

use serde_json::Value;

use super::{decimal::Decimal, json_path::JsonPath, pattern::Pattern};
use crate::{document::shown, python, substitution::Names};

/// Which values are normal, as a file says it. Patterns, paths and texts may hold names, so it is resolved before each
/// use.
#[derive(Clone, Debug)]
pub(crate) enum Tolerance {
    /// This boolean or whole number, or the value that this text stands for.
    Is(Value),
    /// A list: the bounds of a range, or the values that are normal.
    List(Vec<Value>),
    /// A number within bounds, both included.
    Range { least: Value, most: Value, target: Option<String> },
    /// A text in which a pattern is found.
    Regex { pattern: String, target: Option<String> },
    /// A document in which a path finds what is expected.
    JsonPath { path: String, target: Option<String>, expected: Expected },
}

/// What a path should find.
#[derive(Clone, Debug)]
pub(crate) enum Expected {
    /// Anything.
    Something,
    /// So many values.
    Count(Value),
    /// Just this value, or just these.
    Exactly(Value),
}

impl Tolerance {
    /// Judges a value. Every value is judged: one of another type is not met.
    ///
    /// # Errors
    /// Why it is not met.
    pub(crate) fn judge(&self, value: &Value, names: &Names) -> Result<(), String> {
        match self {
            Self::Is(Value::String(text)) => match names.substitute(&Value::from(text.as_str())) {
                Value::String(expected) => {
                    met(value == &Value::from(expected.as_str()), value, || shown_text(&expected))
                }
                Value::Array(items) => Self::List(items).judge(value, names),
                expected @ (Value::Bool(_) | Value::Number(_)) if !expected.is_f64() => {
                    Self::Is(expected).judge(value, names)
                }
                other => Err(format!("the tolerance {text:?} stands for {}, which is none", shown(&other))),
            },
            Self::Is(expected @ Value::Bool(_)) => {
                met(python::equal(value, expected), value, || shown(expected))
            }
            Self::Is(expected) => {
                let value = status_of(value);
                met(python::equal(value, expected), value, || shown(expected))
            }
            Self::List(items) => in_list(items, value),
            Self::Range { least, most, target } => in_range(least, most, at(target.as_ref(), value)),
            Self::Regex { pattern, target } => {
                let Value::String(pattern) = names.substitute(&Value::from(pattern.as_str())) else {
                    return Err(format!("the pattern {pattern:?} stands for no text"));
                };
                has_pattern(&Pattern::parse(&pattern)?, at(target.as_ref(), value))
            }
            Self::JsonPath { path, target, expected } => {
                let Value::String(path) = names.substitute(&Value::from(path.as_str())) else {
                    return Err(format!("the path {path:?} stands for no text"));
                };
                expected.judge(&JsonPath::parse(&path)?, at(target.as_ref(), value), names)
            }
        }
    }
}

impl Expected {
    fn judge(&self, path: &JsonPath, value: &Value, names: &Names) -> Result<(), String> {
        // The body of an answer may be JSON in a text.
        let parsed = value.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        let found = path.values(parsed.as_ref().unwrap_or(value));
        let (is_met, expected) = match self {
            Self::Something => (!found.is_empty(), "something".to_owned()),
            Self::Count(count) => (python::equal(&found.len().into(), count), format!("{count} values")),
            Self::Exactly(expected) => {
                let expected = names.substitute(expected);
                let all = match &expected {
                    Value::Array(all) => all.clone(),
                    one => vec![one.clone()],
                };
                (python::equal(&found.clone().into(), &all.into()), shown(&expected))
            }
        };
        if is_met {
            return Ok(());
        }
        Err(format!("{} finds {}, expected {expected}", path.source(), shown(&found.into())))
    }
}

/// What a target names within a value, or the whole value.
fn at<'a>(target: Option<&String>, value: &'a Value) -> &'a Value {
    target.and_then(|target| value.get(target.as_str())).unwrap_or(value)
}

/// The status of an answer or of a process.
fn status_of(value: &Value) -> &Value {
    value.get("status").unwrap_or(value)
}

fn met(is_met: bool, value: &Value, expected: impl FnOnce() -> String) -> Result<(), String> {
    if is_met { Ok(()) } else { Err(format!("{}, expected {}", shown(value), expected())) }
}

fn shown_text(text: &str) -> String {
    shown(&Value::from(text))
}

fn in_list(items: &[Value], value: &Value) -> Result<(), String> {
    let is_member = |value: &Value| items.iter().any(|item| python::equal(item, value));
    let expected = || format!("one of {}", shown(&Value::from(items)));
    match (value.get("status"), items) {
        (Some(status), _) => met(is_member(status), status, expected),
        (None, [least, most]) => match (python::compare(least, value), python::compare(value, most)) {
            (Some(low), Some(high)) => {
                let is_met = low != Ordering::Greater && high != Ordering::Greater;
                met(is_met, value, || format!("from {} to {}", shown(least), shown(most)))
            }
            _ => {
                Err(format!("{} cannot be compared with {} and {}", shown(value), shown(least), shown(most)))
            }
        },
        (None, _) => met(is_member(value), value, expected),
    }
}

fn in_range(least: &Value, most: &Value, value: &Value) -> Result<(), String> {
    let Some(number) = Decimal::of(value) else {
        return Err(format!("{} is no number, expected from {least} to {most}", shown(value)));
    };
    let is_met = Decimal::of(least).is_some_and(|least| least <= number)
        && Decimal::of(most).is_some_and(|most| number <= most);
    met(is_met, value, || format!("from {least} to {most}"))
}

fn has_pattern(pattern: &Pattern, value: &Value) -> Result<(), String> {
    let Value::String(text) = value else {
        return Err(format!("{} is no text, expected one with {}", shown(value), pattern.source()));
    };
    let is_found = pattern
        .is_found_in(text)
        .map_err(|why| format!("the search for {} was given up: {why}", pattern.source()))?;
    met(is_found, value, || format!("a text with {}", pattern.source()))
}
