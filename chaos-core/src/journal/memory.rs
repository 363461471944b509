use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Arming, FaultQuery, Found, Halt, Journal, Lease, Limits, Tally};
use crate::{
    error::{Error, ErrorKind, Result},
    fault::{FaultId, FaultRecord, Mark},
    group::{GroupId, TargetId},
};

/// An in-memory journal for unit tests and examples. It does not survive its process, so it protects against dropped
/// futures and panics only.
///
/// Clones share one journal.
#[derive(Clone, Debug, Default)]
pub struct MemoryJournal(Arc<Mutex<Contents>>);

#[derive(Debug, Default)]
struct Contents {
    /// In the order of arming.
    faults: Vec<FaultRecord>,
    index: BTreeMap<FaultId, usize>,
    /// The positions of the pending faults, and of all faults by target.
    pending: BTreeSet<usize>,
    by_target: HashMap<TargetId, Vec<usize>>,
    /// The number of pending faults.
    in_groups: HashMap<GroupId, usize>,
    /// How many pending faults count in no limit.
    uncounted: usize,
    held: BTreeSet<FaultId>,
    halt: Option<Halt>,
}

impl MemoryJournal {
    /// An empty journal.
    pub fn new() -> Self {
        Self::default()
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn arm(&self, fault: &FaultRecord, limits: &Limits) -> Result<Arming<Lease>> {
        let mut contents = self.contents();
        if contents.index.contains_key(&fault.id) {
            return Err(Error::new(ErrorKind::Conflict, "the journal already holds a fault with this id")
                .with("fault", fault.id));
        }
        if let Err(reason) = limits.check(fault, &contents.tally(fault)) {
            return Ok(Arming::Refused(reason));
        }
        let position = contents.faults.len();
        contents.index.insert(fault.id, position);
        contents.faults.push(fault.clone());
        contents.by_target.entry(fault.target.clone()).or_default().push(position);
        contents.count(position, fault.state.is_pending());
        contents.held.insert(fault.id);
        let (journal, id) = (self.clone(), fault.id);
        Ok(Arming::Armed(Lease::new(move || {
            journal.contents().held.remove(&id);
        })))
    }

    async fn mark(&self, fault: FaultId, mark: &Mark) -> Result<()> {
        let mut contents = self.contents();
        let position = *contents.index.get(&fault).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "the journal holds no fault with this id").with("fault", fault)
        })?;
        let record = &mut contents.faults[position];
        if !mark.may_follow(record.state) {
            return Err(Error::new(ErrorKind::Conflict, "the fault is in another state by now")
                .with("fault", fault)
                .with("state", record.state)
                .with("wanted", mark.state));
        }
        record.apply(mark);
        let is_pending = record.state.is_pending();
        contents.count(position, is_pending);
        Ok(())
    }

    async fn find(&self, query: &FaultQuery) -> Result<Found> {
        let contents = self.contents();
        let matching = |fault: &&FaultRecord| query.matches(fault);
        let mut found: Vec<_> = match &query.target {
            Some(target) => contents.of_target(target).filter(matching).cloned().collect(),
            None => contents.faults.iter().filter(matching).cloned().collect(),
        };
        found.sort_by_key(|fault| fault.armed_at);
        let surplus = query.limit.map_or(0, |limit| found.len().saturating_sub(limit));
        Ok(Found::new(found.split_off(surplus)))
    }

    async fn pending(&self) -> Result<Found> {
        Ok(Found::new(self.contents().pending().cloned().collect()))
    }

    async fn orphans(&self, now: Timestamp) -> Result<Found> {
        let contents = self.contents();
        let is_orphan = |fault: &&FaultRecord| !contents.held.contains(&fault.id) || fault.is_overdue(now);
        Ok(Found::new(contents.pending().filter(is_orphan).cloned().collect()))
    }

    async fn set_halt(&self, halt: Option<Halt>) -> Result<()> {
        self.contents().halt = halt;
        Ok(())
    }

    async fn halt(&self) -> Result<Option<Halt>> {
        Ok(self.contents().halt.clone())
    }
}

impl Contents {
    fn pending(&self) -> impl Iterator<Item = &FaultRecord> {
        self.pending.iter().map(|position| &self.faults[*position])
    }

    fn of_target(&self, target: &TargetId) -> impl Iterator<Item = &FaultRecord> {
        let positions = self.by_target.get(target).into_iter().flatten();
        positions.map(|position| &self.faults[*position])
    }

    /// Adds the fault at `position` to the pending ones, or removes it from them.
    fn count(&mut self, position: usize, is_pending: bool) {
        let was_pending = match is_pending {
            true => !self.pending.insert(position),
            false => self.pending.remove(&position),
        };
        if was_pending == is_pending {
            return;
        }
        if !self.faults[position].is_counted {
            self.uncounted = if is_pending { self.uncounted + 1 } else { self.uncounted.saturating_sub(1) };
            return;
        }
        let in_group = self.in_groups.entry(self.faults[position].group.clone()).or_default();
        *in_group = if is_pending { *in_group + 1 } else { in_group.saturating_sub(1) };
    }

    fn tally(&self, fault: &FaultRecord) -> Tally {
        let on_target = || self.of_target(&fault.target);
        let others = || {
            let of_group = self.faults.iter().filter(|other| other.group == fault.group);
            let run = fault.due.map(|due| due.run);
            of_group.filter(move |other| run.is_some() && other.due.map(|due| due.run) != run)
        };
        let day = |of: &FaultRecord| of.due.map(|due| due.day);
        Tally {
            halt: self.halt.clone(),
            on_target: on_target()
                .find(|other| other.state.is_pending())
                .map(|other| (other.id, other.state)),
            in_group: self.in_groups.get(&fault.group).copied().unwrap_or(0),
            in_total: self.pending.len().saturating_sub(self.uncounted),
            last_injecting: on_target()
                .filter(|other| other.event == fault.event)
                .filter_map(|other| other.injecting_at)
                .max(),
            due_taken_by: others().find(|other| day(other) == day(fault)).map(|other| other.id),
            last_in_group: others().map(|other| other.armed_at).max(),
        }
    }
}
