//! What the journal is told of dues: what stops each, and what came of it.

use std::{collections::BTreeSet, sync::Arc};

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

use super::{core::Core, diagnose::list, terms::Terms};
use crate::{
    chance::within_json,
    error::{Error, Result},
    fault::FaultRecord,
    group::GroupId,
    journal::{DueNote, DueQuery, DueState, FaultQuery, Forget, KeptSchedule, forget_all},
    observer::Activity,
    schedule::{Due, DueId, Schedule},
};

/// The most days without a monkey whose dues are drawn again, so that each gets its record.
const LOOK_BACK: i64 = 31;

const NOT_TRIED: &str = "it was not tried before its day ended";
const NO_MONKEY: &str =
    "no monkey has tried it: none was running, or the group or its rules were others then";

/// The dues of a monkey's life, as its journal knows them.
#[derive(Debug)]
pub(super) struct Dues {
    core: Arc<Core>,
    schedule: Schedule,
    /// The dues that the journal knows to be open.
    noted: BTreeSet<DueId>,
    /// The day before which every due has its record.
    settled_before: Option<Date>,
}

/// The seed of the schedule: the given one, or the one that the journal keeps. Returns only with one.
pub(super) async fn seed_of_schedule(core: &Core) -> u64 {
    loop {
        match seed(core).await {
            Ok(seed) => {
                core.tell(Activity::ScheduleBegan { seed });
                return seed;
            }
            Err(error) => tell(core, &error),
        }
        core.parts.clock.sleep(core.parts.due_retry).await;
    }
}

async fn seed(core: &Core) -> Result<u64> {
    if let Some(seed) = core.parts.seed {
        return Ok(seed);
    }
    let journal = core.journal()?;
    // The first one to say a number wins, and each gets the same answer.
    let proposed = match journal.keep_schedule(&KeptSchedule::default()).await?.seed {
        Some(kept) => return Ok(kept),
        None => within_json(core.parts.entropy.draw()?),
    };
    let kept = journal.keep_schedule(&KeptSchedule::default().seed(proposed)).await?;
    Ok(kept.seed.unwrap_or(proposed))
}

/// Forgets what is over and old enough, once a day. Never returns.
pub(super) async fn forget_what_is_over(core: &Core) {
    let (Some(keep), Ok(safeguard)) = (core.parts.keep, core.safeguard()) else {
        return std::future::pending().await;
    };
    loop {
        let now = core.parts.clock.now();
        let before = now.checked_sub(keep).unwrap_or(Timestamp::MIN);
        if let Err(error) = forget_all(safeguard.journal.as_ref(), &Forget::before(before, now)).await {
            tell(core, &error);
        }
        core.parts.clock.sleep(std::time::Duration::from_secs(24 * 3600)).await;
    }
}

fn tell(core: &Core, error: &Error) {
    core.tell(Activity::RunFailed { run: None, failure: error.into() });
}

impl Dues {
    pub(super) fn new(core: &Arc<Core>, schedule: &Schedule) -> Self {
        Self {
            core: Arc::clone(core),
            schedule: schedule.clone(),
            noted: BTreeSet::new(),
            settled_before: None,
        }
    }

    /// The journal knows of these dues before anything is done about them.
    pub(super) async fn open(&mut self, dues: &[(Due, Option<Timestamp>)]) {
        for (due, _) in dues {
            if self.noted.contains(&due.id) {
                continue;
            }
            let note = DueNote::open(due.id.clone(), self.core.parts.clock.now()).drawn(due.at);
            if self.note(note).await {
                self.noted.insert(due.id.clone());
            }
        }
    }

    /// Settles the dues of the days that are over, once for each day. Those of groups that `are_tried` are left to the
    /// next time. Returns whether all of them are settled.
    pub(super) async fn settle(&mut self, seed: u64, are_tried: &BTreeSet<GroupId>) -> bool {
        let today = self.schedule.date(self.core.parts.clock.now());
        if self.settled_before == Some(today) {
            return true;
        }
        self.noted.retain(|id| id.day >= today);
        match self.settle_before(today, seed, are_tried).await {
            Ok(true) => {
                self.settled_before = Some(today);
                true
            }
            Ok(false) => false,
            Err(error) => {
                tell(&self.core, &error);
                false
            }
        }
    }

    async fn settle_before(&self, today: Date, seed: u64, are_tried: &BTreeSet<GroupId>) -> Result<bool> {
        let (core, journal) = (&self.core, self.core.journal()?);
        let rehearses = core.rehearses();
        let began = core.parts.clock.now();
        let open = DueQuery::all().before(today).state(DueState::Open).rehearsed(rehearses);
        let mut are_all_settled = true;
        for due in journal.dues(&open).await?.dues {
            if are_tried.contains(&due.id.group) {
                are_all_settled = false;
            } else if due.faults.is_empty() {
                // One with a fault is settled by it.
                let why = if due.stops.is_empty() { vec![NOT_TRIED] } else { Vec::new() };
                self.miss(due.id, None, why).await?;
            }
        }
        if rehearses {
            return Ok(are_all_settled);
        }
        let kept = journal.keep_schedule(&KeptSchedule::default()).await?;
        if let Some(looked_at) = kept.looked_at {
            let first = self.schedule.date(looked_at).max(today.saturating_sub(LOOK_BACK.days()));
            self.look_back(first, today, seed).await?;
        }
        if are_all_settled {
            journal.keep_schedule(&KeptSchedule::default().looked_at(began)).await?;
        }
        Ok(are_all_settled)
    }

    /// Draws the dues from `first` on again. No monkey has noted those without a record.
    async fn look_back(&self, first: Date, today: Date, seed: u64) -> Result<()> {
        let (core, journal) = (&self.core, self.core.journal()?);
        let past: Vec<Date> = first.series(1.day()).take_while(|day| *day < today).collect();
        if !past.iter().any(|day| core.terms.has_open_day(*day)) {
            return Ok(());
        }
        let known = journal.dues(&DueQuery::all().since(first).before(today).rehearsed(false)).await?;
        let known: BTreeSet<DueId> = known.dues.into_iter().map(|due| due.id).collect();
        for provider in &core.parts.providers {
            for group in list(core, provider).await? {
                let terms = core.terms.for_group(&group);
                let may_be = |day: &&Date| terms.due(seed, &group.id, **day, None).is_some();
                let drawn: Vec<Date> = past.iter().filter(may_be).copied().collect();
                if drawn.is_empty() {
                    continue;
                }
                let faults = self.faults_since(first, &group.id).await?;
                for day in drawn {
                    let missed = self.drawn_then(terms, seed, &group.id, day, &faults);
                    if let Some(due) = missed.filter(|due| !known.contains(&due.id)) {
                        self.miss(due.id, Some(due.at), vec![NO_MONKEY]).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The faults of a group from a day on, and the last one before.
    async fn faults_since(&self, first: Date, group: &GroupId) -> Result<Vec<FaultRecord>> {
        let journal = self.core.journal()?;
        // In any zone.
        let since = first.saturating_sub(2.days()).to_zoned(TimeZone::UTC);
        let since = since.map_or(Timestamp::MIN, |since| since.timestamp());
        let of_group = FaultQuery::all().group(group.clone());
        let mut faults = journal.find(&of_group.clone().before(since).limit(1)).await?.faults;
        faults.extend(journal.find(&of_group.since(since)).await?.faults);
        Ok(faults)
    }

    /// The due of a day that is over, by the faults before it.
    fn drawn_then(
        &self,
        terms: &Terms,
        seed: u64,
        group: &GroupId,
        day: Date,
        faults: &[FaultRecord],
    ) -> Option<Due> {
        let armed = faults.iter().map(|fault| fault.armed_at);
        let before = armed.clone().filter(|at| self.schedule.date(*at) < day).max();
        let due = terms.due(seed, group, day, before)?;
        // It was no longer due if the group was hit before that on the same day.
        let is_hit = armed.into_iter().any(|at| self.schedule.date(at) == day && at < due.at);
        (!is_hit).then_some(due)
    }

    async fn miss(&self, due: DueId, at: Option<Timestamp>, why: Vec<&'static str>) -> Result<()> {
        let journal = self.core.journal()?;
        let mut note = DueNote::missed(due.clone(), self.core.parts.clock.now()).because(why);
        note.at = at;
        note.rehearsed = self.core.rehearses();
        journal.note_due(&note).await?;
        if !note.rehearsed {
            let day = DueQuery::all().group(due.group.clone()).since(due.day).rehearsed(false);
            let told = journal.dues(&day.state(DueState::Missed)).await?.dues;
            // Another monkey may have carried it out in the last moment.
            if let Some(record) = told.into_iter().find(|record| record.id == due) {
                let why = record.stops.into_iter().map(|stop| stop.why).collect();
                self.core.tell(Activity::DueMissed { due, why });
            }
        }
        Ok(())
    }

    async fn note(&self, note: DueNote) -> bool {
        note_due(&self.core, note).await
    }
}

/// Whether the journal has taken the note. If it has not, that is told; the due stays what it is.
pub(super) async fn note_due(core: &Core, note: DueNote) -> bool {
    let note = DueNote { rehearsed: core.rehearses(), ..note };
    let noted = match core.journal() {
        Ok(journal) => journal.note_due(&note).await,
        Err(error) => Err(error),
    };
    noted.inspect_err(|error| tell(core, error)).is_ok()
}

/// When a rehearsing monkey would have hit the group the last time: for it, that is as good as a fault.
pub(super) async fn last_rehearsed(core: &Core, group: &GroupId) -> Result<Option<Timestamp>> {
    if !core.rehearses() {
        return Ok(None);
    }
    let query = DueQuery::all().group(group.clone()).rehearsed(true).state(DueState::WouldHaveBeen).limit(1);
    Ok(core.journal()?.dues(&query).await?.dues.pop().map(|due| due.changed_at))
}
