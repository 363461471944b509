use chaos_core::{FaultId, monkey::RunId};
use jiff::Timestamp;

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
    /// A run injected nothing, or could not be carried out.
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
    /// Everything is halted.
    Halted,
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
    /// Whether this message was promised to people.
    pub(crate) fn is_promised(self) -> bool {
        !matches!(self, Self::NothingInjected | Self::Announced)
    }

    /// The name that subscribers can filter by, such as `recovery-failed`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NothingInjected => "nothing-injected",
            Self::Announced => "announced",
            Self::LeftAlone => "left-alone",
            Self::SteadyAgain => "steady-again",
            Self::Recovered => "recovered",
            Self::Inconclusive => "inconclusive",
            Self::Deviated => "deviated",
            Self::Halted => "halted",
            Self::NotSteadyAgain => "not-steady-again",
            Self::SteadyStateViolated => "steady-state-violated",
            Self::InjectionFailed => "injection-failed",
            Self::RecoveryRefused => "recovery-refused",
            Self::JournalFailed => "journal-failed",
            Self::RecoveryFailed => "recovery-failed",
        }
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
}
