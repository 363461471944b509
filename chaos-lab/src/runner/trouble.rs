use std::fmt;

use serde_json::Value;

use crate::substitution::Names;

/// Why an activity has no output. Its text is for people and shows no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    kind: TroubleKind,
    text: String,
}

/// What kind of trouble it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TroubleKind {
    /// It took longer than its time limit.
    TimedOut,
    /// The other side of a request cannot be found, or no connection to it stood.
    Unreachable,
    /// There was a connection, but no answer over it that makes sense.
    NoAnswer,
    /// The process could not be started.
    NotStarted,
    /// It makes no sense as it is written, or nobody here can carry it out.
    Refused,
    /// A function of Python raised an exception.
    Raised,
    /// [`Runner::end_all`](crate::runner::Runner::end_all) ended it.
    Ended,
    /// This machine failed, so nobody knows what became of it.
    Unknown,
}

impl Trouble {
    /// Masks the secrets in `text`.
    pub(crate) fn new(kind: TroubleKind, text: impl fmt::Display, names: &Names) -> Self {
        let text = match names.masked(&Value::String(text.to_string())) {
            Value::String(text) => text,
            other => other.to_string(),
        };
        Self { kind, text }
    }

    /// Whether it is the system that did not answer, so that it is not as it should be. Otherwise nobody could look.
    pub fn is_no_answer(&self) -> bool {
        matches!(self.kind, TroubleKind::TimedOut | TroubleKind::Unreachable | TroubleKind::NoAnswer)
    }

    /// Its kind.
    pub fn kind(&self) -> TroubleKind {
        self.kind
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Trouble {}
