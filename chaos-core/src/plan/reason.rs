use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{CapabilitySet, ErrorKind, Failure, FaultId, FaultState, Health};

/// Why a group or a target is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reason {
    /// The calendar is closed.
    CalendarClosed,
    /// The calendar closes before the fault could be undone.
    ClosesTooSoon {
        /// When the calendar closes.
        closes: Timestamp,
        /// When the fault would certainly be undone.
        undone_by: Timestamp,
    },
    /// Everything is halted.
    Halted {
        /// Why, in the words of whoever gave the order.
        reason: String,
    },
    /// Something is not certain: an API error, a half-read listing, a failed look at the health or the journal.
    Doubt {
        /// What failed.
        failure: Failure,
    },
    /// No event suits the group.
    Unsuitable {
        /// What each event has against it.
        why: String,
    },
    /// No member of the group may be chosen; each says why.
    NobodyEligible,
    /// The group would be left with too few healthy members.
    TooFewHealthy {
        /// How many healthy members would be left without a fault if one more were chosen.
        left: usize,
        /// How many must be left.
        minimum: usize,
    },
    /// The group would be left with no failure domain that nothing is wrong with.
    NoOtherDomain {
        /// The label that tells the domains apart.
        label: String,
        /// The domain that would be hit.
        domain: String,
    },
    /// The target is in another failure domain than the one that is hit.
    OutsideDomain {
        /// The label that tells the domains apart.
        label: String,
        /// The domain that is hit.
        domain: String,
    },
    /// The target does not tell its failure domain.
    UnknownDomain {
        /// The label that it lacks.
        label: String,
    },
    /// As many targets of this group are under a fault as the blast radius allows.
    GroupLimit {
        /// How many there are.
        active: usize,
        /// How many there may be.
        limit: usize,
    },
    /// As many targets were chosen in this run as the blast radius allows.
    RunLimit {
        /// How many may be chosen.
        limit: usize,
    },
    /// As many faults are active over the whole journal as the blast radius allows.
    ActiveLimit {
        /// How many there are.
        active: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The target is not healthy.
    NotHealthy {
        /// What it is.
        health: Health,
    },
    /// The provider keeps the target out.
    Excluded {
        /// Why, in the provider's words.
        why: String,
    },
    /// The target does not offer what any event of the monkey needs.
    LacksCapability {
        /// What the event that came closest misses.
        missing: CapabilitySet,
    },
    /// A fault on the target is not undone yet, or its recovery failed.
    UnderFault {
        /// The fault.
        fault: FaultId,
        /// Where it stands.
        state: FaultState,
    },
    /// The same event was injected into the same target a short while ago.
    CoolingDown {
        /// When the target may be chosen again.
        until: Timestamp,
    },
    /// Eligible, and the draw fell on others.
    NotDrawn,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CalendarClosed => f.write_str("the calendar is closed"),
            Self::ClosesTooSoon { closes, undone_by } => {
                write!(f, "the calendar closes at {closes}, and the fault would be undone by {undone_by}")
            }
            Self::Halted { reason } => write!(f, "everything is halted: {reason}"),
            Self::Doubt { failure }
                if matches!(
                    failure.kind,
                    ErrorKind::InvalidInput | ErrorKind::Refused | ErrorKind::Unsupported
                ) =>
            {
                write!(f, "it cannot be done there: {failure}")
            }
            Self::Doubt { failure } => write!(f, "in doubt: {failure}"),
            Self::Unsuitable { why } => write!(f, "unsuitable: {why}"),
            Self::NobodyEligible => f.write_str("no member is eligible"),
            Self::TooFewHealthy { left, minimum } => {
                write!(f, "{left} healthy members would be left, and {minimum} must be")
            }
            Self::NoOtherDomain { label, domain } => {
                write!(
                    f,
                    "without {domain}, no other {label} of the group would be left that nothing is wrong with"
                )
            }
            Self::OutsideDomain { label, domain } => write!(f, "only {label} {domain} is hit"),
            Self::UnknownDomain { label } => write!(f, "it does not tell its {label}"),
            Self::GroupLimit { active, limit } => {
                write!(f, "{active} of at most {limit} targets of the group are under a fault")
            }
            Self::RunLimit { limit } => write!(f, "at most {limit} targets are chosen in one run"),
            Self::ActiveLimit { active, limit } => write!(f, "{active} of at most {limit} faults are active"),
            Self::NotHealthy { health } => write!(f, "it is {health}"),
            Self::Excluded { why } => write!(f, "excluded: {why}"),
            Self::LacksCapability { missing } => write!(f, "it does not offer: {missing}"),
            Self::UnderFault { fault, state } => write!(f, "fault {fault} on it is {state}"),
            Self::CoolingDown { until } => write!(f, "it cools down until {until}"),
            Self::NotDrawn => f.write_str("not drawn"),
        }
    }
}
