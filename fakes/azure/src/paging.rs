//! Listings, a page at a time.

use serde_json::{Value, json};

use super::{
    answer::{Answer, Answered},
    call::{Call, encoded},
    cloud::Cloud,
};

/// One page of the resources with these `keys`, in their order; `show` makes the entries.
pub(crate) fn page(
    cloud: &Cloud,
    call: &Call,
    keys: &[String],
    show: impl Fn(&str) -> Option<Value>,
) -> Answered {
    let start = match call.parameter("$skiptoken") {
        None => 0,
        // The token is the last key of the page before. So a page begins at the right place even if resources were
        // added or removed meanwhile.
        Some(token) => match last_key(token) {
            Some(last) => keys.partition_point(|key| *key <= last),
            None => {
                return Err(Answer::bad_request(
                    "InvalidSkipToken",
                    format!("The skip token '{token}' is invalid."),
                ));
            }
        },
    };
    let rest = keys.get(start..).unwrap_or_default();
    let shown = &rest[..rest.len().min(cloud.settings.page_size.max(1))];
    let entries: Vec<Value> = shown.iter().filter_map(|key| show(key)).collect();
    let mut body = json!({ "value": entries });
    if let (Some(last), true) = (shown.last(), shown.len() < rest.len()) {
        body["nextLink"] = json!(next_link(cloud, call, last));
    }
    Ok(Answer::ok(body))
}

fn next_link(cloud: &Cloud, call: &Call, last: &str) -> String {
    let mut query: Vec<String> = call
        .query
        .iter()
        .filter(|(key, _)| !key.eq_ignore_ascii_case("$skiptoken"))
        .map(|(key, value)| format!("{}={}", encoded(key), encoded(value)))
        .collect();
    query.push(format!("%24skiptoken={}", token(last)));
    format!("{}{}?{}", cloud.endpoint, call.path, query.join("&"))
}

fn token(key: &str) -> String {
    use std::fmt::Write;
    key.bytes().fold(String::new(), |mut token, byte| {
        let _ = write!(token, "{byte:02x}");
        token
    })
}

fn last_key(token: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = (0..token.len())
        .step_by(2)
        .map(|index| token.get(index..index + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok()))
        .collect();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok())
}
