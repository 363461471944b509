//! Builds the JSON of an answer, without what the service has left out.

use aws_smithy_types::DateTime;
use serde_json::{Map, Value};

/// A mapping of the fields that have a value.
pub(super) fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(fields.collect::<Map<_, _>>())
}

/// A text, or what has one.
pub(super) fn text(value: Option<impl AsRef<str>>) -> Option<Value> {
    value.map(|text| text.as_ref().into())
}

/// A number or a truth.
pub(super) fn plain(value: Option<impl Into<Value>>) -> Option<Value> {
    value.map(Into::into)
}

/// A list. One that the service has left out is empty.
pub(super) fn list<T>(items: Option<Vec<T>>, item: impl Fn(T) -> Value) -> Option<Value> {
    Some(items.unwrap_or_default().into_iter().map(item).collect())
}

/// Seconds since 1970.
pub(super) fn time(value: Option<DateTime>) -> Option<Value> {
    value.map(|time| time.as_secs_f64().into())
}
