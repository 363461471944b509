use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    capability::CapabilitySet,
    error::Failure,
    fault::{FaultId, FaultState},
    group::Health,
};

/// Why a group or a target is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reason {
    /// The calendar is closed.
    #[non_exhaustive]
    CalendarClosed {
        /// When it opens next, if that is within two years.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        opens: Option<Timestamp>,
        /// Why it is closed, as in `Thanksgiving (US)`, if these are not just hours in which it always is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// The calendar closes before the fault could be undone.
    #[non_exhaustive]
    ClosesTooSoon {
        /// When the calendar closes.
        closes: Timestamp,
        /// When the fault would certainly be undone.
        undone_by: Timestamp,
    },
    /// Everything is halted.
    #[non_exhaustive]
    Halted {
        /// The reason, in the words of the person who gave the order.
        reason: String,
    },
    /// No listed group passes the monkey's filter.
    NoGroupPasses,
    /// No provider listed any group.
    NothingListed,
    /// A fact is uncertain because of an API error, a half-read listing, or a failed look at the health or the journal.
    #[non_exhaustive]
    Doubt {
        /// The failure.
        failure: Failure,
    },
    /// No event suits the group.
    #[non_exhaustive]
    Unsuitable {
        /// The reason of each event.
        why: String,
    },
    /// No member of the group may be chosen; each has its own reason.
    NobodyEligible,
    /// The group would be left with too few healthy members. If its members have weights and a share of them must be
    /// left, the numbers are of capacity.
    #[non_exhaustive]
    TooFewHealthy {
        /// The number of healthy members without a fault that would be left if one more were chosen.
        left: usize,
        /// The number that must be left.
        minimum: usize,
    },
    /// The group would be left without a sound failure domain.
    #[non_exhaustive]
    NoOtherDomain {
        /// The label that tells the domains apart.
        label: String,
        /// The domain that would be hit.
        domain: String,
    },
    /// The target is in another failure domain than the one that is hit.
    #[non_exhaustive]
    OutsideDomain {
        /// The label that tells the domains apart.
        label: String,
        /// The domain that is hit.
        domain: String,
    },
    /// The target has no label for its failure domain.
    #[non_exhaustive]
    UnknownDomain {
        /// The label that it lacks.
        label: String,
    },
    /// As many targets of this group are under a fault as the blast radius allows. If its members have weights and the
    /// limit is a share of them, the numbers are of capacity.
    #[non_exhaustive]
    GroupLimit {
        /// How many there are.
        active: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The limit of the group is a share, and it rounds down to no target of so few.
    #[non_exhaustive]
    LimitOfNone {
        /// The limit, as `10%`.
        limit: String,
        /// The number of targets of which it is a share; if the group's members have weights, their capacity.
        whole: usize,
    },
    /// The target's part of the group's capacity exceeds what may still be hit.
    #[non_exhaustive]
    TooHeavy {
        /// Its part of the group's capacity.
        weight: usize,
        /// The capacity that may still be hit.
        room: usize,
    },
    /// As many targets were chosen in this run as the blast radius allows.
    #[non_exhaustive]
    RunLimit {
        /// How many may be chosen.
        limit: usize,
    },
    /// As many faults are active over the whole journal as the blast radius allows.
    #[non_exhaustive]
    ActiveLimit {
        /// How many there are.
        active: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The system is not steady, so nothing is injected into it.
    #[non_exhaustive]
    NotSteady {
        /// The name of the probe that tells.
        probe: String,
        /// Why, as in "503, expected 200".
        why: String,
    },
    /// The target is not healthy.
    #[non_exhaustive]
    NotHealthy {
        /// Its health.
        health: Health,
    },
    /// A pattern of the monkey's filter denies the target or its group.
    #[non_exhaustive]
    Denied {
        /// The pattern.
        pattern: String,
    },
    /// No pattern of the monkey's filter allows the target or its group.
    NotAllowed,
    /// Only targets that have agreed are touched, and neither a tag nor an allow pattern agrees.
    NotOptedIn,
    /// The provider keeps the target out.
    #[non_exhaustive]
    Excluded {
        /// The reason, in the provider's words.
        why: String,
    },
    /// The target began so short a while ago that the monkey leaves it alone.
    #[non_exhaustive]
    TooYoung {
        /// When it began.
        began_at: Timestamp,
        /// When it will be old enough.
        until: Timestamp,
    },
    /// A deployment replaces or updates members of the group.
    #[non_exhaustive]
    DeploymentInProgress {
        /// The deployment, in the provider's words.
        deployment: String,
    },
    /// The target lacks a capability that each event of the monkey needs.
    #[non_exhaustive]
    LacksCapability {
        /// The missing capabilities of the event that came closest.
        missing: CapabilitySet,
    },
    /// A fault on the target is not undone yet, or its recovery failed.
    #[non_exhaustive]
    UnderFault {
        /// The fault.
        fault: FaultId,
        /// Its state.
        state: FaultState,
    },
    /// The same event was injected into the same target a short while ago.
    #[non_exhaustive]
    CoolingDown {
        /// When the target may be chosen again.
        until: Timestamp,
    },
    /// Another run has carried out this due of the group.
    #[non_exhaustive]
    DueTaken {
        /// One of its faults.
        fault: FaultId,
    },
    /// The group was hit after its due was drawn, so it is no longer due.
    #[non_exhaustive]
    HitSince {
        /// When that fault was armed.
        at: Timestamp,
    },
    /// The target was eligible, but the draw chose others.
    NotDrawn,
}

/// For journals, and for tests of code that handles reasons.
impl Reason {
    /// The calendar is closed, and when it opens and why, if that is known.
    pub fn calendar_closed(opens: Option<Timestamp>, why: Option<String>) -> Self {
        Self::CalendarClosed { opens, why }
    }

    /// Everything is halted.
    pub fn halted(reason: impl Into<String>) -> Self {
        Self::Halted { reason: reason.into() }
    }

    /// The kind of the reason, as it is in JSON: `not-healthy`, `calendar-closed`. The rest of a reason is of any
    /// content.
    pub fn kind(&self) -> String {
        let json = serde_json::to_value(self).unwrap_or_default();
        json["kind"].as_str().unwrap_or("other").to_owned()
    }

    /// Something is uncertain, or cannot be done there.
    pub fn doubt(failure: impl Into<Failure>) -> Self {
        Self::Doubt { failure: failure.into() }
    }

    /// The group would be left with too few healthy members.
    pub fn too_few_healthy(left: usize, minimum: usize) -> Self {
        Self::TooFewHealthy { left, minimum }
    }

    /// The group would be left without a sound failure domain.
    pub fn no_other_domain(label: impl Into<String>, domain: impl Into<String>) -> Self {
        Self::NoOtherDomain { label: label.into(), domain: domain.into() }
    }

    /// The target is in another failure domain than the one that is hit.
    pub fn outside_domain(label: impl Into<String>, domain: impl Into<String>) -> Self {
        Self::OutsideDomain { label: label.into(), domain: domain.into() }
    }

    /// The target has no label for its failure domain.
    pub fn unknown_domain(label: impl Into<String>) -> Self {
        Self::UnknownDomain { label: label.into() }
    }

    /// As many targets of the group are under a fault as the limit allows.
    pub fn group_limit(active: usize, limit: usize) -> Self {
        Self::GroupLimit { active, limit }
    }

    /// The system is not steady by this probe.
    pub fn not_steady(probe: impl Into<String>, why: impl Into<String>) -> Self {
        Self::NotSteady { probe: probe.into(), why: why.into() }
    }

    /// The limit of the group is a share, and it rounds down to no target of so few.
    pub fn limit_of_none(limit: impl Into<String>, whole: usize) -> Self {
        Self::LimitOfNone { limit: limit.into(), whole }
    }

    /// As many faults are active over the whole journal as the limit allows.
    pub fn active_limit(active: usize, limit: usize) -> Self {
        Self::ActiveLimit { active, limit }
    }

    /// The target is not healthy.
    pub fn not_healthy(health: Health) -> Self {
        Self::NotHealthy { health }
    }

    /// A pattern denies the target or its group.
    pub fn denied(pattern: impl Into<String>) -> Self {
        Self::Denied { pattern: pattern.into() }
    }

    /// The provider keeps the target out.
    pub fn excluded(why: impl Into<String>) -> Self {
        Self::Excluded { why: why.into() }
    }

    /// The target began at `began_at`, and is left alone until a while after that.
    pub fn too_young(began_at: Timestamp, until: Timestamp) -> Self {
        Self::TooYoung { began_at, until }
    }

    /// A deployment replaces or updates members of the group.
    pub fn deployment_in_progress(deployment: impl Into<String>) -> Self {
        Self::DeploymentInProgress { deployment: deployment.into() }
    }

    /// A fault on the target is not undone yet, or its recovery failed.
    pub fn under_fault(fault: FaultId, state: FaultState) -> Self {
        Self::UnderFault { fault, state }
    }

    /// The same event was injected into the same target a short while ago.
    pub fn cooling_down(until: Timestamp) -> Self {
        Self::CoolingDown { until }
    }

    /// Another run has carried out this due of the group.
    pub fn due_taken(fault: FaultId) -> Self {
        Self::DueTaken { fault }
    }

    /// The group was hit after its due was drawn.
    pub fn hit_since(at: Timestamp) -> Self {
        Self::HitSince { at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    /// A journal of an earlier version names the kind alone.
    #[test]
    fn a_closed_calendar_says_what_is_known_of_it() {
        let opens: Timestamp = "2026-11-27T14:00:00Z".parse().unwrap();
        for (json, text) in [
            (r#"{"kind":"calendar-closed"}"#, "the calendar is closed"),
            (
                r#"{"kind":"calendar-closed","opens":"2026-11-27T14:00:00Z","why":"Thanksgiving (US)"}"#,
                "the calendar is closed until 2026-11-27T14:00:00Z: Thanksgiving (US)",
            ),
        ] {
            let reason: Reason = serde_json::from_str(json).unwrap();
            assert_eq!(reason.to_string(), text);
            assert_eq!(serde_json::to_string(&reason).unwrap(), json);
        }
        let closed = Reason::calendar_closed(Some(opens), None);
        assert_eq!(closed.to_string(), "the calendar is closed until 2026-11-27T14:00:00Z");
    }

    #[test]
    fn text_of_targets_and_platforms_forges_no_line_and_turns_no_writing() {
        let hostile = "web\n2026-03-02 all is well\u{202e}\u{1b}[2J";
        let failure = Failure::new(ErrorKind::Other, hostile);
        let reasons = [
            Reason::halted(hostile),
            Reason::calendar_closed(None, Some(hostile.to_owned())),
            Reason::doubt(failure),
            Reason::doubt(Failure::new(ErrorKind::Refused, hostile)),
            Reason::Unsuitable { why: hostile.to_owned() },
            Reason::no_other_domain(hostile, hostile),
            Reason::outside_domain(hostile, hostile),
            Reason::unknown_domain(hostile),
            Reason::excluded(hostile),
            Reason::denied(hostile),
            Reason::deployment_in_progress(hostile),
        ];
        for reason in reasons {
            let shown = reason.to_string();
            assert!(!shown.contains(['\n', '\u{202e}', '\u{1b}']), "{shown:?}");
            assert!(shown.contains(r"web\n2026"), "{shown:?}");
        }
    }
}
