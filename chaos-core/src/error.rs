//! The one error type of the library.

use std::{borrow::Cow, error::Error as StdError, fmt, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::text::escaped;

/// The result of every fallible call in this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = dyn StdError + Send + Sync + 'static;

/// An error that says what happened to what, with which values, and what the user can do about it.
///
/// The type is opaque on purpose: code branches on [`kind`](Error::kind) and [`is_retryable`](Error::is_retryable), and
/// people read the message. `Display` prints this layer only. [`source`](StdError::source) holds the lower layers, and
/// [`chain`](Error::chain) joins all of them for a log line or a report. Clones share the source.
///
/// ```
/// use chaos_core::{Error, ErrorKind};
///
/// let error = Error::invalid("percent", 130, "a whole number from 0 to 100");
/// assert_eq!(error.kind(), ErrorKind::InvalidInput);
/// assert!(!error.is_retryable());
/// assert_eq!(error.to_string(), "invalid percent: 130; expected a whole number from 0 to 100");
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: Message,
    retryable: bool,
    is_final: bool,
    retry_after: Option<Duration>,
    context: Vec<(&'static str, String)>,
    source: Option<Arc<Source>>,
}

#[derive(Clone)]
enum Message {
    Text(Cow<'static, str>),
    /// Bad input.
    Invalid {
        field: String,
        value: String,
        expected: String,
    },
}

/// The classes of failure that a caller may want to tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request or the configuration is invalid. Nothing was done.
    InvalidInput,
    /// The named thing does not exist. From a [`Provider`](crate::provider::Provider), this is proof that it is gone,
    /// never a guess.
    NotFound,
    /// The target or the platform cannot do this at all.
    Unsupported,
    /// The platform refused for lack of permission.
    Denied,
    /// The platform asks for fewer calls. Retryable.
    Throttled,
    /// The platform or the target did not answer as it should. Retryable.
    Unavailable,
    /// The operation timed out. Retryable, and no proof that nothing happened.
    Timeout,
    /// The state is not the one that the call needs, for example because somebody else changed it.
    Conflict,
    /// A safety rule forbids it.
    Refused,
    /// Stored data cannot be read.
    Corrupt,
    /// The journal failed. Nothing may be injected.
    Journal,
    /// A chaos event, a recovery or a provider panicked. Retryable, because recoveries are idempotent.
    Panicked,
    /// Anything else.
    Other,
}

impl ErrorKind {
    /// Whether the answer was a clear no, as opposed to no answer. A retry may still succeed, because permissions
    /// propagate unevenly and sessions are renewed.
    pub fn is_refusal(self) -> bool {
        matches!(self, Self::Denied | Self::Refused | Self::NotFound | Self::InvalidInput | Self::Unsupported)
    }
}

impl Error {
    /// An error of this kind. Throttling, unavailability, time-outs and panics are retryable by default.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self::of(kind, Message::Text(message.into()))
    }

    fn of(kind: ErrorKind, message: Message) -> Self {
        let retryable = matches!(
            kind,
            ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Panicked
        );
        Self(Box::new(Inner {
            kind,
            message,
            retryable,
            is_final: false,
            retry_after: None,
            context: Vec::new(),
            source: None,
        }))
    }

    /// Invalid input: the field, its value, and what was expected.
    pub fn invalid(field: impl fmt::Display, value: impl fmt::Display, expected: impl fmt::Display) -> Self {
        let (field, value, expected) = (field.to_string(), value.to_string(), expected.to_string());
        Self::of(ErrorKind::InvalidInput, Message::Invalid { field, value, expected })
    }

    /// The field of [bad input](Error::invalid). None for other errors.
    pub fn field(&self) -> Option<&str> {
        match &self.0.message {
            Message::Invalid { field, .. } => Some(field),
            Message::Text(_) => None,
        }
    }

    /// The same [bad input](Error::invalid) under the name that the user knows it by, such as an argument of a command
    /// line. Other errors stay as they are.
    ///
    /// ```
    /// use chaos_core::Error;
    ///
    /// let error = Error::invalid("percent", 130, "from 0 to 100").in_field("--load");
    /// assert_eq!(error.to_string(), "invalid --load: 130; expected from 0 to 100");
    /// ```
    #[must_use]
    pub fn in_field(mut self, name: impl fmt::Display) -> Self {
        if let Message::Invalid { field, .. } = &mut self.0.message {
            *field = name.to_string();
        }
        self
    }

    /// This program can never carry out `operation` on such a target. The error is [final](Error::is_final). The answer
    /// of a platform is not final, so make such an error with [`new`](Error::new).
    pub fn unsupported(operation: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Unsupported, format!("{operation} is not supported here")).finally()
    }

    /// Adds a named value to the message, such as the target or the region.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        self.0.context.push((key, value.to_string()));
        self
    }

    /// Keeps the underlying error.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<Source>>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// Overrides whether the same call may succeed later.
    #[must_use]
    pub fn retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = retryable;
        self
    }

    /// Marks the error as final: no retry of this program can succeed, because it lacks the ability, cannot read the
    /// data, or runs as the wrong user. An answer from outside is never final, because permissions propagate unevenly,
    /// sessions are renewed, and proxies recover.
    #[must_use]
    pub fn finally(mut self) -> Self {
        self.0.is_final = true;
        self.0.retryable = false;
        self
    }

    /// Keeps the time that the platform asks all callers to wait before the next call.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// The class of this failure.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the same call may succeed later without any change.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// Whether no retry of this program can succeed. A recovery with such an error ends before its budget is spent.
    /// Every other error of a recovery is retried.
    pub fn is_final(&self) -> bool {
        self.0.is_final
    }

    /// The time that the platform asks to wait before the next call, if any.
    pub fn asks_to_wait(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The named values, in the order in which they were added.
    pub fn context(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.context.iter().map(|(key, value)| (*key, value.as_str()))
    }

    /// This layer and every one below it, joined by `": "`.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut next = self.source();
        while let Some(error) = next {
            text.push_str(": ");
            text.push_str(&error.to_string());
            next = error.source();
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.message {
            Message::Text(text) => escaped(text).fmt(f)?,
            Message::Invalid { field, value, expected } => {
                write!(f, "invalid {}: {}; expected {}", escaped(field), escaped(value), escaped(expected))?
            }
        }
        for (index, (key, value)) in self.0.context.iter().enumerate() {
            write!(f, "{}{key}={value:?}", if index == 0 { " (" } else { ", " })?;
        }
        if self.0.context.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `fn main() -> Result<(), Error>` prints this.
        write!(f, "{:?}: {}", self.0.kind, self.chain())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// An [`Error`] as a value that can be stored, compared and sent. Reports, journals and activities carry it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Failure {
    /// The class of the failure.
    pub kind: ErrorKind,
    /// The whole chain of messages.
    pub message: String,
}

impl Failure {
    /// A failure from its parts.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self::new(error.kind(), error.chain())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        (&error).into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escaped(&self.message).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_prints_its_own_layer_and_chain_prints_all() {
        let error = Error::new(ErrorKind::Unavailable, "the listing failed")
            .with("region", "eu-west-1")
            .caused_by(std::io::Error::other("connection reset"));
        assert_eq!(error.to_string(), r#"the listing failed (region="eu-west-1")"#);
        assert_eq!(error.chain(), r#"the listing failed (region="eu-west-1"): connection reset"#);
        assert!(error.is_retryable());
        assert!(!error.retryable(false).is_retryable());
    }

    #[test]
    fn hostile_context_cannot_forge_log_lines() {
        let error = Error::new(ErrorKind::Other, "x").with("tag", "a\nERROR forged");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}
