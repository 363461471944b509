use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;

use super::{Reason, rules};
use crate::{
    error::Result,
    event::Hold,
    fault::{FaultId, FaultState},
    group::{Group, GroupId, TargetId},
    journal::{FaultQuery, Halt, Journal},
};

/// The contents of the journal at the moment of planning.
#[derive(Debug, Default)]
pub(super) struct Occupancy {
    pub(super) halt: Option<Halt>,
    pub(super) total: usize,
    by_target: HashMap<TargetId, (FaultId, FaultState)>,
    by_group: HashMap<GroupId, usize>,
    /// The number of entries with an unreadable target: each may be in any group.
    somewhere: usize,
    /// The events that leave a target alone, with the time and the reason.
    cooling: HashMap<TargetId, Vec<(String, Option<Timestamp>, Reason)>>,
}

impl Occupancy {
    pub(super) async fn read(journal: &dyn Journal, now: Timestamp, cool_down: Duration) -> Result<Self> {
        let mut occupancy = Self { halt: journal.halt().await?, ..Self::default() };
        let pending = journal.pending().await?;
        for entry in pending.unreadable {
            occupancy.total += 1;
            match (entry.target, entry.entry.parse()) {
                (Some(target), Ok(fault)) => {
                    *occupancy.by_group.entry(target.group()).or_default() += 1;
                    occupancy.by_target.insert(target, (fault, FaultState::RecoveryFailed));
                }
                _ => occupancy.somewhere += 1,
            }
        }
        for fault in pending.faults {
            if fault.is_counted {
                occupancy.total += 1;
                *occupancy.by_group.entry(fault.group).or_default() += 1;
            }
            occupancy.by_target.insert(fault.target, (fault.id, fault.state));
        }
        if cool_down.is_zero() {
            return Ok(occupancy);
        }
        // An injection begins at most one hold after its arming, and the query is by the time of arming.
        let since = now.checked_sub(cool_down.saturating_add(Hold::LONGEST)).unwrap_or(Timestamp::MIN);
        for fault in journal.find(&FaultQuery::all().since(since)).await?.faults {
            if let Err(reason) = rules::cooled_down(fault.injecting_at, cool_down, now) {
                occupancy.cooling.entry(fault.target).or_default().push((
                    fault.event,
                    fault.injecting_at,
                    reason,
                ));
            }
        }
        Ok(occupancy)
    }

    pub(super) fn on_target(&self, target: &TargetId) -> Option<(FaultId, FaultState)> {
        // Most plans see an empty journal. Then no hash is computed for a million targets.
        if self.by_target.is_empty() { None } else { self.by_target.get(target).copied() }
    }

    /// The number of faults on targets that `group` lists.
    pub(super) fn on_members(&self, group: &Group) -> usize {
        group.members.iter().filter(|member| self.on_target(member.target.id()).is_some()).count()
    }

    pub(super) fn in_group(&self, group: &GroupId) -> usize {
        self.by_group.get(group).copied().unwrap_or(0) + self.somewhere
    }

    pub(super) fn somewhere(&self) -> usize {
        self.somewhere
    }

    /// The reason why the event leaves the target alone after its latest injection, if it does.
    pub(super) fn cooled_down(&self, target: &TargetId, event: &str) -> Result<(), Reason> {
        let of_target = if self.cooling.is_empty() { None } else { self.cooling.get(target) };
        let of_event = of_target.into_iter().flatten().filter(|(name, ..)| name == event);
        of_event.max_by_key(|(_, begun, _)| *begun).map_or(Ok(()), |(.., reason)| Err(reason.clone()))
    }
}
