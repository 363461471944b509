//! A journal in memory that lies in one way.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use chaos_core::{
    Error, ErrorKind, FaultId, Journal, Result, async_trait,
    fault::{FaultRecord, FaultState, Mark},
    journal::{
        Arming, DueNote, DueQuery, DueRecord, FaultQuery, Forget, Forgotten, Found, FoundDues, Halt,
        KeptSchedule, Lease, Limits, Tally,
    },
    schedule::DueId,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    None,
    HoldsAGhost,
    PendingHasAnotherSeed,
    SeedIsSigned,
    ForgetsIncarnations,
    ReplacesOnConflict,
    ForgetsTargets,
    ForgetsFailedRecoveries,
    CountsGroupsByPrefix,
    CountsRecovered,
    IgnoresTheTotal,
    CoolsDownTooShortly,
    CoolsDownFromArming,
    IgnoresHalt,
    ForgetsDues,
    CountsDuesOfItsOwnRun,
    CountsDuesElsewhere,
    ForgetsTheLastInAGroup,
    ArmsInTwoSteps,
    AllowsEveryStep,
    AllowsNoSecondRecovery,
    InventsFaults,
    ForgetsNotes,
    ForgetsProgress,
    CountsTheUncounted,
    MovesMilestones,
    MatchesLoosely,
    IncludesTheEnd,
    KeepsTheOldest,
    OrdersByArming,
    FailedIsNotPending,
    EveryoneIsAnOrphan,
    NobodyIsAnOrphan,
    BelievesLeasesForEver,
    ForgetsHaltWhenClosed,
    KnowsItsOwnLeasesAlone,
    SharesNoLock,
    RepeatsReasons,
    FindsEveryDue,
    BelievesNotes,
    MixesRehearsals,
    TakesTheLastSeed,
    ForgetsSchedulesWhenClosed,
    ForgetsWhatIsPending,
    ForgetsTheLastOfAGroup,
    ForgetsDuringCoolDowns,
    ForgetsWhatDuesWere,
}

#[derive(Clone, Debug)]
pub(crate) struct LyingJournal {
    lie: Lie,
    shared: Arc<Shared>,
    own: Arc<Mutex<BTreeSet<FaultId>>>,
    reopened: bool,
}

#[derive(Debug, Default)]
struct Shared {
    faults: Mutex<Vec<FaultRecord>>,
    held: Mutex<BTreeSet<FaultId>>,
    halt: Mutex<Option<Halt>>,
    dues: Mutex<Vec<DueRecord>>,
    schedule: Mutex<KeptSchedule>,
    cool_down: Mutex<Duration>,
}

impl LyingJournal {
    pub(crate) fn new(lie: Lie) -> Self {
        Self { lie, shared: Arc::default(), own: Arc::default(), reopened: false }
    }

    pub(crate) fn reopen(&self) -> Self {
        if self.lie == Lie::ForgetsHaltWhenClosed {
            *self.shared.halt.lock().unwrap() = None;
        }
        if self.lie == Lie::ForgetsSchedulesWhenClosed {
            *self.shared.schedule.lock().unwrap() = KeptSchedule::default();
        }
        Self { own: Arc::default(), reopened: true, ..self.clone() }
    }

    fn tally(&self, fault: &FaultRecord) -> Tally {
        let faults = self.shared.faults.lock().unwrap();
        let pending = || {
            let counted =
                faults.iter().filter(|other| other.is_counted || self.lie == Lie::CountsTheUncounted);
            counted.filter(|other| match self.lie {
                Lie::ForgetsFailedRecoveries => {
                    other.state.is_pending() && other.state != FaultState::RecoveryFailed
                }
                Lie::CountsRecovered => true,
                _ => other.state.is_pending(),
            })
        };
        let mut tally = Tally::default();
        tally.halt = self.shared.halt.lock().unwrap().clone().filter(|_| self.lie != Lie::IgnoresHalt);
        tally.on_target = faults
            .iter()
            .find(|other| other.state.is_pending() && other.target == fault.target)
            .filter(|_| self.lie != Lie::ForgetsTargets)
            .map(|other| (other.id, other.state));
        tally.in_group = pending()
            .filter(|other| match self.lie {
                Lie::CountsGroupsByPrefix => other.group.as_str().starts_with(fault.group.as_str()),
                _ => other.group == fault.group,
            })
            .count();
        tally.in_total = if self.lie == Lie::IgnoresTheTotal { 0 } else { pending().count() };
        tally.last_injecting = faults
            .iter()
            .filter(|other| other.target == fault.target && other.event == fault.event)
            .filter_map(|other| match self.lie {
                Lie::CoolsDownFromArming => Some(other.armed_at),
                Lie::CoolsDownTooShortly => {
                    other.injecting_at.map(|at| at - std::time::Duration::from_nanos(1))
                }
                _ => other.injecting_at,
            })
            .max();
        if let Some(due) = fault.due {
            let of_group = |other: &&FaultRecord| {
                (other.group == fault.group || self.lie == Lie::CountsDuesElsewhere)
                    && (other.due.map(|due| due.run) != Some(due.run)
                        || self.lie == Lie::CountsDuesOfItsOwnRun)
            };
            let others = || faults.iter().filter(of_group);
            let taken = others().find(|other| other.due.map(|due| due.day) == Some(due.day));
            tally.due_taken_by = taken.map(|other| other.id).filter(|_| self.lie != Lie::ForgetsDues);
            let last = others().map(|other| other.armed_at).max();
            tally.last_in_group = last.filter(|_| self.lie != Lie::ForgetsTheLastInAGroup);
        }
        tally
    }

    /// The record as the faults tell.
    fn told(&self, due: &DueRecord) -> DueRecord {
        let faults = self.shared.faults.lock().unwrap();
        let carries = |fault: &&FaultRecord| {
            fault.group == due.id.group && fault.due.is_some_and(|taken| taken.day == due.id.day)
        };
        let faults: Vec<_> = faults.iter().filter(carries).cloned().collect();
        match self.lie {
            Lie::BelievesNotes => due.clone(),
            _ => due.clone().by(&faults),
        }
    }

    fn select(&self, keep: impl Fn(&FaultRecord) -> bool) -> Vec<FaultRecord> {
        let mut found: Vec<_> =
            self.shared.faults.lock().unwrap().iter().filter(|fault| keep(fault)).cloned().collect();
        if self.lie != Lie::OrdersByArming {
            found.sort_by_key(|fault| fault.armed_at);
        }
        found
    }
}

impl LyingJournal {
    fn apply(&self, note: &DueNote) {
        let mut dues = self.shared.dues.lock().unwrap();
        let is_same = |due: &DueRecord| {
            due.id == note.id && (due.rehearsed == note.rehearsed || self.lie == Lie::MixesRehearsals)
        };
        if !dues.iter().any(is_same) {
            dues.push(DueRecord::open(note.id.clone(), note.rehearsed, note.now));
        }
        for due in dues.iter_mut().filter(|due| is_same(due)) {
            *due = self.told(due);
            due.apply(note);
            if self.lie == Lie::RepeatsReasons && due.stops.len() < DueRecord::MOST_STOPS {
                due.stops.extend(due.stops.last().cloned());
            }
        }
    }
}

fn conflict() -> Error {
    Error::new(ErrorKind::Conflict, "conflict")
}

#[async_trait]
impl Journal for LyingJournal {
    async fn arm(&self, fault: &FaultRecord, limits: &Limits) -> Result<Arming<Lease>> {
        let is_there = self.shared.faults.lock().unwrap().iter().any(|other| other.id == fault.id);
        if is_there && self.lie != Lie::ReplacesOnConflict {
            return Err(conflict());
        }
        if let Err(reason) = limits.check(fault, &self.tally(fault)) {
            return Ok(Arming::Refused(reason));
        }
        if self.lie == Lie::ArmsInTwoSteps || (self.lie == Lie::SharesNoLock && self.reopened) {
            tokio::task::yield_now().await;
        }
        let mut stored = fault.clone();
        if self.lie == Lie::SeedIsSigned {
            stored.seed = stored.seed.min(i64::MAX as u64);
        }
        if self.lie == Lie::ForgetsIncarnations {
            stored.incarnation = None;
        }
        if let Some(due) = stored.due {
            let id = DueId::new(stored.group.clone(), due.day);
            self.apply(&DueNote::open(id, stored.armed_at));
        }
        self.shared.faults.lock().unwrap().push(stored);
        let mut cool_down = self.shared.cool_down.lock().unwrap();
        *cool_down = cool_down.max(limits.cool_down);
        drop(cool_down);
        self.shared.held.lock().unwrap().insert(fault.id);
        self.own.lock().unwrap().insert(fault.id);
        let (shared, own, id) = (Arc::clone(&self.shared), Arc::clone(&self.own), fault.id);
        Ok(Arming::Armed(Lease::new(move || {
            shared.held.lock().unwrap().remove(&id);
            own.lock().unwrap().remove(&id);
        })))
    }

    async fn mark(&self, fault: FaultId, mark: &Mark) -> Result<()> {
        let mut faults = self.shared.faults.lock().unwrap();
        let Some(record) = faults.iter_mut().find(|record| record.id == fault) else {
            return match self.lie {
                Lie::InventsFaults => Ok(()),
                _ => Err(Error::new(ErrorKind::NotFound, "not found")),
            };
        };
        let allowed = match self.lie {
            Lie::AllowsEveryStep => true,
            Lie::AllowsNoSecondRecovery if record.state == FaultState::Recovered => false,
            _ => mark.may_follow(record.state),
        };
        if !allowed {
            return Err(conflict());
        }
        let mut mark = mark.clone();
        match self.lie {
            Lie::ForgetsNotes => mark.note = None,
            Lie::ForgetsProgress => mark.progress.clear(),
            Lie::MovesMilestones => {
                record
                    .milestones
                    .retain(|old| mark.milestones.iter().all(|new| new.milestone != old.milestone));
            }
            _ => {}
        }
        record.apply(&mark);
        Ok(())
    }

    async fn find(&self, query: &FaultQuery) -> Result<Found> {
        let mut exact = query.clone();
        let event = match self.lie {
            Lie::MatchesLoosely => exact.event.take().map(|event| event.to_lowercase()),
            _ => None,
        };
        let before = match self.lie {
            Lie::IncludesTheEnd => exact.before.take(),
            _ => None,
        };
        let mut found = self.select(|fault| {
            exact.matches(fault)
                && event.as_ref().is_none_or(|event| fault.event.to_lowercase() == *event)
                && before.is_none_or(|before| fault.armed_at <= before)
        });
        let surplus = query.limit.map_or(0, |limit| found.len().saturating_sub(limit));
        if self.lie == Lie::KeepsTheOldest {
            found.truncate(found.len() - surplus);
            return Ok(Found::new(found));
        }
        Ok(Found::new(found.split_off(surplus)))
    }

    async fn pending(&self) -> Result<Found> {
        let mut pending = self.select(|fault| fault.state.is_pending());
        match self.lie {
            Lie::HoldsAGhost if pending.is_empty() => {
                pending.push(serde_json::from_str(GHOST).unwrap());
            }
            Lie::PendingHasAnotherSeed => pending.iter_mut().for_each(|fault| fault.seed += 1),
            Lie::FailedIsNotPending => pending.retain(|fault| fault.state != FaultState::RecoveryFailed),
            _ => {}
        }
        Ok(Found::new(pending))
    }

    async fn orphans(&self, now: jiff::Timestamp) -> Result<Found> {
        let held = match self.lie {
            Lie::EveryoneIsAnOrphan => BTreeSet::new(),
            Lie::KnowsItsOwnLeasesAlone => self.own.lock().unwrap().clone(),
            Lie::NobodyIsAnOrphan => return Ok(Found::default()),
            _ => self.shared.held.lock().unwrap().clone(),
        };
        let is_overdue =
            |fault: &FaultRecord| self.lie != Lie::BelievesLeasesForEver && fault.is_overdue(now);
        Ok(Found::new(
            self.select(|fault| fault.state.is_pending() && (!held.contains(&fault.id) || is_overdue(fault))),
        ))
    }

    async fn set_halt(&self, halt: Option<Halt>) -> Result<()> {
        *self.shared.halt.lock().unwrap() = halt;
        Ok(())
    }

    async fn halt(&self) -> Result<Option<Halt>> {
        Ok(self.shared.halt.lock().unwrap().clone())
    }

    async fn note_due(&self, note: &DueNote) -> Result<()> {
        self.apply(note);
        Ok(())
    }

    async fn dues(&self, query: &DueQuery) -> Result<FoundDues> {
        let mut found: Vec<_> = self.shared.dues.lock().unwrap().iter().map(|due| self.told(due)).collect();
        found.retain(|due| query.matches(due) || self.lie == Lie::FindsEveryDue);
        found.sort_by(DueRecord::order);
        let surplus = query.limit.map_or(0, |limit| found.len().saturating_sub(limit));
        Ok(FoundDues::new(found.split_off(surplus)))
    }

    async fn keep_schedule(&self, proposed: &KeptSchedule) -> Result<KeptSchedule> {
        let mut kept = self.shared.schedule.lock().unwrap();
        *kept = if self.lie == Lie::TakesTheLastSeed { proposed.and(&kept) } else { kept.and(proposed) };
        Ok(*kept)
    }

    async fn forget(&self, forget: &Forget) -> Result<Forgotten> {
        let told: Vec<_> = self.shared.dues.lock().unwrap().iter().map(|due| self.told(due)).collect();
        if self.lie != Lie::ForgetsWhatDuesWere {
            *self.shared.dues.lock().unwrap() = told;
        }
        let all = self.shared.faults.lock().unwrap().clone();
        let cool_down = *self.shared.cool_down.lock().unwrap();
        let is_needed = |fault: &FaultRecord| {
            let is_last =
                !all.iter().any(|other| other.group == fault.group && other.armed_at > fault.armed_at);
            let is_hot = fault.injecting_at.is_some_and(|begun| begun + cool_down > forget.now);
            fault.armed_at >= forget.before
                || (fault.state.is_pending() && self.lie != Lie::ForgetsWhatIsPending)
                || (is_last && self.lie != Lie::ForgetsTheLastOfAGroup)
                || (is_hot && self.lie != Lie::ForgetsDuringCoolDowns)
        };
        let mut faults = self.shared.faults.lock().unwrap();
        faults.retain(is_needed);
        let day = forget.before.to_zoned(jiff::tz::TimeZone::UTC).date();
        let mut dues = self.shared.dues.lock().unwrap();
        let before = dues.len();
        let carries = |due: &DueRecord, fault: &FaultRecord| {
            fault.group == due.id.group && fault.due.is_some_and(|taken| taken.day == due.id.day)
        };
        dues.retain(|due| {
            let is_old = due.id.day < day && due.changed_at < forget.before;
            !is_old || !due.is_settled() || faults.iter().any(|fault| carries(due, fault))
        });
        Ok(Forgotten::new(all.len() - faults.len(), before - dues.len(), true))
    }
}

const GHOST: &str = r#"{"id":"00000000000000ff","seed":1,"target":"memory:web/ghost","group":"memory:web",
    "event":"stop","recovery":{"kind":"ghost/1","payload":{}},"requested":{},"achieved":{},"state":"armed",
    "armed_at":"2026-03-02T09:00:00Z","deadline":"2026-03-02T09:01:00Z","recover_by":"2026-03-02T09:06:00Z",
    "injecting_at":null,"injected_at":null,"recovering_at":null,"ended_at":null,"milestones":[],"failure":null,
    "note":null}"#;
