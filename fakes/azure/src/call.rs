//! One request, parsed.

use hyper::{HeaderMap, Method};
use serde_json::Value;

/// A request as the routes see it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// The path as it was sent.
    pub(crate) path: String,
    /// The decoded segments, in their original case.
    pub(crate) segments: Vec<String>,
    /// The decoded parameters, in the order in which they were sent.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    /// `None` if there is none.
    pub(crate) body: Option<Body>,
}

#[derive(Clone, Debug)]
pub(crate) enum Body {
    Json(Value),
    Text(String),
}

impl Call {
    pub(crate) fn new(method: Method, path: &str, query: &str, headers: HeaderMap, body: &[u8]) -> Self {
        let segments = path.split('/').filter(|segment| !segment.is_empty()).map(decoded).collect();
        let body = match body {
            [] => None,
            bytes => Some(serde_json::from_slice(bytes).map_or_else(
                |_not_json| Body::Text(String::from_utf8_lossy(bytes).into_owned()),
                Body::Json,
            )),
        };
        Self { method, path: path.to_owned(), segments, query: pairs(query), headers, body }
    }

    /// The first value of a parameter. Their names may be in either case.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.parameter(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body; null if there is none, or if it is not JSON.
    pub(crate) fn json(&self) -> &Value {
        match &self.body {
            Some(Body::Json(value)) => value,
            Some(Body::Text(_)) | None => &Value::Null,
        }
    }

    /// The fields of a form.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        match &self.body {
            Some(Body::Text(text)) => pairs(text),
            Some(Body::Json(_)) | None => Vec::new(),
        }
    }

    /// The path up to and including the segment of this number, as an id.
    pub(crate) fn id_up_to(&self, segments: usize) -> String {
        format!("/{}", self.segments.get(..segments).unwrap_or(&self.segments).join("/"))
    }
}

fn pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(&key.replace('+', " ")), decoded(&value.replace('+', " ")))
        })
        .collect()
}

/// Decodes percent-encoding. A percent sign that encodes nothing stays as it is.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(&byte) = bytes.get(index) {
        let escaped = (byte == b'%')
            .then(|| text.get(index + 1..index + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(escaped.unwrap_or(byte));
        index += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// `text` as the value of a parameter.
pub(crate) fn encoded(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_again() {
        for text in ["a b+c", "'virtualMachineScaleSet/id' eq '/subscriptions/x'", "100%", "ä%2"] {
            assert_eq!(decoded(&encoded(text)), text);
        }
        let call = Call::new(Method::GET, "/a%20b/c", "$skiptoken=x%2By&x=a+b", HeaderMap::new(), b"");
        assert_eq!(call.segments, ["a b", "c"]);
        assert_eq!((call.parameter("%24SKIPTOKEN"), call.parameter("$SkipToken")), (None, Some("x+y")));
        assert_eq!(call.parameter("x"), Some("a b"));
    }
}
