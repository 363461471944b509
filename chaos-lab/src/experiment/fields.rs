use serde_json::{Map, Value};

use crate::document::Problem;

/// The fields of an object in a document, by their path. What is wrong with one is added to the problems.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    pub(super) map: &'a Map<String, Value>,
    pub(super) path: &'a str,
}

impl<'a> Fields<'a> {
    /// The path of a field.
    pub(super) fn at(self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) }
    }

    /// A field that is there and not null.
    pub(super) fn get(self, field: &str) -> Option<&'a Value> {
        self.map.get(field).filter(|value| !value.is_null())
    }

    /// A text that must be there, and not be empty.
    pub(super) fn text(self, field: &str, expected: &str, problems: &mut Vec<Problem>) -> Option<&'a str> {
        match self.get(field) {
            Some(Value::String(text)) if !text.is_empty() => Some(text),
            Some(other) => self.wrong(field, other, expected, problems),
            None => {
                problems.push(Problem::missing(self.at(field), expected));
                None
            }
        }
    }

    /// A text that may be missing.
    pub(super) fn optional_text(
        self,
        field: &str,
        expected: &str,
        problems: &mut Vec<Problem>,
    ) -> Option<&'a str> {
        match self.get(field)? {
            Value::String(text) => Some(text),
            other => self.wrong(field, other, expected, problems),
        }
    }

    /// A boolean that may be missing.
    pub(super) fn flag(self, field: &str, problems: &mut Vec<Problem>) -> bool {
        match self.get(field) {
            None => false,
            Some(Value::Bool(value)) => *value,
            Some(other) => self.wrong(field, other, "true or false", problems).unwrap_or_default(),
        }
    }

    /// A list that may be missing.
    pub(super) fn list(self, field: &str, expected: &str, problems: &mut Vec<Problem>) -> &'a [Value] {
        match self.get(field) {
            None => &[],
            Some(Value::Array(items)) => items,
            Some(other) => self.wrong(field, other, expected, problems).unwrap_or_default(),
        }
    }

    /// An object that may be missing.
    pub(super) fn object(
        self,
        field: &str,
        expected: &str,
        problems: &mut Vec<Problem>,
    ) -> Option<&'a Map<String, Value>> {
        match self.get(field)? {
            Value::Object(map) => Some(map),
            other => self.wrong(field, other, expected, problems),
        }
    }

    pub(super) fn wrong<T>(
        self,
        field: &str,
        value: &Value,
        expected: &str,
        problems: &mut Vec<Problem>,
    ) -> Option<T> {
        problems.push(Problem::at(self.at(field), value, expected));
        None
    }
}
