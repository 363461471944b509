//! A layer between a provider and the fake that changes answers on their way, like proxies and broken connections.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use azure_core::http::{AsyncRawResponse, HttpClient, Request, headers::Headers, new_http_client};
use chaos_core::clock::{Clock, SystemClock};
use jiff::Timestamp;

/// An answer on its way.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// Replaces the JSON document with this text.
    pub(crate) fn text(&mut self, status: u16, kind: &'static str, body: &str) {
        self.status = status;
        self.headers.insert("content-type", kind);
        self.body = body.as_bytes().to_vec();
    }

    /// Replaces the answer with a refusal of ARM.
    pub(crate) fn refusal(&mut self, status: u16, code: &str) {
        let body = serde_json::json!({ "error": { "code": code, "message": "No." } });
        self.text(status, "application/json", &body.to_string());
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn change(&mut self, change: impl FnOnce(&mut serde_json::Value)) {
        let mut document = self.json();
        change(&mut document);
        self.body = document.to_string().into_bytes();
    }
}

type Change = dyn Fn(&Request, &mut Reply) + Send + Sync;

pub(crate) struct Rewriting {
    inner: Arc<dyn HttpClient>,
    change: Box<Change>,
}

impl Rewriting {
    pub(crate) fn by(change: impl Fn(&Request, &mut Reply) + Send + Sync + 'static) -> Arc<dyn HttpClient> {
        Arc::new(Self { inner: new_http_client(None), change: Box::new(change) })
    }
}

impl fmt::Debug for Rewriting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rewriting")
    }
}

#[async_trait]
impl HttpClient for Rewriting {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let (status, headers, body) = self.inner.execute_request(request).await?.deconstruct();
        let mut reply = Reply { status: status.into(), headers, body: body.collect().await?.to_vec() };
        (self.change)(request, &mut reply);
        Ok(AsyncRawResponse::from_bytes(reply.status.into(), reply.headers, reply.body))
    }
}

/// Takes no time for the pauses between two attempts. Time-outs are unchanged.
#[derive(Debug)]
pub(crate) struct Impatient;

impl Impatient {
    pub(crate) fn clock() -> Arc<dyn Clock> {
        Arc::new(Self)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Clock for Impatient {
    fn now(&self) -> Timestamp {
        SystemClock::default().now()
    }

    fn monotonic(&self) -> Duration {
        SystemClock::default().monotonic()
    }

    async fn sleep(&self, duration: Duration) {
        if duration > Duration::from_secs(20) {
            SystemClock::default().sleep(duration).await;
        } else {
            tokio::task::yield_now().await;
        }
    }
}
