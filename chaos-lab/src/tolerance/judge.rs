use std::cmp::Ordering;

use serde_json::Value;

use super::{
    decimal::Decimal,
    json_path::JsonPath,
    pattern::Pattern,
    rule::{Expected, Rule},
};
use crate::{document, python, substitution::Names};

/// Judges values. Every value is judged: one of another type is not met.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judge<'a> {
    pub(super) names: &'a Names,
}

type Judgement = Result<(), String>;

impl Judge<'_> {
    /// # Errors
    /// Why it is not met.
    pub(super) fn judge(self, rule: &Rule, value: &Value) -> Judgement {
        match rule {
            Rule::Is(Value::String(text)) => self.text(text, value),
            Rule::Is(expected @ Value::Bool(_)) => self.is(expected, value),
            Rule::Is(expected) => self.is(expected, value.get("status").unwrap_or(value)),
            Rule::List(items) => self.list(items, value),
            Rule::Range { least, most, target } => self.range(least, most, self.at(target.as_ref(), value)?),
            Rule::Regex { pattern, target } => {
                let pattern = Pattern::parse(&self.resolved(pattern)?)?;
                self.pattern(&pattern, self.at(target.as_ref(), value)?)
            }
            Rule::JsonPath { path, target, expected } => {
                let path = JsonPath::parse(&self.resolved(path)?)?;
                self.path(&path, expected, self.at(target.as_ref(), value)?)
            }
        }
    }

    fn text(self, text: &str, value: &Value) -> Judgement {
        match self.names.substitute(&text.into()) {
            expected @ Value::String(_) => self.met(*value == expected, value, || self.shown(&expected)),
            Value::Array(items) => self.list(&items, value),
            expected @ (Value::Bool(_) | Value::Number(_)) if !expected.is_f64() => {
                self.judge(&Rule::Is(expected), value)
            }
            other => Err(format!("the tolerance {text:?} stands for {}, which is none", self.shown(&other))),
        }
    }

    fn is(self, expected: &Value, value: &Value) -> Judgement {
        self.met(python::equal(value, expected), value, || self.shown(expected))
    }

    fn list(self, items: &[Value], value: &Value) -> Judgement {
        let is_member = |value: &Value| items.iter().any(|item| python::equal(item, value));
        let expected = || format!("one of {}", self.shown(&Value::from(items)));
        match (value.get("status"), items) {
            (Some(status), _) => self.met(is_member(status), status, expected),
            (None, [least, most]) => {
                let order = |one, other| python::compare(one, other).map(|order| order != Ordering::Greater);
                match (order(least, value), order(value, most)) {
                    (Some(is_enough), Some(is_not_too_much)) => {
                        self.met(is_enough && is_not_too_much, value, || self.bounds(least, most))
                    }
                    _ => Err(format!(
                        "{} has another type, expected {}",
                        self.shown(value),
                        self.bounds(least, most)
                    )),
                }
            }
            (None, _) => self.met(is_member(value), value, expected),
        }
    }

    fn range(self, least: &Value, most: &Value, value: &Value) -> Judgement {
        let Some(number) = Decimal::of(value) else {
            return Err(format!("{} is no number, expected {}", self.shown(value), self.bounds(least, most)));
        };
        let is_met = Decimal::of(least).is_some_and(|least| least <= number)
            && Decimal::of(most).is_some_and(|most| number <= most);
        self.met(is_met, value, || self.bounds(least, most))
    }

    fn pattern(self, pattern: &Pattern, value: &Value) -> Judgement {
        let source = || self.shown(&pattern.source().into());
        let Value::String(text) = value else {
            return Err(format!("{} is no text, expected one with {}", self.shown(value), source()));
        };
        let found = pattern.is_found_in(text);
        let is_found = found.map_err(|why| format!("the search for {} was given up: {why}", source()))?;
        self.met(is_found, value, || format!("a text with {}", source()))
    }

    fn path(self, path: &JsonPath, expected: &Expected, value: &Value) -> Judgement {
        // The body of an answer may be JSON in a text.
        let parsed = value.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        let found = path.values(parsed.as_ref().unwrap_or(value));
        let (is_met, expected) = match expected {
            Expected::Something => (!found.is_empty(), "something".to_owned()),
            Expected::Count(count) => (python::equal(&found.len().into(), count), format!("{count} values")),
            Expected::Exactly(expected) => {
                let expected = self.names.substitute(expected);
                let all = match &expected {
                    Value::Array(all) => all.clone(),
                    one => vec![one.clone()],
                };
                (python::equal(&found.clone().into(), &all.into()), self.shown(&expected))
            }
        };
        if is_met {
            return Ok(());
        }
        let path = self.shown(&path.source().into());
        Err(format!("{path} finds {}, expected {expected}", self.shown(&found.into())))
    }

    /// The field of a value that a target names, or the whole value if it has no such field.
    fn at<'a>(self, target: Option<&String>, value: &'a Value) -> Result<&'a Value, String> {
        match (target, value) {
            (None, _) => Ok(value),
            (Some(target), Value::Object(fields)) => Ok(fields.get(target).unwrap_or(value)),
            (Some(target), _) => {
                Err(format!("{} has no fields, expected the field {target:?}", self.shown(value)))
            }
        }
    }

    /// A pattern or a path with its names replaced.
    fn resolved(self, text: &str) -> Result<String, String> {
        match self.names.substitute(&text.into()) {
            Value::String(text) => Ok(text),
            other => Err(format!("{text:?} stands for {}, expected a text", self.shown(&other))),
        }
    }

    fn met(self, is_met: bool, value: &Value, expected: impl FnOnce() -> String) -> Judgement {
        if is_met { Ok(()) } else { Err(format!("{}, expected {}", self.shown(value), expected())) }
    }

    fn bounds(self, least: &Value, most: &Value) -> String {
        format!("from {} to {}", self.shown(least), self.shown(most))
    }

    fn shown(self, value: &Value) -> String {
        document::shown(&self.names.masked(value))
    }
}
