use chaos_core::FaultId;
use jiff::Timestamp;

/// What is sent to people, over whichever channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) kind: Kind,
    /// The fault that it is about, if it is about one.
    pub(super) fault: Option<FaultId>,
    pub(super) at: Timestamp,
    /// How many messages it stands for: 1, but for a digest of others.
    pub(super) stands_for: usize,
    /// One line of at most 99 ASCII characters, none of them a control character.
    pub(super) subject: String,
    /// Plain text.
    pub(super) body: String,
}

/// What a message tells, the least important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    NothingInjected,
    Announced,
    LeftAlone,
    Recovered,
    Halted,
    InjectionFailed,
    RecoveryRefused,
    JournalFailed,
    RecoveryFailed,
}

impl Kind {
    /// Whether somebody was promised to be told.
    pub(super) fn is_promised(self) -> bool {
        !matches!(self, Self::NothingInjected | Self::Announced)
    }

    /// As subscribers can filter by it.
    pub(super) fn as_str(self) -> &'static str {
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
    /// The same for each attempt to send this message, and for no other one: at most 128 characters.
    pub(super) fn id(&self) -> String {
        let about = self.fault.map_or_else(|| "all".to_owned(), |fault| fault.to_string());
        format!("{about}-{}-{}", self.kind.as_str(), self.at.as_nanosecond())
    }
}
