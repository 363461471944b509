//! Substitution of names by their values, as Python's `string.Template` does it.

use std::{fmt, sync::Arc};

use serde_json::{Map, Value};

use crate::{masks::Masks, python};

pub(crate) use crate::masks::MASK;

/// What a reference to the output of a step begins with.
pub(crate) const STEPS: &str = "${steps.";

/// The values that names stand for: the configuration, and then each group of secrets in the order of the document.
///
/// ```
/// use chaos_lab::substitution::Names;
/// use serde_json::json;
///
/// let names = Names::default().with("port", 8080).with_secret("web", "token", "s3cret");
/// assert_eq!(names.substitute(&json!("${port}")), json!(8080));
/// let url = names.substitute(&json!(["http://a:$port/?t=${token}"]));
/// assert_eq!(url, json!(["http://a:8080/?t=s3cret"]));
/// ```
#[derive(Clone, Default)]
pub struct Names {
    configuration: Map<String, Value>,
    secrets: Vec<(String, Map<String, Value>)>,
    /// What the steps of the method have yielded so far, by name.
    steps: Arc<Map<String, Value>>,
    /// Values of secrets that have become others. They are masked all the same.
    former: Vec<Value>,
}

impl Names {
    /// Adds an entry of the configuration.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.configuration.insert(name.into(), value.into());
        self
    }

    /// Adds a secret to a group.
    #[must_use]
    pub fn with_secret(
        mut self,
        group: impl Into<String>,
        name: impl Into<String>,
        value: impl Into<Value>,
    ) -> Self {
        let (group, name, value) = (group.into(), name.into(), value.into());
        match self.secrets.iter_mut().find(|(known, _)| *known == group) {
            Some((_, entries)) => drop(entries.insert(name, value)),
            None => self.secrets.push((group, Map::from_iter([(name, value)]))),
        }
        self
    }

    /// Also masks the secrets of other names, in whose place these are.
    pub(crate) fn in_place_of(mut self, other: &Self) -> Self {
        let values = other.secrets.iter().flat_map(|(_, entries)| entries.values());
        for value in values.chain(&other.former) {
            if !self.former.contains(value) {
                self.former.push(value.clone());
            }
        }
        self
    }

    /// The groups of secrets.
    pub(crate) fn secrets(&self) -> &[(String, Map<String, Value>)] {
        &self.secrets
    }

    /// The groups of secrets, as a mapping.
    pub(crate) fn secrets_by_group(&self) -> Map<String, Value> {
        self.secrets.iter().map(|(group, entries)| (group.clone(), entries.clone().into())).collect()
    }

    /// The secrets of a group.
    pub(crate) fn secrets_of(&self, group: &str) -> Option<&Map<String, Value>> {
        self.secrets.iter().find(|(known, _)| known == group).map(|(_, entries)| entries)
    }

    /// The configuration.
    pub(crate) fn configuration(&self) -> &Map<String, Value> {
        &self.configuration
    }

    /// With what the steps of the method have yielded so far: `${steps.NAME.output}` stands for the output of one, and
    /// `${steps.NAME.output.stdout}` for a part of it, without the line
    /// breaks at its end.
    pub(crate) fn with_steps(mut self, steps: Arc<Map<String, Value>>) -> Self {
        self.steps = steps;
        self
    }

    /// The first reference in `data` to what a step yields that stands for nothing.
    pub(crate) fn missing_step(&self, data: &Value) -> Option<String> {
        self.missing_steps(data).into_iter().next()
    }

    /// Each such reference.
    pub(crate) fn missing_steps(&self, data: &Value) -> Vec<String> {
        self.steps_in(data, &|value| value.is_none())
    }

    /// The first reference in `data` to an output in which a secret was masked.
    pub(crate) fn masked_step(&self, data: &Value) -> Option<String> {
        let is_masked = |value: Option<&Value>| value.is_some_and(|value| value.to_string().contains(MASK));
        self.steps_in(data, &is_masked).into_iter().next()
    }

    /// The references in `data` to what steps yield, if it is like that.
    fn steps_in(&self, data: &Value, is_like: &dyn Fn(Option<&Value>) -> bool) -> Vec<String> {
        match data {
            Value::String(text) => {
                let found = text.match_indices(STEPS).filter_map(|(at, _)| {
                    let (inner, _) = text[at + 2..].split_once('}')?;
                    is_like(self.step(inner).as_ref()).then(|| format!("${{{inner}}}"))
                });
                found.collect()
            }
            Value::Array(items) => items.iter().flat_map(|item| self.steps_in(item, is_like)).collect(),
            Value::Object(fields) => {
                fields.values().flat_map(|value| self.steps_in(value, is_like)).collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
        }
    }

    /// Whether a text in `data` refers to what a step has yielded.
    pub(crate) fn refers_to_known_step(&self, data: &Value) -> bool {
        match data {
            Value::String(text) => text.match_indices(STEPS).any(|(at, _)| {
                text[at + 2..].split_once('}').is_some_and(|(inner, _)| self.step(inner).is_some())
            }),
            Value::Array(items) => items.iter().any(|item| self.refers_to_known_step(item)),
            Value::Object(fields) => fields.values().any(|value| self.refers_to_known_step(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    /// The value that the inner text of `${steps.…}` stands for.
    fn step(&self, inner: &str) -> Option<Value> {
        let path = inner.strip_prefix("steps.")?;
        // A name may hold dots.
        let names = self.steps.iter().filter_map(|(name, output)| {
            let rest = path.strip_prefix(name.as_str())?.strip_prefix(".output")?;
            (rest.is_empty() || rest.starts_with('.')).then_some((name.len(), output, rest))
        });
        let (_, output, rest) = names.max_by_key(|(length, ..)| *length)?;
        let keys = || rest.split('.').skip(1);
        let value = keys().try_fold(output, |value, key| match value {
            Value::Array(items) => items.get(key.parse::<usize>().ok()?),
            other => other.get(key),
        })?;
        match value {
            // As a shell's `$(...)` has it.
            Value::String(text) if matches!(keys().last(), Some("stdout" | "stderr")) => {
                Some(text.trim_end_matches('\n').into())
            }
            other => Some(other.clone()),
        }
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let in_secrets = || self.secrets.iter().find_map(|(_, group)| group.get(name));
        self.configuration.get(name).or_else(in_secrets)
    }

    /// `data` with each name in its texts replaced by its value, in one pass. Keys and unknown names stay as they are.
    ///
    /// A text that is just `${name}` becomes the value with its type; otherwise the value becomes text. Without any
    /// name nothing is replaced, not even `$$`.
    pub fn substitute(&self, data: &Value) -> Value {
        match data {
            _ if self.configuration.is_empty() && self.secrets.is_empty() && self.steps.is_empty() => {
                data.clone()
            }
            Value::String(text) => self.in_text(text),
            Value::Array(items) => items.iter().map(|item| self.substitute(item)).collect(),
            Value::Object(fields) => {
                fields.iter().map(|(key, value)| (key.clone(), self.substitute(value))).collect()
            }
            other => other.clone(),
        }
    }

    /// `data` without the values of secrets: each that has at least four characters is masked wherever it stands, in
    /// keys as well.
    pub fn masked(&self, data: &Value) -> Value {
        if self.secrets.is_empty() && self.former.is_empty() {
            return data.clone();
        }
        let values = self.secrets.iter().flat_map(|(_, entries)| entries.values());
        Masks::of(values.chain(&self.former)).masked(data)
    }

    /// As [`masked`](Names::masked) does it, shared if there is nothing to mask.
    pub(crate) fn masked_shared(&self, data: &Arc<Value>) -> Arc<Value> {
        if self.secrets.is_empty() && self.former.is_empty() {
            Arc::clone(data)
        } else {
            Arc::new(self.masked(data))
        }
    }

    /// As [`masked`](Names::masked) does it, without a copy if there is nothing to mask.
    pub(crate) fn without_secrets(&self, data: Value) -> Value {
        if self.secrets.is_empty() && self.former.is_empty() { data } else { self.masked(&data) }
    }

    /// A text without the values of secrets.
    pub(crate) fn masked_text(&self, text: String) -> String {
        python::text(&self.without_secrets(Value::String(text)))
    }

    fn in_text(&self, text: &str) -> Value {
        if let Some((Piece::Braced(name), "")) = next_piece(text)
            && let Some(value) = self.get(name)
        {
            return value.clone();
        }
        if let Some(inner) = text.strip_prefix("${").and_then(|text| text.strip_suffix('}'))
            && let Some(value) = self.step(inner)
        {
            return value;
        }
        let mut result = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            result.push_str(&rest[..at]);
            let from = &rest[at..];
            if let Some((inner, after)) = from.strip_prefix("${").and_then(|from| from.split_once('}'))
                && let Some(value) = self.step(inner)
            {
                result.push_str(&python::text(&value));
                rest = after;
                continue;
            }
            let Some((piece, after)) = next_piece(from) else {
                result.push('$');
                rest = &from[1..];
                continue;
            };
            match piece {
                Piece::Dollar => result.push('$'),
                Piece::Plain(name) | Piece::Braced(name) => match self.get(name) {
                    Some(value) => result.push_str(&python::text(value)),
                    None => result.push_str(&from[..from.len() - after.len()]),
                },
            }
            rest = after;
        }
        result.push_str(rest);
        Value::String(result)
    }
}

/// Whether a text in a document refers to what a step yields.
pub(crate) fn refers_to_steps(data: &Value) -> bool {
    match data {
        Value::String(text) => text.contains(STEPS),
        Value::Array(items) => items.iter().any(refers_to_steps),
        Value::Object(fields) => fields.values().any(refers_to_steps),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

impl fmt::Debug for Names {
    /// The names alone, because the values may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secrets = self.secrets.iter().flat_map(|(_, entries)| entries.keys());
        f.debug_set().entries(self.configuration.keys().chain(secrets)).finish()
    }
}

enum Piece<'a> {
    /// `$$`.
    Dollar,
    /// `$name`.
    Plain(&'a str),
    /// `${name}`.
    Braced(&'a str),
}

/// What stands at the beginning of `text`, which is a dollar, and the rest after it. `None` if it is nothing known.
fn next_piece(text: &str) -> Option<(Piece<'_>, &str)> {
    let after = text.strip_prefix('$')?;
    if let Some(rest) = after.strip_prefix('$') {
        return Some((Piece::Dollar, rest));
    }
    if let Some(inside) = after.strip_prefix('{') {
        let (name, rest) = name(inside)?;
        return Some((Piece::Braced(name), rest.strip_prefix('}')?));
    }
    name(after).map(|(name, rest)| (Piece::Plain(name), rest))
}

/// The name at the beginning of `text`, and the rest.
fn name(text: &str) -> Option<(&str, &str)> {
    let is_part = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
    let length = text.bytes().take_while(|byte| is_part(*byte)).count();
    let begins = text.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    (length > 0 && begins).then(|| text.split_at(length))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn names() -> Names {
        Names::default()
            .with("port", 8080)
            .with("host", "a.example")
            .with("none", Value::Null)
            .with("t", "${port}")
            .with_secret("one", "token", "s1")
            .with_secret("one", "host", "hidden")
            .with_secret("two", "token", "s2")
            .with_secret("two", "other", json!([1, true]))
    }

    /// Each result was computed by Chaos Toolkit's library 1.44.0 as well.
    #[test]
    fn names_are_replaced_once_and_typed_where_they_stand_alone() {
        for (text, expected) in [
            ("${port}", json!(8080)),
            ("$port", json!("8080")),
            ("http://$host:${port}/", json!("http://a.example:8080/")),
            ("${none}", json!(null)),
            ("-${none}-", json!("-None-")),
            ("${other}", json!([1, true])),
            ("x${other}", json!("x[1, True]")),
            ("${token}", json!("s1")),
            ("${t}", json!("${port}")),
            ("a${t}", json!("a${port}")),
            ("$$port", json!("$port")),
            ("$$", json!("$")),
            ("${unknown} $unknown $", json!("${unknown} $unknown $")),
            ("${steps.a.output} ${ port} ${port", json!("${steps.a.output} ${ port} ${port")),
            ("$1 $é ${port}${port}", json!("$1 $é 80808080")),
            ("$portal $port-al", json!("$portal 8080-al")),
            ("", json!("")),
        ] {
            assert_eq!(names().substitute(&json!(text)), expected, "{text}");
        }
        let nested = json!({ "${port}": ["${port}", { "a": "$host" }, 7] });
        assert_eq!(names().substitute(&nested), json!({ "${port}": [8080, { "a": "a.example" }, 7] }));
    }

    #[test]
    fn secrets_are_masked_wherever_they_stand() {
        let names = Names::default()
            .with_secret("a", "token", "hunter2")
            .with_secret("a", "longer", "hunter2-and-more")
            .with_secret("a", "pin", 123_456)
            .with_secret("a", "short", "abc")
            .with_secret("b", "deep", json!({ "key": ["s3cret"] }));
        let shown = names.masked(&json!({
            "hunter2": ["x hunter2-and-more y", 123_456, 1_234_567, { "k": "s3cret!" }], "abc": "abc 123456", "b": true,
        }));
        assert_eq!(
            shown,
            json!({
                "********": ["x ******** y", "********", 1_234_567, { "k": "********!" }], "abc": "abc ********",
                "b": true,
            })
        );
        assert!(!format!("{names:?}").contains("hunter2"), "{names:?}");
    }

    proptest! {
        #[test]
        fn any_text_is_substituted(text in "[$a-z{}_0-9é \\\\]{0,40}") {
            let result = names().substitute(&json!(text));
            if !text.contains('$') {
                prop_assert_eq!(result, json!(text));
            }
        }
    }
}
