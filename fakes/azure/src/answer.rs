//! The answers to requests.

use serde_json::{Value, json};

/// A status, headers and a body.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Value>,
}

/// An answer, or the refusal that takes its place.
pub(crate) type Answered = Result<Answer, Answer>;

impl Answer {
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: None }
    }

    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Some(body) }
    }

    pub(crate) fn ok(body: Value) -> Self {
        Self::json(200, body)
    }

    #[must_use]
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// In the form of ARM's errors.
    pub(crate) fn error(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self::json(status, json!({ "error": { "code": code, "message": message.into() } }))
    }

    pub(crate) fn conflict(code: &str, message: impl Into<String>) -> Self {
        Self::error(409, code, message)
    }

    pub(crate) fn bad_request(code: &str, message: impl Into<String>) -> Self {
        Self::error(400, code, message)
    }

    /// 404 for a path that the fake does not serve.
    pub(crate) fn no_route(path: &str) -> Self {
        Self::error(404, "NotFound", format!("The fake of Azure Resource Manager does not serve '{path}'."))
    }
}
