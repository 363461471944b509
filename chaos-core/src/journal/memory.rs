use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Arming, FaultQuery, Found, Halt, Journal, Lease, Limits, Tally};
use crate::{
    error::{Error, ErrorKind, Result},
    fault::{FaultId, FaultRecord, Mark},
};

/// A journal in memory, for unit tests and examples. It does not survive its process, so that it protects against
/// dropped futures and panics, and against nothing worse.
///
/// Clones share one journal.
#[derive(Clone, Debug, Default)]
pub struct MemoryJournal(Arc<Mutex<Contents>>);

#[derive(Debug, Default)]
struct Contents {
    /// In the order of arming.
    faults: Vec<FaultRecord>,
    index: BTreeMap<FaultId, usize>,
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

    fn select(&self, keep: impl Fn(&Contents, &FaultRecord) -> bool) -> Vec<FaultRecord> {
        let contents = self.contents();
        contents.faults.iter().filter(|fault| keep(&contents, fault)).cloned().collect()
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn arm(&self, fault: &FaultRecord, limits: &Limits) -> Result<Arming<Lease>> {
        let mut contents = self.contents();
        if contents.index.contains_key(&fault.id) {
            return Err(Error::new(ErrorKind::Conflict, "the journal holds a fault of this id")
                .with("fault", fault.id));
        }
        if let Err(reason) = limits.check(fault, &contents.tally(fault)) {
            return Ok(Arming::Refused(reason));
        }
        let position = contents.faults.len();
        contents.index.insert(fault.id, position);
        contents.faults.push(fault.clone());
        contents.held.insert(fault.id);
        let (journal, id) = (self.clone(), fault.id);
        Ok(Arming::Armed(Lease::new(move || {
            journal.contents().held.remove(&id);
        })))
    }

    async fn mark(&self, fault: FaultId, mark: &Mark) -> Result<()> {
        let mut contents = self.contents();
        let position = *contents.index.get(&fault).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "the journal holds no such fault").with("fault", fault)
        })?;
        let record = &mut contents.faults[position];
        if !record.state.may_become(mark.state) {
            return Err(Error::new(ErrorKind::Conflict, "the fault is in another state by now")
                .with("fault", fault)
                .with("state", record.state)
                .with("wanted", mark.state));
        }
        record.apply(mark);
        Ok(())
    }

    async fn find(&self, query: &FaultQuery) -> Result<Found> {
        let mut found = self.select(|_, fault| query.matches(fault));
        found.sort_by_key(|fault| fault.armed_at);
        let surplus = query.limit.map_or(0, |limit| found.len().saturating_sub(limit));
        Ok(Found::new(found.split_off(surplus)))
    }

    async fn pending(&self) -> Result<Found> {
        Ok(Found::new(self.select(|_, fault| fault.state.is_pending())))
    }

    async fn orphans(&self, now: Timestamp) -> Result<Found> {
        let is_orphan = |contents: &Contents, fault: &FaultRecord| {
            fault.state.is_pending() && (!contents.held.contains(&fault.id) || fault.is_overdue(now))
        };
        Ok(Found::new(self.select(is_orphan)))
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
    fn tally(&self, fault: &FaultRecord) -> Tally {
        let pending = || self.faults.iter().filter(|other| other.state.is_pending());
        Tally {
            halt: self.halt.clone(),
            on_target: pending()
                .find(|other| other.target == fault.target)
                .map(|other| (other.id, other.state)),
            in_group: pending().filter(|other| other.group == fault.group).count(),
            in_total: pending().count(),
            last_injecting: self
                .faults
                .iter()
                .filter(|other| other.target == fault.target && other.event == fault.event)
                .filter_map(|other| other.injecting_at)
                .max(),
        }
    }
}
