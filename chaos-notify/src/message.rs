use chaos_core::FaultId;
use jiff::Timestamp;

/// One message to people, for any channel. It carries no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// The kind of the message.
    pub kind: Kind,
    /// The fault that it is about, if any.
    pub fault: Option<FaultId>,
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
    /// A fault is over: the target is back, or gone.
    Recovered,
    /// Everything is halted.
    Halted,
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
            Self::Recovered => "recovered",
            Self::Halted => "halted",
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
        let about = self.fault.map_or_else(|| "all".to_owned(), |fault| fault.to_string());
        format!("{about}-{}-{}", self.kind.as_str(), self.at.as_nanosecond())
    }
}
