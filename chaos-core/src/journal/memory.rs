use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{
    Arming, DueNote, DueQuery, DueRecord, FaultQuery, Forget, Forgotten, Found, FoundDues, Halt, Journal,
    KeptSchedule, Lease, Limits, Tally,
};
use crate::{
    error::{Error, ErrorKind, Result},
    fault::{FaultId, FaultRecord, Mark},
    group::{GroupId, TargetId},
    plan::rules,
    schedule::DueId,
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
    /// By day, whether it is rehearsed, and group.
    dues: BTreeMap<(Date, bool, GroupId), DueRecord>,
    schedule: KeptSchedule,
    /// The longest with which a fault was armed.
    cool_down: Duration,
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
        contents.cool_down = contents.cool_down.max(limits.cool_down);
        if let Some(due) = fault.due {
            contents.due(&DueId::new(fault.group.clone(), due.day), false, fault.armed_at);
        }
        contents.add(fault.clone());
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

    async fn note_due(&self, note: &DueNote) -> Result<()> {
        let mut contents = self.contents();
        let known = contents.due(&note.id, note.rehearsed, note.now).clone();
        let mut record = contents.told(known);
        record.apply(note);
        *contents.due(&note.id, note.rehearsed, note.now) = record;
        Ok(())
    }

    async fn dues(&self, query: &DueQuery) -> Result<FoundDues> {
        let contents = self.contents();
        let told = contents.dues.values().map(|record| contents.told(record.clone()));
        let mut dues: Vec<_> = told.filter(|record| query.matches(record)).collect();
        let surplus = query.limit.map_or(0, |limit| dues.len().saturating_sub(limit));
        Ok(FoundDues::new(dues.split_off(surplus)))
    }

    async fn keep_schedule(&self, proposed: &KeptSchedule) -> Result<KeptSchedule> {
        let mut contents = self.contents();
        contents.schedule = contents.schedule.and(proposed);
        Ok(contents.schedule)
    }

    async fn forget(&self, forget: &Forget) -> Result<Forgotten> {
        Ok(self.contents().forget(forget))
    }
}

impl Contents {
    fn add(&mut self, fault: FaultRecord) {
        let (position, is_pending) = (self.faults.len(), fault.state.is_pending());
        self.index.insert(fault.id, position);
        self.by_target.entry(fault.target.clone()).or_default().push(position);
        self.faults.push(fault);
        self.count(position, is_pending);
    }

    /// The record of this due, which is open if there was none.
    fn due(&mut self, id: &DueId, rehearsed: bool, now: Timestamp) -> &mut DueRecord {
        let key = (id.day, rehearsed, id.group.clone());
        self.dues.entry(key).or_insert_with(|| DueRecord::open(id.clone(), rehearsed, now))
    }

    /// The record as the faults tell.
    fn told(&self, record: DueRecord) -> DueRecord {
        let carries = |fault: &&FaultRecord| {
            fault.group == record.id.group && fault.due.is_some_and(|due| due.day == record.id.day)
        };
        let faults: Vec<FaultRecord> = self.faults.iter().filter(carries).cloned().collect();
        record.by(&faults)
    }

    fn forget(&mut self, forget: &Forget) -> Forgotten {
        let mut last = HashMap::<GroupId, (Timestamp, usize)>::new();
        for (position, fault) in self.faults.iter().enumerate() {
            let newest = last.entry(fault.group.clone()).or_insert((fault.armed_at, position));
            *newest = (*newest).max((fault.armed_at, position));
        }
        // Without their faults, the dues must still be told.
        let dues: Vec<DueRecord> = self.dues.values().cloned().collect();
        for record in dues {
            let key = (record.id.day, record.rehearsed, record.id.group.clone());
            let told = self.told(record);
            self.dues.insert(key, told);
        }
        let (faults, dues) = (std::mem::take(&mut self.faults), self.dues.len());
        let before = faults.len();
        self.index.clear();
        self.by_target.clear();
        self.pending.clear();
        self.in_groups.clear();
        self.uncounted = 0;
        for (position, fault) in faults.into_iter().enumerate() {
            let is_last = last.get(&fault.group) == Some(&(fault.armed_at, position));
            let is_hot = rules::cooled_down(fault.injecting_at, self.cool_down, forget.now).is_err();
            if fault.state.is_pending() || fault.armed_at >= forget.before || is_last || is_hot {
                self.add(fault);
            }
        }
        let day = forget.before.to_zoned(TimeZone::UTC).date();
        let mut records = std::mem::take(&mut self.dues);
        records.retain(|_, record| {
            let is_old = record.id.day < day && record.changed_at < forget.before;
            let carries = |fault: &FaultRecord| {
                fault.group == record.id.group && fault.due.is_some_and(|due| due.day == record.id.day)
            };
            !is_old || !record.is_settled() || self.faults.iter().any(carries)
        });
        self.dues = records;
        Forgotten::new(before - self.faults.len(), dues - self.dues.len(), true)
    }

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
