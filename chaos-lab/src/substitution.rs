//! Substitution of names by their values, as Python's `string.Template` does it.

use serde_json::{Map, Value};

use crate::python;

/// The values that names stand for: the configuration, and then each group of secrets in the order of the document.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) configuration: Map<String, Value>,
    pub(crate) secrets: Vec<(String, Map<String, Value>)>,
}

impl Names {
    /// The value of a name.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        let in_secrets = || self.secrets.iter().find_map(|(_, group)| group.get(name));
        self.configuration.get(name).or_else(in_secrets)
    }

    /// `data` with each name in its texts replaced by its value, in one pass. Keys and unknown names stay as they are.
    ///
    /// A text that is just `${name}` becomes the value with its type; otherwise the value becomes text.
    pub(crate) fn substitute(&self, data: &Value) -> Value {
        match data {
            Value::String(text) => self.in_text(text),
            Value::Array(items) => items.iter().map(|item| self.substitute(item)).collect(),
            Value::Object(fields) => {
                fields.iter().map(|(key, value)| (key.clone(), self.substitute(value))).collect()
            }
            other => other.clone(),
        }
    }

    fn in_text(&self, text: &str) -> Value {
        if let Some((Piece::Braced(name), "")) = next_piece(text)
            && let Some(value) = self.get(name)
        {
            return value.clone();
        }
        let mut result = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            result.push_str(&rest[..at]);
            let from = &rest[at..];
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
        let map = |value: Value| value.as_object().cloned().unwrap_or_default();
        Names {
            configuration: map(json!({ "port": 8080, "host": "a.example", "none": null, "t": "${port}" })),
            secrets: vec![
                ("one".to_owned(), map(json!({ "token": "s1", "host": "hidden" }))),
                ("two".to_owned(), map(json!({ "token": "s2", "other": [1, true] }))),
            ],
        }
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
