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
    /// The latest injections into a target: the event, and the time.
    latest: HashMap<TargetId, Vec<(String, Option<Timestamp>)>>,
}

impl Occupancy {
    /// `cool_down` is the longest of all groups.
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
            if rules::cooled_down(fault.injecting_at, cool_down, now).is_err() {
                occupancy.latest.entry(fault.target).or_default().push((fault.event, fault.injecting_at));
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
    pub(super) fn cooled_down(
        &self,
        target: &TargetId,
        event: &str,
        cool_down: Duration,
        now: Timestamp,
    ) -> Result<(), Reason> {
        let of_target = if self.latest.is_empty() { None } else { self.latest.get(target) };
        let of_event = of_target.into_iter().flatten().filter(|(name, _)| name == event);
        rules::cooled_down(of_event.filter_map(|(_, begun)| *begun).max(), cool_down, now)
    }
}
