use azure_core::{
    Bytes,
    http::{Method, Url},
};

/// One request of ARM, without what every request carries.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// JSON, where there is one.
    pub(crate) body: Option<Bytes>,
    /// The version of the resource that is written over; no other is.
    pub(crate) if_match: Option<String>,
    /// Whether it asks how an order stands: the answer may be empty then.
    pub(crate) is_poll: bool,
}

impl Request {
    pub(crate) fn new(method: Method, url: Url) -> Self {
        Self { method, url, body: None, if_match: None, is_poll: false }
    }

    pub(crate) fn poll(url: Url) -> Self {
        Self { is_poll: true, ..Self::new(Method::Get, url) }
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    pub(crate) fn if_match(mut self, version: Option<String>) -> Self {
        self.if_match = version;
        self
    }

    /// Whether it only looks, so that it may be sent again whatever became of it.
    pub(crate) fn is_read(&self) -> bool {
        matches!(self.method, Method::Get | Method::Head)
    }
}
