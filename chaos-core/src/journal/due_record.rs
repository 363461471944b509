use std::cmp::Ordering;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{DueNote, DueState};
use crate::{
    fault::{FaultId, FaultRecord},
    monkey::RunId,
    schedule::DueId,
};

/// A due in the journal, and what came of it.
///
/// It is carried out if a fault that carries it out is in the journal, and its injection began. So this is true as soon
/// as that fault is recorded, whether or not the monkey lived to say so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DueRecord {
    /// Its name. In JSON, `group` and `day` are flat beside the others.
    #[serde(flatten)]
    pub id: DueId,
    /// Whether a [rehearsing](crate::monkey::MonkeyBuilder::rehearse) monkey wrote it. It then says nothing of the due
    /// of the same name that is carried out.
    #[serde(default)]
    pub rehearsed: bool,
    /// The instant that was drawn. `None` if only the fault that carries it out is known.
    pub at: Option<Timestamp>,
    /// What came of it.
    pub state: DueState,
    /// The run that took it, if one did.
    pub run: Option<RunId>,
    /// The faults that carry it out, as far as the journal still has them.
    pub faults: Vec<FaultId>,
    /// What stopped it on the way, or why it was missed; the newest [`MOST_STOPS`](DueRecord::MOST_STOPS), each once.
    pub stops: Vec<DueStop>,
    /// How many other stops there were.
    #[serde(default)]
    pub other_stops: u64,
    /// When this record changed last.
    pub changed_at: Timestamp,
}

/// What stopped a due: a guard, a doubt or a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DueStop {
    /// The reason, for a person to read.
    pub why: String,
    /// When it stopped the due for the first time.
    pub first: Timestamp,
    /// When it stopped the due for the last time.
    pub last: Timestamp,
    /// How often it stopped the due.
    pub times: u64,
}

impl DueRecord {
    /// The most stops that a record keeps.
    pub const MOST_STOPS: usize = 16;

    /// The most bytes of a reason that a record keeps.
    pub const LONGEST_WHY: usize = 400;

    /// A due that is open since `now`.
    pub fn open(id: DueId, rehearsed: bool, now: Timestamp) -> Self {
        Self {
            id,
            rehearsed,
            at: None,
            state: DueState::Open,
            run: None,
            faults: Vec::new(),
            stops: Vec::new(),
            other_stops: 0,
            changed_at: now,
        }
    }

    /// Whether it is over.
    pub fn is_settled(&self) -> bool {
        self.state != DueState::Open
    }

    /// Applies a note. What is settled stays as it is, except that a missed due may turn out to be carried out. So two
    /// monkeys that say the same are heard once.
    pub fn apply(&mut self, note: &DueNote) {
        self.at = self.at.or(note.at);
        let is_news = note.state > self.state || !(self.is_settled() || note.why.is_empty());
        if !is_news {
            return;
        }
        for why in &note.why {
            self.stop(why, note.now);
        }
        self.state = self.state.max(note.state);
        self.changed_at = self.changed_at.max(note.now);
    }

    /// Adds what the journal knows by the faults that carry this due out, whatever was noted.
    #[must_use]
    pub fn by(mut self, faults: &[FaultRecord]) -> Self {
        if self.rehearsed {
            return self;
        }
        self.faults = faults.iter().map(|fault| fault.id).collect();
        if faults.is_empty() {
            return self;
        }
        self.run = faults.iter().find_map(|fault| fault.due).map(|due| due.run).or(self.run);
        // The injection does not begin before the journal has recorded that.
        if faults.iter().any(|fault| fault.injecting_at.or(fault.injected_at).is_some()) {
            self.state = DueState::CarriedOut;
        } else if !faults.iter().any(|fault| fault.state.is_pending()) {
            for fault in faults {
                let why = not_injected(fault);
                if !self.stops.iter().any(|stop| stop.why == why) {
                    self.stop(&why, fault.ended_at.unwrap_or(fault.armed_at));
                }
            }
            self.state = self.state.max(DueState::Missed);
        }
        let newest =
            faults.iter().map(|fault| fault.injecting_at.or(fault.ended_at).unwrap_or(fault.armed_at));
        self.changed_at = newest.max().map_or(self.changed_at, |newest| newest.max(self.changed_at));
        self
    }

    /// The order in which dues are told: by day, then by group.
    pub fn order(&self, other: &Self) -> Ordering {
        let key = |record: &Self| (record.id.day, record.rehearsed);
        key(self).cmp(&key(other)).then_with(|| self.id.group.cmp(&other.id.group))
    }

    fn stop(&mut self, why: &str, at: Timestamp) {
        let why = shortened(why);
        if let Some(position) = self.stops.iter().position(|stop| stop.why == why) {
            // The latest one comes last.
            let mut stop = self.stops.remove(position);
            stop.last = stop.last.max(at);
            stop.times = stop.times.saturating_add(1);
            self.stops.push(stop);
            return;
        }
        if self.stops.len() >= Self::MOST_STOPS {
            let left_out = self.stops.remove(0);
            self.other_stops = self.other_stops.saturating_add(left_out.times);
        }
        self.stops.push(DueStop { why, first: at, last: at, times: 1 });
    }
}

fn not_injected(fault: &FaultRecord) -> String {
    let why = match (&fault.failure, fault.cut_short) {
        (Some(failure), _) => failure.message.clone(),
        (None, Some(cut_short)) => cut_short.to_string(),
        (None, None) => "the process that held it ended before".to_owned(),
    };
    shortened(&format!("fault {} was armed, but not injected: {why}", fault.id))
}

fn shortened(why: &str) -> String {
    if why.len() <= DueRecord::LONGEST_WHY {
        return why.to_owned();
    }
    let end = (0..=DueRecord::LONGEST_WHY - 3).rev().find(|end| why.is_char_boundary(*end)).unwrap_or(0);
    format!("{}...", &why[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fault::Mark, testing::sample};

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_772_442_000 + 60 * minute).unwrap()
    }

    fn id() -> DueId {
        DueId::new("memory:web".parse().unwrap(), jiff::civil::date(2026, 3, 2))
    }

    fn armed() -> FaultRecord {
        let fault = sample::fault();
        let (recovery, requested) = (fault.recovery.clone(), fault.requested.clone());
        FaultRecord::armed(fault.id, 1, fault.target, fault.event, recovery, requested, at(0), at(1))
    }

    #[test]
    fn a_retry_each_five_minutes_over_a_day_is_one_line() {
        let mut record = DueRecord::open(id(), false, at(0));
        for round in 0..288 {
            record.apply(&DueNote::open(id(), at(5 * round)).because(["everything is halted: smoke"]));
        }
        assert_eq!(record.stops.len(), 1);
        let stop = &record.stops[0];
        assert_eq!((stop.first, stop.last, stop.times), (at(0), at(5 * 287), 288));
    }

    #[test]
    fn reasons_are_bounded_in_number_and_length_and_the_newest_stay() {
        let mut record = DueRecord::open(id(), false, at(0));
        for round in 0..100_i64 {
            let long = format!("{round} {}", "\u{1F412}".repeat(1000));
            record.apply(&DueNote::open(id(), at(round)).because([long]));
        }
        assert_eq!((record.stops.len(), record.other_stops), (DueRecord::MOST_STOPS, 84));
        assert!(record.stops.iter().all(|stop| stop.why.len() <= DueRecord::LONGEST_WHY));
        assert!(record.stops[15].why.starts_with("99 ") && record.stops[15].why.ends_with("..."));
    }

    #[test]
    fn what_is_missed_is_said_once_and_may_turn_out_to_be_carried_out() {
        let mut record = DueRecord::open(id(), false, at(0));
        record.apply(&DueNote::missed(id(), at(1)).because(["no monkey was running"]));
        let once = record.clone();
        record.apply(&DueNote::missed(id(), at(2)).because(["something else"]));
        record.apply(&DueNote::open(id(), at(3)).because(["tried"]));
        assert_eq!(record, once);
        let mut fault = armed();
        fault.apply(&Mark::new(crate::fault::FaultState::Injecting, at(4)));
        let carried_out = record.by(&[fault.clone()]);
        assert_eq!((carried_out.state, &carried_out.faults[..]), (DueState::CarriedOut, &[fault.id][..]));
    }

    #[test]
    fn a_fault_that_was_armed_and_never_injected_carries_nothing_out() {
        use crate::fault::FaultState::{Recovered, Recovering};
        let record = DueRecord::open(id(), false, at(0));
        let mut fault = armed();
        assert_eq!(record.clone().by(std::slice::from_ref(&fault)).state, DueState::Open);
        fault.apply(&Mark::new(Recovering, at(1)));
        assert_eq!(record.clone().by(std::slice::from_ref(&fault)).state, DueState::Open);
        fault.apply(&Mark::new(Recovered, at(2)));
        let missed = record.by(std::slice::from_ref(&fault));
        assert_eq!(missed.state, DueState::Missed);
        assert!(missed.stops[0].why.contains("was armed, but not injected: "), "{missed:?}");
        // Persisted and read again, it is said once.
        assert_eq!(missed.clone().by(&[fault]), missed);
    }
}
