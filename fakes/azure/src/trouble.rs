//! Trouble on request: the requests that it affects, and its effects on them.

use serde::{Deserialize, Serialize};

use super::call::Call;

/// Trouble for requests that match, the [`nth`](Self::nth) of them and [`times`](Self::times) in all.
///
/// Several may be in force. Each counts for itself, and the first that matches a request applies.
///
/// ```
/// use fake_azure::{FakeArm, Trouble};
///
/// let fake = FakeArm::start()?;
/// // The second and the third power off are throttled.
/// fake.trouble(Trouble::throttle(2).on("POST", "*/powerOff").nth(2).times(2));
/// // The reply to the next start is lost, but the machine starts.
/// fake.trouble(Trouble::cut_after().on("POST", "*/start"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Trouble {
    /// The effect.
    pub effect: Effect,
    /// The method, such as `GET`; `*` for all.
    #[serde(default = "all")]
    pub method: String,
    /// A pattern for the path, in which `*` is any text; case does not matter.
    #[serde(default = "all")]
    pub path: String,
    /// The first request to affect among those that match; 1 is the next one.
    #[serde(default = "once")]
    pub nth: u32,
    /// The number of requests to affect; 0 means all.
    #[serde(default = "once")]
    pub times: u32,
}

/// The effect on a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Effect {
    /// 429 with `Retry-After`, as ARM throttles a subscription.
    Throttle {
        /// The value of `Retry-After`.
        retry_after_seconds: u64,
    },
    /// Another error. Nothing is carried out.
    Error {
        /// The HTTP status.
        status: u16,
        /// ARM's code.
        code: String,
        /// The message.
        message: String,
    },
    /// 403 `AuthorizationFailed`, with the action and the scope of the request.
    Forbid,
    /// 401 `ExpiredAuthenticationToken`.
    ExpireToken,
    /// The request is carried out, and answered this much later.
    Delay {
        /// The delay.
        milliseconds: u64,
    },
    /// The connection is closed, and nothing is carried out.
    CutBefore,
    /// The request is carried out, and the connection is closed without an answer.
    CutAfter,
    /// The request is accepted, and its operation ends `Failed`.
    FailOperation {
        /// ARM's code.
        code: String,
        /// The message.
        message: String,
        /// Whether the order takes effect nevertheless.
        takes_effect: bool,
    },
    /// The request is accepted, and its operation never ends.
    HangOperation,
}

impl Trouble {
    /// With this effect on the next request of any kind.
    pub fn new(effect: Effect) -> Self {
        Self { effect, method: all(), path: all(), nth: once(), times: once() }
    }

    /// 429 with `Retry-After`.
    pub fn throttle(retry_after_seconds: u64) -> Self {
        Self::new(Effect::Throttle { retry_after_seconds })
    }

    /// 500 `InternalServerError`.
    pub fn internal_error() -> Self {
        Self::error(500, "InternalServerError", "Encountered internal server error.")
    }

    /// 503 `ServiceUnavailable`.
    pub fn unavailable() -> Self {
        Self::error(503, "ServiceUnavailable", "The service is temporarily unavailable.")
    }

    /// Any error.
    pub fn error(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Effect::Error { status, code: code.into(), message: message.into() })
    }

    /// 403 `AuthorizationFailed`.
    pub fn forbid() -> Self {
        Self::new(Effect::Forbid)
    }

    /// 401 `ExpiredAuthenticationToken`.
    pub fn expire_token() -> Self {
        Self::new(Effect::ExpireToken)
    }

    /// An answer that comes late.
    pub fn delay(milliseconds: u64) -> Self {
        Self::new(Effect::Delay { milliseconds })
    }

    /// A lost request.
    pub fn cut_before() -> Self {
        Self::new(Effect::CutBefore)
    }

    /// A lost reply.
    pub fn cut_after() -> Self {
        Self::new(Effect::CutAfter)
    }

    /// An operation that ends `Failed`, without its effect.
    pub fn fail_operation(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Effect::FailOperation { code: code.into(), message: message.into(), takes_effect: false })
    }

    /// An operation that ends `Failed` although it took effect.
    pub fn fail_operation_after_effect(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Effect::FailOperation { code: code.into(), message: message.into(), takes_effect: true })
    }

    /// An operation that never ends.
    pub fn hang_operation() -> Self {
        Self::new(Effect::HangOperation)
    }

    /// Only for requests of this method and path.
    #[must_use]
    pub fn on(mut self, method: impl Into<String>, path: impl Into<String>) -> Self {
        self.method = method.into();
        self.path = path.into();
        self
    }

    /// From the n-th request that matches on.
    #[must_use]
    pub fn nth(mut self, nth: u32) -> Self {
        self.nth = nth;
        self
    }

    /// For this many requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// For all requests that match from then on.
    #[must_use]
    pub fn for_ever(self) -> Self {
        self.times(0)
    }
}

/// The trouble in force, the oldest first, each with the number of requests that matched it.
#[derive(Debug, Default)]
pub(crate) struct Troubles(Vec<(Trouble, u32)>);

impl Troubles {
    pub(crate) fn add(&mut self, trouble: Trouble) {
        self.0.push((trouble, 0));
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The effect on this request. Call this once for each request, because it counts.
    pub(crate) fn of(&mut self, call: &Call) -> Option<Effect> {
        let mut met = None;
        for (trouble, matched) in &mut self.0 {
            if !wild(&trouble.method, call.method.as_str()) || !wild(&trouble.path, &call.path) {
                continue;
            }
            *matched = matched.saturating_add(1);
            let past = trouble.nth.saturating_add(trouble.times);
            if *matched >= trouble.nth && (trouble.times == 0 || *matched < past) && met.is_none() {
                met = Some(trouble.effect.clone());
            }
        }
        met
    }
}

/// Whether `text` matches `pattern`, in which `*` is any text; case does not matter.
pub(crate) fn wild(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        let Some(at) = left.find(piece) else { return false };
        left = &left[at + piece.len()..];
    }
    left.ends_with(last)
}

fn all() -> String {
    "*".to_owned()
}

fn once() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*/poweroff", "/a/b/powerOff", true),
            ("*/poweroff", "/a/b/powerOff/c", false),
            ("/a*b*c", "/a-b-c", true),
            ("/a*b*c", "/a-c-b", false),
            ("Microsoft.Compute/*/read", "microsoft.compute/virtualMachines/instanceView/read", true),
            ("a*a", "a", false),
            ("exact", "EXACT", true),
        ] {
            assert_eq!(wild(pattern, text), expected, "{pattern} {text}");
        }
    }
}
