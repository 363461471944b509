use std::{fmt, str::FromStr};

use chaos_core::{Error, FaultId, Result, monkey::RunId, text::nearest};
use jiff::Timestamp;
use serde_json::json;

/// One message to people, for any channel. It carries no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// The kind of the message.
    pub kind: Kind,
    /// The fault that it is about, if any.
    pub fault: Option<FaultId>,
    /// The run that it is about, if it is about the steady state of a run.
    pub run: Option<RunId>,
    /// Tells messages of one kind, run and moment apart.
    pub(crate) detail: u64,
    /// When it happened.
    pub at: Timestamp,
    /// The number of messages that it stands for: 1, unless it is a digest of messages for which there was no room.
    pub stands_for: usize,
    /// One line of at most 99 ASCII characters, none of them a control character.
    pub subject: String,
    /// Plain text of at most 200 KiB, in lines. Everything in it that comes from names and failures is escaped.
    pub body: String,
}

/// The kind of a message, in order of importance, the least important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// A message that tests whether messages arrive.
    Test,
    /// A run injected nothing or could not be carried out, or a due was missed.
    NothingInjected,
    /// A fault is about to be injected.
    Announced,
    /// A target that was announced was left alone after all.
    LeftAlone,
    /// The system is steady again, after a violation that people were told of.
    SteadyAgain,
    /// A fault is over: the target is back, or gone.
    Recovered,
    /// A run ended, and its hypothesis was not tested.
    Inconclusive,
    /// A run ended, and its hypothesis was wrong.
    Deviated,
    /// A halt was withdrawn.
    Resumed,
    /// Everything is halted.
    Halted,
    /// Settings were read again and not taken: the monkey goes on under the former ones.
    SettingsRefused,
    /// Every fault of a run is over, but the system was not seen to be steady again in time.
    NotSteadyAgain,
    /// A probe of the steady state was violated while a fault was in effect.
    SteadyStateViolated,
    /// An injection failed; its recovery follows.
    InjectionFailed,
    /// A recovery has been refused so far; it is retried.
    RecoveryRefused,
    /// The journal failed while a fault was in progress; its recovery continues.
    JournalFailed,
    /// A target could not be brought back.
    RecoveryFailed,
}

impl Kind {
    /// Every kind, the least important first.
    pub const ALL: [Self; 17] = [
        Self::Test,
        Self::NothingInjected,
        Self::Announced,
        Self::LeftAlone,
        Self::SteadyAgain,
        Self::Recovered,
        Self::Inconclusive,
        Self::Deviated,
        Self::Resumed,
        Self::Halted,
        Self::SettingsRefused,
        Self::NotSteadyAgain,
        Self::SteadyStateViolated,
        Self::InjectionFailed,
        Self::RecoveryRefused,
        Self::JournalFailed,
        Self::RecoveryFailed,
    ];

    /// Whether this message was promised to people.
    pub(crate) fn is_promised(self) -> bool {
        !matches!(self, Self::Test | Self::NothingInjected | Self::Announced)
    }

    /// The name that subscribers can filter by, such as `recovery-failed`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::NothingInjected => "nothing-injected",
            Self::Announced => "announced",
            Self::LeftAlone => "left-alone",
            Self::SteadyAgain => "steady-again",
            Self::Recovered => "recovered",
            Self::Inconclusive => "inconclusive",
            Self::Deviated => "deviated",
            Self::Resumed => "resumed",
            Self::Halted => "halted",
            Self::SettingsRefused => "settings-refused",
            Self::NotSteadyAgain => "not-steady-again",
            Self::SteadyStateViolated => "steady-state-violated",
            Self::InjectionFailed => "injection-failed",
            Self::RecoveryRefused => "recovery-refused",
            Self::JournalFailed => "journal-failed",
            Self::RecoveryFailed => "recovery-failed",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = Error;

    /// Reads the [name](Kind::as_str) of a kind.
    ///
    /// ```
    /// use chaos_notify::Kind;
    ///
    /// assert_eq!("recovered".parse::<Kind>().unwrap(), Kind::Recovered);
    /// let error = "recovere".parse::<Kind>().unwrap_err();
    /// assert!(error.to_string().ends_with("; the nearest is recovered"), "{error}");
    /// ```
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str);
            let near = nearest(text, names).map(|name| format!("; the nearest is {name}"));
            let expected = format!("one of {}{}", names.join(", "), near.unwrap_or_default());
            Error::invalid("kind of message", format!("{text:?}"), expected)
        })
    }
}

impl Message {
    /// An idempotency token: the same for each attempt to send this message, and for no other message. At most 128
    /// ASCII characters.
    pub fn id(&self) -> String {
        let about = match (self.fault, self.run) {
            (Some(fault), _) => fault.to_string(),
            (None, Some(run)) => format!("run-{run}-{:016x}", self.detail),
            (None, None) => "all".to_owned(),
        };
        format!("{about}-{}-{}", self.kind.as_str(), self.at.as_nanosecond())
    }

    /// The message as JSON, in one line: an object with `id`, `kind`, `fault` and `run` (or null), `at` (RFC 3339),
    /// `stands_for`, `subject` and `body`. A later version may add fields.
    pub fn to_json(&self) -> String {
        let Self { kind, fault, run, at, stands_for, subject, body, .. } = self;
        json!({
            "id": self.id(),
            "kind": kind.as_str(),
            "fault": fault.map(|fault| fault.to_string()),
            "run": run.map(|run| run.to_string()),
            "at": at.to_string(),
            "stands_for": stands_for,
            "subject": subject,
            "body": body,
        })
        .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_in_order_of_importance_and_read_by_their_names() {
        assert!(Kind::ALL.is_sorted());
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse::<Kind>().unwrap(), kind);
        }
        assert_eq!(Kind::ALL.last(), Some(&Kind::RecoveryFailed));
    }
}
