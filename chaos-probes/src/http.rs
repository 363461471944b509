use std::{fmt, time::Duration};

use chaos_core::{
    Result, async_trait,
    clock::Clock,
    steady_state::{Probe, Reading},
};
use hyper::body::Bytes;

use crate::{
    exchange::{Answer, Exchange, shown},
    pointer,
    tls::Trust,
    trouble::{Trouble, answered_within, check_limit},
};

/// A request over HTTP/1.1, plain or by [HTTPS](crate#https). It yields the status, such as 200, unless
/// [`text`](Http::text), [`json`](Http::json) or [`milliseconds`](Http::milliseconds) asks for something else.
///
/// Each look opens a new connection, because an old one says nothing about the next customer. It follows no redirect
/// and uses no proxy. The answer is read to its end.
///
/// | no answer, so a violation | doubt |
/// |---|---|
/// | refused, reset, or silent beyond the [time limit](Http::answering_within) | this machine lacks memory, file descriptors or free ports |
/// | the host cannot be resolved | |
/// | not HTTP, or an answer that breaks off | over `https://`, the authorities to trust cannot be read, or there are none |
/// | a body of more than 1 MiB | |
/// | over `https://`: no TLS, or a certificate that is not trusted, is for another host, or is not valid now | |
///
/// Reports show the method and the URL. Headers and body may hold secrets, so neither `Debug` nor `Display` shows them.
///
/// ```
/// use chaos_core::{SteadyState, Tolerance};
/// use chaos_probes::Http;
///
/// let order = Http::new("POST", "http://127.0.0.1:8080/orders")
///     .header("content-type", "application/json")
///     .body(r#"{"article": 7}"#)
///     .json("/state");
/// assert_eq!(order.to_string(), "/state of POST http://127.0.0.1:8080/orders");
///
/// let steady = SteadyState::new("If one replica hangs, then every customer is served")
///     .probe("home page", Http::get("http://127.0.0.1:8080/"), 200)
///     .probe("order", order, "accepted")
///     .probe("speed", Http::get("http://127.0.0.1:8080/").milliseconds(), Tolerance::at_most(250));
/// # drop(steady);
/// ```
#[derive(Clone)]
pub struct Http {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Bytes,
    yields: Yields,
    limit: Duration,
    trust: Trust,
}

#[derive(Clone, Debug)]
enum Yields {
    Status,
    Text,
    Json(String),
    Milliseconds,
}

impl Http {
    const DEFAULT_LIMIT: Duration = Duration::from_secs(1);

    /// A GET request.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// A request by any method except CONNECT. The URL is absolute, as in `http://127.0.0.1:8080/health?deep=1`.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: Bytes::new(),
            yields: Yields::Status,
            limit: Self::DEFAULT_LIMIT,
            trust: Trust::default(),
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body. Default: none.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Bytes::from(body.into());
        self
    }

    /// Yields the body as a text. Bytes that are not UTF-8 are replaced. A status other than 2xx is no answer.
    #[must_use]
    pub fn text(mut self) -> Self {
        self.yields = Yields::Text;
        self
    }

    /// Yields the value in the JSON body that a pointer points at, by RFC 6901: `/checks/0/state`, or an empty text for
    /// the whole body. A status other than 2xx, a body that is not JSON, one that is nested more than 127 levels deep,
    /// and one without this value are no answer.
    #[must_use]
    pub fn json(mut self, pointer: impl Into<String>) -> Self {
        self.yields = Yields::Json(pointer.into());
        self
    }

    /// Yields the milliseconds from the look-up of the host to the end of the body. A status other than 2xx is no
    /// answer.
    #[must_use]
    pub fn milliseconds(mut self) -> Self {
        self.yields = Yields::Milliseconds;
        self
    }

    /// Sets how long the whole answer may take. Longer silence is no answer. Default: 1 second.
    #[must_use]
    pub fn answering_within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Trusts the certificate authorities in a PEM file as well as those of this machine, for `https://`. The file is
    /// read once: by [`check`](Probe::check), or by the first look.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn trusting(mut self, file: impl Into<std::path::PathBuf>) -> Self {
        self.trust = Trust::with_file(file.into());
        self
    }

    fn exchange(&self) -> Result<Exchange> {
        Exchange::new(&self.method, &self.url, &self.headers, &self.body, &self.trust)
    }

    async fn read(&self, clock: &dyn Clock) -> Result<Reading, Trouble> {
        let begin = clock.monotonic();
        let Answer { status, body } = answered_within(self.limit, clock, self.exchange()?.run()).await?;
        let took = clock.monotonic().saturating_sub(begin);
        if !status.is_success() && !matches!(self.yields, Yields::Status) {
            return Err(Trouble::NoAnswer(format!("it answered {status}")));
        }
        Ok(match &self.yields {
            Yields::Status => status.as_u16().into(),
            Yields::Text => String::from_utf8_lossy(&body).into_owned().into(),
            Yields::Json(pointer) => pointer::value_at(pointer, &body)?.into(),
            Yields::Milliseconds => (took.as_secs_f64() * 1000.0).into(),
        })
    }
}

#[async_trait]
impl Probe for Http {
    async fn look(&self, clock: &dyn Clock) -> Result<Reading> {
        self.read(clock).await.or_else(Trouble::into_reading)
    }

    fn check(&self) -> Result<()> {
        self.exchange()?.check()?;
        if let Yields::Json(pointer) = &self.yields {
            pointer::check(pointer)?;
        }
        check_limit(self.limit)
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("method", &self.method)
            .field("url", &shown(&self.url))
            .field("yields", &self.yields)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.yields {
            Yields::Status => {}
            Yields::Text => f.write_str("body of ")?,
            Yields::Json(pointer) if pointer.is_empty() => f.write_str("JSON of ")?,
            Yields::Json(pointer) => write!(f, "{pointer} of ")?,
            Yields::Milliseconds => f.write_str("milliseconds of ")?,
        }
        write!(f, "{} {}", self.method, shown(&self.url))
    }
}
