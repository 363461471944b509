use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use chaos_core::{FaultId, Observer, fault::Fault, observer::Activity};
use jiff::Timestamp;
use metrics::{counter, histogram};

use super::names::{
    FAULTS, FAULTS_ARMED, INJECTIONS_FAILED, JOURNAL_FAILURES, RECOVER_SECONDS, RECOVERY_RETRIES,
    REVERT_SECONDS, RUNS, RUNS_FAILED, VIOLATIONS, count_due, count_skips, describe,
};

/// The most recoveries that are timed at once. Of more, the oldest faults have no `chaos_revert_seconds`.
const MOST_RECOVERIES: usize = 10_000;

/// Counts what happens, for the recorder of the facade `metrics`. The [module](super) has the names.
#[derive(Debug)]
pub struct MetricsObserver {
    /// When the recovery of each fault began.
    recovering: Mutex<BTreeMap<FaultId, Timestamp>>,
}

impl Default for MetricsObserver {
    fn default() -> Self {
        Self::new()
    }
}

impl MetricsObserver {
    /// Describes every metric to the recorder, which must be installed before.
    pub fn new() -> Self {
        describe();
        Self { recovering: Mutex::default() }
    }

    fn began(&self, fault: FaultId, at: Timestamp) {
        let mut recovering = self.recovering.lock().unwrap_or_else(PoisonError::into_inner);
        recovering.entry(fault).or_insert(at);
        if recovering.len() > MOST_RECOVERIES
            && let Some(oldest) = recovering.iter().min_by_key(|(_, at)| **at).map(|(fault, _)| *fault)
        {
            recovering.remove(&oldest);
        }
    }

    fn ended(&self, fault: FaultId) -> Option<Timestamp> {
        self.recovering.lock().unwrap_or_else(PoisonError::into_inner).remove(&fault)
    }

    fn recovered(&self, at: Timestamp, fault: &Fault, time_to_recover: Option<Duration>, is_gone: bool) {
        let began = self.ended(fault.id);
        over(fault, if is_gone { "gone" } else { "recovered" });
        if let Some(time) = time_to_recover {
            time_of(RECOVER_SECONDS, fault, time);
        }
        // A clock that was set back tells nothing.
        if let Some(time) = began.and_then(|began| Duration::try_from(at.duration_since(began)).ok()) {
            time_of(REVERT_SECONDS, fault, time);
        }
    }
}

impl Observer for MetricsObserver {
    fn observe(&self, at: Timestamp, activity: &Activity) {
        match activity {
            Activity::RunEnded { outcome, .. } => {
                counter!(RUNS, "outcome" => outcome.to_string()).increment(1);
            }
            Activity::RunFailed { .. } => counter!(RUNS_FAILED).increment(1),
            Activity::Planned { left_alone, .. } => {
                // Nothing keeps these from being hit another time.
                let skips = left_alone.iter().filter(|(reason, _)| *reason != "not-drawn");
                skips.for_each(|(reason, number)| count_skips(reason.clone(), *number));
            }
            Activity::Skipped { reason, .. } => count_skips(reason.kind(), 1),
            Activity::DueCarriedOut { .. } => count_due("carried-out"),
            Activity::DueRehearsed { .. } => count_due("would-have-been"),
            Activity::DueMissed { .. } => count_due("missed"),
            Activity::Armed { fault, .. } => count(FAULTS_ARMED, fault),
            Activity::InjectionFailed { fault, .. } => count(INJECTIONS_FAILED, fault),
            Activity::Recovering { fault, .. } => self.began(fault.id, at),
            Activity::RecoveryRetried { fault, .. } => count(RECOVERY_RETRIES, fault),
            Activity::Recovered { fault, time_to_recover, gone, .. } => {
                self.recovered(at, fault, *time_to_recover, gone.is_some());
            }
            Activity::RecoveryFailed { fault, .. } => {
                self.ended(fault.id);
                over(fault, "recovery-failed");
            }
            Activity::JournalFailed { .. } => counter!(JOURNAL_FAILURES).increment(1),
            Activity::SteadyStateViolated { phase, .. } => {
                counter!(VIOLATIONS, "phase" => phase.to_string()).increment(1);
            }
            _ => {}
        }
    }
}

fn count(name: &'static str, fault: &Fault) {
    let (event, group) = labels(fault);
    counter!(name, "event" => event, "group" => group).increment(1);
}

fn over(fault: &Fault, outcome: &'static str) {
    let (event, group) = labels(fault);
    counter!(FAULTS, "event" => event, "group" => group, "outcome" => outcome).increment(1);
}

fn time_of(name: &'static str, fault: &Fault, time: Duration) {
    let (event, group) = labels(fault);
    histogram!(name, "event" => event, "group" => group).record(time);
}

fn labels(fault: &Fault) -> (String, String) {
    (fault.event.clone(), fault.target.group().as_str().to_owned())
}
