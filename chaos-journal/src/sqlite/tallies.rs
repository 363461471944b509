use std::collections::HashMap;

use chaos_core::{
    FaultId, GroupId, TargetId,
    fault::{FaultRecord, FaultState},
    journal::{Halt, Tally},
};
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;

use super::rows::Columns;

/// The counts for the limits, made once for all faults that are armed together.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    halt: Option<Halt>,
    on_targets: HashMap<TargetId, (Option<FaultId>, FaultState)>,
    in_groups: HashMap<GroupId, usize>,
    /// An entry with an unreadable target may be in any group.
    somewhere: usize,
    in_total: usize,
}

/// The target of a pending fault, as far as it can be read.
#[derive(Debug)]
pub(super) struct Place {
    fault: Option<FaultId>,
    /// An unknown state, of a later version, keeps this version from hitting the target again.
    state: FaultState,
    target: Option<TargetId>,
    group: Option<GroupId>,
    is_counted: bool,
}

/// What the journal holds of the due that a fault carries out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OfDue {
    pub(super) taken_by: Option<FaultId>,
    pub(super) last_in_group: Option<Timestamp>,
}

impl Tallies {
    pub(super) fn of(halt: Option<Halt>, pending: impl IntoIterator<Item = Place>) -> Self {
        let mut tallies = Self { halt, ..Self::default() };
        for place in pending {
            tallies.add(place);
        }
        tallies
    }

    /// Counts one more.
    pub(super) fn add(&mut self, place: Place) {
        if place.is_counted {
            self.in_total += 1;
            match place.group {
                Some(group) => *self.in_groups.entry(group).or_default() += 1,
                None => self.somewhere += 1,
            }
        }
        if let Some(target) = place.target {
            self.on_targets.entry(target).or_insert((place.fault, place.state));
        }
    }

    /// The counts for `fault`. The last injection of its event into its target began at `last_injecting`. Of its due,
    /// `of_due` was found.
    pub(super) fn concerning(
        &self,
        fault: &FaultRecord,
        last_injecting: Option<Timestamp>,
        of_due: OfDue,
    ) -> Tally {
        let mut tally = Tally::default();
        tally.halt.clone_from(&self.halt);
        tally.on_target =
            self.on_targets.get(&fault.target).map(|(other, state)| (other.unwrap_or(fault.id), *state));
        tally.in_group = self.in_groups.get(&fault.group).copied().unwrap_or(0) + self.somewhere;
        tally.in_total = self.in_total;
        tally.last_injecting = last_injecting;
        tally.due_taken_by = of_due.taken_by;
        tally.last_in_group = of_due.last_in_group;
        tally
    }
}

impl Place {
    pub(super) fn read(row: &SqliteRow) -> Self {
        let row = Columns(row);
        Self {
            fault: row.parsed("id").ok(),
            state: row.parsed("state").unwrap_or(FaultState::RecoveryFailed),
            target: row.parsed("target").ok(),
            group: row.parsed("group_id").ok(),
            is_counted: row.is_counted(),
        }
    }

    pub(super) fn of(fault: &FaultRecord) -> Self {
        Self {
            fault: Some(fault.id),
            state: fault.state,
            target: Some(fault.target.clone()),
            group: Some(fault.group.clone()),
            is_counted: fault.is_counted,
        }
    }
}
