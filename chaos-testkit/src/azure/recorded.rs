//! The requests that the fake was sent.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    access::Asked,
    call::{Body, Call},
};

/// One request, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Recorded {
    /// `GET` and the like.
    pub method: String,
    /// As it was sent, without the query.
    pub path: String,
    /// Decoded, in the order in which they were sent.
    pub query: Vec<(String, String)>,
    /// What is no JSON is a string; none where nothing was sent.
    pub body: Option<Value>,
    /// What it asks for in the words of Azure's access control, like `Microsoft.Compute/virtualMachines/start/action`;
    /// none for what needs no permission.
    pub action: Option<String>,
    /// Of the answer; none where the connection was cut instead.
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
                Body::Text(text) => Value::String(text.clone()),
            }),
            action: Asked::of(call).map(|asked| asked.action),
            status,
        }
    }
}
