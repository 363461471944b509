use hyper::{
    HeaderMap, StatusCode,
    header::{self, HeaderName},
};
use serde_json::{Map, Value};

use super::recorded::Head;

/// An answer, with the beginning of its body.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) head: Head,
    pub(super) body: Vec<u8>,
    pub(super) is_truncated: bool,
}

impl Answer {
    /// As an output of an activity.
    pub(super) fn into_output(self) -> Value {
        let headers: Map<String, Value> = self
            .headers
            .keys()
            .map(|name| (self.head.as_written(name.as_str()), joined(&self.headers, name).into()))
            .collect();
        let kind = joined(&self.headers, &header::CONTENT_TYPE);
        let parsed = if kind == "application/json" { serde_json::from_slice(&self.body).ok() } else { None };
        let body = parsed.unwrap_or_else(|| Value::String(text(&self.body, &kind)));
        let mut output = Map::with_capacity(4);
        output.insert("status".to_owned(), self.status.as_u16().into());
        output.insert("headers".to_owned(), headers.into());
        output.insert("body".to_owned(), body);
        if self.is_truncated {
            output.insert("truncated".to_owned(), true.into());
        }
        output.into()
    }
}

fn joined(headers: &HeaderMap, name: &HeaderName) -> String {
    let mut values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let first = values.next().unwrap_or_default().into_owned();
    values.fold(first, |joined, value| joined + ", " + &value)
}

/// In Latin-1 if the server says so; otherwise in UTF-8.
fn text(body: &[u8], kind: &str) -> String {
    let parameters = kind.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let mut charsets = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    let charset =
        charsets.next().map(|(_, value)| value.trim().trim_matches(['"', '\'']).to_ascii_lowercase());
    match charset.as_deref() {
        Some("iso-8859-1" | "latin-1" | "latin1") => body.iter().map(|byte| char::from(*byte)).collect(),
        _ => String::from_utf8_lossy(body).into_owned(),
    }
}
