use std::{fmt, time::Duration};

use chaos_core::{
    Error, ErrorKind, Result, async_trait,
    clock::Clock,
    steady_state::{Probe, Reading},
};
use hyper::body::Bytes;
use serde_json::Value;

use crate::{
    exchange::{Answer, Exchange, shown},
    tls::Trust,
    trouble::{Trouble, answered_within, check_limit},
};

/// An instant query to a Prometheus server. It yields one number.
///
/// | no answer, so a violation | doubt |
/// |---|---|
/// | an empty vector, or one of several elements | the server cannot be reached, stays silent, or shows a certificate that is refused |
/// | NaN, +Inf and -Inf | it rejects the query |
/// | | the query yields neither a scalar nor an instant vector |
///
/// If the query yields several series, aggregate them, as in `sum(up)`. If no series means zero, add `or vector(0)`.
///
/// Reports show the server and the query. Neither `Debug` nor `Display` shows headers.
///
/// ```
/// use chaos_core::steady_state::Probe;
/// use chaos_probes::Prometheus;
///
/// let errors = Prometheus::query("http://127.0.0.1:9090", "sum(rate(errors_total[1m]))");
/// errors.check().unwrap();
/// assert_eq!(errors.to_string(), "sum(rate(errors_total[1m])) of http://127.0.0.1:9090");
/// ```
#[derive(Clone)]
pub struct Prometheus {
    base: String,
    query: String,
    headers: Vec<(String, String)>,
    limit: Duration,
    trust: Trust,
}

impl Prometheus {
    const DEFAULT_LIMIT: Duration = Duration::from_secs(4);

    /// A PromQL query to the server at a URL, such as `http://127.0.0.1:9090`. The URL may have a path before `/api`.
    pub fn query(base: impl Into<String>, promql: impl Into<String>) -> Self {
        Self {
            base: base.into(),
            query: promql.into(),
            headers: Vec::new(),
            limit: Self::DEFAULT_LIMIT,
            trust: Trust::default(),
        }
    }

    /// Adds a header, such as one that authenticates.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets how long the server may take. Longer silence is a doubt, because it says nothing about the system. Default:
    /// 4 seconds.
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
        if self.base.contains(['?', '#']) {
            let expected = "the URL of a Prometheus server without a query, such as http://127.0.0.1:9090";
            return Err(Error::invalid("url", format!("{:?}", shown(&self.base)), expected));
        }
        let url = format!("{}/api/v1/query?query={}", self.base.trim_end_matches('/'), escaped(&self.query));
        Exchange::new("GET", &url, &self.headers, &Bytes::new(), &self.trust)
    }

    fn doubt(&self, what: &'static str) -> Error {
        Error::new(ErrorKind::Unavailable, what).with("server", shown(&self.base)).with("query", &self.query)
    }
}

#[async_trait]
impl Probe for Prometheus {
    async fn look(&self, clock: &dyn Clock) -> Result<Reading> {
        let answer = match answered_within(self.limit, clock, self.exchange()?.run()).await {
            Ok(answer) => answer,
            Err(Trouble::NoAnswer(why)) => {
                return Err(self.doubt("Prometheus did not answer").with("reason", why));
            }
            Err(Trouble::Doubt(error)) => return Err(error),
        };
        let Answer { status, body } = answer;
        let document: Value = serde_json::from_slice(&body).unwrap_or_default();
        if document["status"] != "success" {
            let why = document["error"].as_str().map_or_else(|| status.to_string(), str::to_owned);
            return Err(self.doubt("Prometheus rejected a query").with("reason", why));
        }
        let data = &document["data"];
        let result = &data["result"];
        let sample = match (data["resultType"].as_str(), result.as_array().map(Vec::as_slice)) {
            (Some("scalar"), _) => result,
            (Some("vector"), Some([one])) => &one["value"],
            (Some("vector"), Some([])) => return Ok(Reading::no_answer("the query yields an empty vector")),
            (Some("vector"), Some(many)) => {
                let why = format!("the query yields a vector of {} elements instead of one", many.len());
                return Ok(Reading::no_answer(why));
            }
            (other, _) => {
                let what = "a query yields neither a scalar nor an instant vector; change the query";
                let other = other.unwrap_or("something unknown");
                return Err(self.doubt(what).retryable(false).with("yields", other));
            }
        };
        match sample[1].as_str() {
            Some("NaN") => Ok(Reading::no_answer("the query yields NaN")),
            Some(infinite @ ("+Inf" | "-Inf")) => {
                Ok(Reading::no_answer(format!("the query yields {infinite}")))
            }
            Some(number) => number.parse::<f64>().map(Reading::from).map_err(|error| {
                self.doubt("Prometheus answered with something that is no number").caused_by(error)
            }),
            None => Err(self.doubt("Prometheus answered without a number")),
        }
    }

    fn check(&self) -> Result<()> {
        if self.query.trim().is_empty() {
            return Err(Error::invalid(
                "query",
                format!("{:?}", self.query),
                "a query in PromQL, such as up",
            ));
        }
        self.exchange()?.check()?;
        check_limit(self.limit)
    }
}

impl fmt::Debug for Prometheus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prometheus")
            .field("base", &shown(&self.base))
            .field("query", &self.query)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Prometheus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.query, shown(&self.base))
    }
}

/// A text as the value of a parameter, by RFC 3986.
fn escaped(text: &str) -> String {
    let mut url = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    url
}
