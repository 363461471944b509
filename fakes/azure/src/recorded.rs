//! The requests that the fake received, and the differences between two of them.

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    access::Asked,
    call::{Body, Call},
};

/// One request and its outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Recorded {
    /// `GET` and the like.
    pub method: String,
    /// The path as it was sent, without the query.
    pub path: String,
    /// The decoded parameters, in the order in which they were sent.
    pub query: Vec<(String, String)>,
    /// The body, as a string if it is not JSON; `None` if nothing was sent. For a token request, the fields without
    /// secrets.
    pub body: Option<Value>,
    /// Its action in the terms of Azure's access control, such as `Microsoft.Compute/virtualMachines/start/action`;
    /// `None` if it needs no permission.
    pub action: Option<String>,
    /// The status of the answer; `None` if the connection was cut instead.
    pub status: Option<u16>,
}

impl Recorded {
    pub(crate) fn new(call: &Call, status: Option<u16>) -> Self {
        Self {
            method: call.method.to_string(),
            path: call.path.clone(),
            query: call.query.clone(),
            body: call.body.as_ref().map(|body| match body {
                Body::Json(value) => value.clone(),
                Body::Text(_) if call.path.to_lowercase().ends_with("/oauth2/v2.0/token") => told_form(call),
                Body::Text(text) => Value::String(text.clone()),
            }),
            action: Asked::of(call).map(|asked| asked.action),
            status,
        }
    }

    /// Whether it polls the status of an operation.
    pub fn is_poll(&self) -> bool {
        let path = self.path.to_lowercase();
        self.method == "GET"
            && ["/operations/", "/operationresults/", "/operationstatuses/"]
                .iter()
                .any(|part| path.contains(part))
    }

    /// The differences from `other`, a line each: the method, the path (letter by letter), the parameters in any order,
    /// and the body field by field. `None` if there are none. The answers do not count.
    ///
    /// ```
    /// use fake_azure::{FakeArm, Recorded};
    ///
    /// let one: Recorded = serde_json::from_value(serde_json::json!({
    ///     "method": "POST", "path": "/start", "query": [["a", "1"], ["b", "2"]], "body": null
    /// })).unwrap();
    /// let mut other = one.clone();
    /// other.query.reverse();
    /// assert_eq!(one.difference(&other), None);
    /// other.query[0].1 = "3".to_owned();
    /// assert_eq!(one.difference(&other).unwrap(), "parameter b: \"2\", not \"3\"\n");
    /// ```
    pub fn difference(&self, other: &Self) -> Option<String> {
        let mut told = String::new();
        for (what, ours, theirs) in
            [("method", &self.method, &other.method), ("path", &self.path, &other.path)]
        {
            if ours != theirs {
                let _ = writeln!(told, "{what}: {ours}, not {theirs}");
            }
        }
        self.tell_parameters(other, &mut told);
        let (ours, theirs) = (self.body.as_ref(), other.body.as_ref());
        tell_values("body", ours, theirs, &mut told);
        (!told.is_empty()).then_some(told)
    }

    fn tell_parameters(&self, other: &Self, told: &mut String) {
        let values = |query: &[(String, String)], name: &str| -> Vec<String> {
            let mut values: Vec<String> =
                query.iter().filter(|(key, _)| key == name).map(|(_, value)| format!("{value:?}")).collect();
            values.sort();
            values
        };
        let mut names: Vec<&str> =
            self.query.iter().chain(&other.query).map(|(key, _)| key.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let (ours, theirs) = (values(&self.query, name), values(&other.query, name));
            if ours != theirs {
                let shown = |values: &[String]| {
                    if values.is_empty() { "nothing".to_owned() } else { values.join(" and ") }
                };
                let _ = writeln!(told, "parameter {name}: {}, not {}", shown(&ours), shown(&theirs));
            }
        }
    }
}

/// Fails a test with every difference, unless `ours` are exactly the same requests as `theirs`.
///
/// Polls of operations in progress are left out of both, because each client chooses how often it polls.
///
/// # Panics
///
/// If they differ.
#[track_caller]
#[expect(clippy::panic, reason = "an assertion, whose place is the test that calls it")]
pub fn assert_same_requests(ours: &[Recorded], theirs: &[Recorded]) {
    let orders = |requests: &[Recorded]| -> Vec<Recorded> {
        requests.iter().filter(|request| !request.is_poll()).cloned().collect()
    };
    let (ours, theirs) = (orders(ours), orders(theirs));
    let mut told = String::new();
    for (index, (one, other)) in ours.iter().zip(&theirs).enumerate() {
        if let Some(difference) = one.difference(other) {
            let _ = writeln!(told, "request {index}, {} {}:", one.method, one.path);
            difference.lines().for_each(|line| {
                let _ = writeln!(told, "  {line}");
            });
        }
    }
    for (who, longer, shorter) in [("we send", &ours, &theirs), ("they send", &theirs, &ours)] {
        for request in longer.iter().skip(shorter.len()) {
            let _ = writeln!(told, "only {who} {} {}", request.method, request.path);
        }
    }
    if !told.is_empty() {
        panic!("the requests are not the same:\n{told}");
    }
}

fn told_form(call: &Call) -> Value {
    let fields = call.form().into_iter();
    fields
        .map(|(key, value)| {
            let is_secret =
                !["grant_type", "client_id", "client_assertion_type", "scope"].contains(&key.as_str());
            (key, Value::from(if is_secret { "***".to_owned() } else { value }))
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn tell_values(place: &str, ours: Option<&Value>, theirs: Option<&Value>, told: &mut String) {
    match (ours, theirs) {
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            let mut fields: Vec<&String> = one.keys().chain(other.keys()).collect();
            fields.sort_unstable();
            fields.dedup();
            for field in fields {
                tell_values(&format!("{place}/{field}"), one.get(field), other.get(field), told);
            }
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) => {
            for index in 0..one.len().max(other.len()) {
                tell_values(&format!("{place}/{index}"), one.get(index), other.get(index), told);
            }
        }
        (one, other) if one == other => {}
        (one, other) => {
            let shown = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), Value::to_string);
            let _ = writeln!(told, "{place}: {}, not {}", shown(one), shown(other));
        }
    }
}
