use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use url::{Url, form_urlencoded};

use crate::python;

/// What stands in place of a secret.
pub(crate) const MASK: &str = "********";
/// Shorter values would mask half of a text by chance.
const SHORTEST_SECRET: usize = 4;
/// What stays as it is in a URL.
const IN_URL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Each form in which a secret may stand in a text, the longest first: a secret may be a part of another one.
#[derive(Default)]
pub(crate) struct Masks(Vec<String>);

impl Masks {
    pub(crate) fn of<'a>(secrets: impl Iterator<Item = &'a Value>) -> Self {
        let texts = secrets.flat_map(texts_within).filter(|text| text.chars().count() >= SHORTEST_SECRET);
        let mut all: Vec<String> =
            texts.flat_map(|text| [in_python(&text), text]).flat_map(|text| forms(&text)).collect();
        all.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        all.dedup();
        Self(all)
    }

    pub(crate) fn masked(&self, data: &Value) -> Value {
        match data {
            Value::String(text) => self.text(text).into(),
            Value::Array(items) => items.iter().map(|item| self.masked(item)).collect(),
            Value::Object(fields) => {
                let is_cut = fields.get("truncated").is_some_and(|cut| *cut == true);
                let masked = |value: &Value| match value {
                    Value::String(text) if is_cut => self.text(self.without_half(text)).into(),
                    value => self.masked(value),
                };
                fields.iter().map(|(key, value)| (self.text(key), masked(value))).collect()
            }
            Value::Number(number) => match self.text(&number.to_string()) {
                text if text == MASK => text.into(),
                _ => data.clone(),
            },
            Value::Null | Value::Bool(_) => data.clone(),
        }
    }

    fn text(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| {
            if text.contains(secret) { text.replace(secret, MASK) } else { text }
        })
    }

    /// A text that was cut, without the beginning of a secret at its end.
    fn without_half<'a>(&self, text: &'a str) -> &'a str {
        // A letter may have been cut as well.
        let text = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
        let halves = self.0.iter().flat_map(|secret| secret.char_indices().map(|(at, _)| &secret[..at]));
        let longest = halves.filter(|half| text.ends_with(half)).map(str::len).max();
        let mut end = text.len() - longest.unwrap_or(0);
        // The half may be the end of a whole secret, whose beginning must not be left either.
        while let Some(begin) = self.0.iter().filter_map(|secret| begin_around(text, secret, end)).min() {
            end = begin;
        }
        &text[..end]
    }
}

/// Where a secret begins that stands on both sides of `end`.
fn begin_around(text: &str, secret: &str, end: usize) -> Option<usize> {
    let first = end.saturating_sub(secret.len() - 1);
    (first..end).find(|begin| text.get(*begin..).is_some_and(|rest| rest.starts_with(secret)))
}

/// A secret as Python writes it within a list or a mapping.
fn in_python(secret: &str) -> String {
    let list = python::text(&Value::from([secret].as_slice()));
    list.get(2..list.len() - 2).unwrap_or(secret).to_owned()
}

/// A secret as it is, and as JSON, Rust, a URL and a form have it.
fn forms(secret: &str) -> Vec<String> {
    let quoted = |text: String| text.get(1..text.len().saturating_sub(1)).map(ToOwned::to_owned);
    let encoded = utf8_percent_encode(secret, IN_URL).to_string();
    let mut all = vec![secret.to_owned()];
    all.extend(quoted(Value::from(secret).to_string()));
    all.extend(quoted(format!("{secret:?}")));
    // A part of a URL encodes what it must.
    if let Ok(mut url) = Url::parse("http://a/") {
        url.set_query(Some(secret));
        all.extend(url.query().map(ToOwned::to_owned));
        url.set_path(secret);
        all.extend(url.path().strip_prefix('/').map(ToOwned::to_owned));
    }
    all.push(encoded);
    all.push(form_urlencoded::byte_serialize(secret.as_bytes()).collect());
    // A path such as `..` is nothing.
    all.retain(|form| form.chars().count() >= SHORTEST_SECRET);
    all
}

/// The texts and numbers within a secret, each as a text.
fn texts_within(value: &Value) -> Vec<String> {
    match value {
        Value::Null | Value::Bool(_) => Vec::new(),
        Value::Number(_) | Value::String(_) => vec![python::text(value)],
        Value::Array(items) => items.iter().flat_map(texts_within).collect(),
        Value::Object(fields) => fields.values().flat_map(texts_within).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A secret whose end is its own beginning, or that of another one.
    #[test]
    fn no_part_of_a_secret_is_left_at_a_cut() {
        let (twice, other) = (json!("s3cret-s3cret"), json!("cret-and-more"));
        let masks = Masks::of([&twice, &other].into_iter());
        for (text, shown) in [
            ("a s3cret-s3cret", "a "),
            ("a s3cret-s3cr", "a "),
            ("a s3cret-s3cret-", "a "),
            ("a s3cret-s3cret-s3cret", "a "),
            ("a s3cret-s3cret b", "a ******** b"),
            ("a cret-and-mor", "a "),
            ("é s3cret-s3cret", "é "),
        ] {
            let masked = masks.masked(&json!({ "truncated": true, "stdout": text }));
            assert_eq!(masked["stdout"], shown, "{text}");
        }
    }
}
