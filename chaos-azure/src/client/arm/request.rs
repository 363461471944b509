use azure_core::{
    Bytes,
    http::{Method, Url},
};

use super::action;

/// One request of ARM, without the parts that every request has.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// The JSON body, if there is one.
    pub(crate) body: Option<Bytes>,
    /// The version of the resource that may be overwritten; no other version may.
    pub(crate) if_match: Option<String>,
    /// Whether it asks for the status of an order: the answer may be empty then.
    pub(crate) is_poll: bool,
    /// Whether it changes nothing although it has a body.
    pub(crate) is_query: bool,
}

impl Request {
    pub(crate) fn new(method: Method, url: Url) -> Self {
        Self { method, url, body: None, if_match: None, is_poll: false, is_query: false }
    }

    pub(crate) fn poll(url: Url) -> Self {
        Self { is_poll: true, ..Self::new(Method::Get, url) }
    }

    /// A question that is too long for a URL.
    pub(crate) fn query(url: Url, body: impl Into<Bytes>) -> Self {
        Self { is_query: true, ..Self::new(Method::Post, url) }.body(body)
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    pub(crate) fn if_match(mut self, version: Option<String>) -> Self {
        self.if_match = version;
        self
    }

    /// Whether it is read-only. Then it may always be retried.
    pub(crate) fn is_read(&self) -> bool {
        self.is_query || matches!(self.method, Method::Get | Method::Head)
    }

    /// The action that a role must allow for it.
    pub(crate) fn action(&self) -> String {
        action(if self.is_query { Method::Get } else { self.method }, self.url.path())
    }
}
