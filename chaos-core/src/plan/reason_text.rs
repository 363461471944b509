//! The words of a [`Reason`].

use std::fmt;

use super::Reason;
use crate::{error::ErrorKind, listing::ENABLED_TAG, text::escaped};

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CalendarClosed { opens, why } => {
                f.write_str("the calendar is closed")?;
                if let Some(opens) = opens {
                    write!(f, " until {opens}")?;
                }
                why.as_ref().map_or(Ok(()), |why| write!(f, ": {}", escaped(why)))
            }
            Self::ClosesTooSoon { closes, undone_by } => {
                write!(
                    f,
                    "the calendar closes at {closes}, before {undone_by}, when the fault would be undone"
                )
            }
            Self::Halted { reason } => write!(f, "everything is halted: {}", escaped(reason)),
            Self::NoGroupPasses => f.write_str("no group passes the filter"),
            Self::NothingListed => f.write_str("no provider listed a group"),
            Self::Doubt { failure }
                if matches!(
                    failure.kind,
                    ErrorKind::InvalidInput | ErrorKind::Refused | ErrorKind::Unsupported
                ) =>
            {
                write!(f, "the event cannot be injected there: {}", escaped(&failure.message))
            }
            Self::Doubt { failure } => write!(f, "in doubt: {}", escaped(&failure.message)),
            Self::Unsuitable { why } => write!(f, "unsuitable: {}", escaped(why)),
            Self::NobodyEligible => f.write_str("no member is eligible"),
            Self::TooFewHealthy { left, minimum } => {
                write!(f, "{left} healthy members would be left; at least {minimum} must be")
            }
            Self::NoOtherDomain { label, domain } => {
                let (label, domain) = (escaped(label), escaped(domain));
                write!(
                    f,
                    "without {domain}, no other {label} of the group would be left without a fault and with a healthy \
                     member"
                )
            }
            Self::OutsideDomain { label, domain } => {
                write!(f, "only {} {} is hit", escaped(label), escaped(domain))
            }
            Self::UnknownDomain { label } => write!(f, "it has no label {}", escaped(label)),
            Self::GroupLimit { active, limit } => {
                write!(f, "{active} targets of the group are under a fault; at most {limit} may be")
            }
            Self::LimitOfNone { limit, whole } => {
                write!(f, "{} of {whole} rounds down to no target", escaped(limit))
            }
            Self::TooHeavy { weight, room } => {
                write!(f, "it is {weight} of the group's capacity, and only {room} may still be hit")
            }
            Self::RunLimit { limit } => write!(f, "at most {limit} targets are chosen in one run"),
            Self::ActiveLimit { active, limit } => {
                write!(f, "{active} faults are active; at most {limit} may be")
            }
            Self::NotSteady { probe, why } => write!(f, "not steady: {}: {}", escaped(probe), escaped(why)),
            Self::NotHealthy { health } => write!(f, "it is {health}"),
            Self::Denied { pattern } => write!(f, "the pattern {} denies it", escaped(pattern)),
            Self::NotAllowed => f.write_str("no pattern allows it"),
            Self::NotOptedIn => {
                write!(f, "not opted in: it has no tag {ENABLED_TAG}, and no pattern allows it")
            }
            Self::Excluded { why } => write!(f, "excluded: {}", escaped(why)),
            Self::TooYoung { began_at, until } => {
                write!(f, "it began at {began_at}, and is too young until {until}")
            }
            Self::DeploymentInProgress { deployment } => {
                write!(f, "a deployment is in progress: {}", escaped(deployment))
            }
            Self::LacksCapability { missing } => write!(f, "it does not offer: {missing}"),
            Self::UnderFault { fault, state } => write!(f, "fault {fault} on it is {state}"),
            Self::CoolingDown { until } => write!(f, "it cools down until {until}"),
            Self::DueTaken { fault } => write!(f, "fault {fault} has carried out what the group is due to"),
            Self::HitSince { at } => write!(f, "the group was hit at {at}, so it is no longer due"),
            Self::NotDrawn => f.write_str("not drawn"),
        }
    }
}
