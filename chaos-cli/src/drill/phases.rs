use std::{
    collections::BTreeMap,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chaos_core::{
    FaultId, Observer,
    fault::{CutShort, Fault, Milestone},
    observer::Activity,
};
use jiff::Timestamp;

use super::{
    live::{Live, Phase},
    steadiness::Steadiness,
    summary::humanly,
};
use crate::program::clock_time;

/// Shows what happens to each fault, phase by phase.
#[derive(Debug)]
pub(super) struct Phases {
    live: Live,
    hold: Duration,
    /// The faults in progress.
    faults: Mutex<BTreeMap<FaultId, Shown>>,
}

/// The shown state of a fault.
#[derive(Debug, Default)]
struct Shown {
    injecting_at: Option<Timestamp>,
    phase: Option<Phase>,
    /// Whether a refusal of its recovery was already shown: once is enough.
    was_refused: bool,
}

impl Phases {
    /// `hold`: how long the event is held.
    pub(super) fn new(live: Live, hold: Duration) -> Self {
        Self { live, hold, faults: Mutex::default() }
    }

    /// Shows a line about the steady state, above the line of a phase in progress.
    fn show(&self, Steadiness { name, text, is_steady }: Steadiness, phase: Option<&Phase>) {
        match (phase, is_steady) {
            (Some(phase), true) => phase.preceded_by(name, text),
            (Some(phase), false) => phase.preceded_by_failure(name, text),
            (None, true) => self.live.done(name, text),
            (None, false) => self.live.failed(name, text),
        }
    }

    fn faults(&self) -> MutexGuard<'_, BTreeMap<FaultId, Shown>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Phases {
    fn observe(&self, at: Timestamp, activity: &Activity) {
        let live = &self.live;
        let mut faults = self.faults();
        match activity {
            Activity::Planned { targets, chosen, .. } => {
                live.done("plan", format!("{chosen} of {targets} targets chosen"));
            }
            Activity::Skipped { target, reason, .. } => {
                live.failed("skip", format!("{} is left alone: {reason}", target.name()));
            }
            Activity::Armed { fault, .. } => {
                let phase = Some(live.begin("inject", what(fault)));
                faults.insert(fault.id, Shown { phase, ..Shown::default() });
            }
            Activity::Injecting { fault, .. } => faults.entry(fault.id).or_default().injecting_at = Some(at),
            Activity::Injected { fault, .. } => {
                let shown = faults.entry(fault.id).or_default();
                shown.end_phase(|phase| phase.done(what(fault)));
                if !self.hold.is_zero() {
                    let text = format!("{} for {}", fault.target.name(), humanly(self.hold));
                    shown.phase = Some(live.begin("hold", text));
                }
            }
            Activity::InjectionFailed { fault, failure, .. } => {
                let shown = faults.entry(fault.id).or_default();
                shown.end_phase(|phase| phase.failed(format!("{} failed: {failure}", what(fault))));
            }
            Activity::HoldEnded { fault, cut_short, .. } => {
                let shown = faults.entry(fault.id).or_default();
                let held = humanly(shown.since_injecting(at));
                let text = match cut_short {
                    None => format!("{} for {held}", fault.target.name()),
                    Some(CutShort::Halted) => format!("ended after {held}: everything is halted"),
                    Some(CutShort::InjectionFailed) => "ended: the injection failed".to_owned(),
                    Some(CutShort::EndedEarly) => format!("ended before its time; noticed after {held}"),
                    Some(why @ (CutShort::NotSteady | CutShort::InDoubt)) => {
                        format!("cut short after {held}: {why}")
                    }
                    Some(_) => format!("cut short after {held}"),
                };
                shown.end_phase(|phase| phase.done(text));
            }
            Activity::Recovering { fault, .. } => {
                let shown = faults.entry(fault.id).or_default();
                let text = format!("waiting for {}", fault.target.name());
                shown.phase.get_or_insert_with(|| live.begin("recover", text));
            }
            Activity::Reached { fault, milestone, .. } => {
                let shown = faults.entry(fault.id).or_default();
                let (name, time) = (fault.target.name(), humanly(shown.since_injecting(at)));
                match (milestone, &shown.phase) {
                    (Milestone::DetectedUnhealthy, Some(phase)) => {
                        phase.preceded_by("detect", format!("{name} was seen to be down after {time}"));
                    }
                    (Milestone::Healthy, Some(phase)) => {
                        phase.tell(format!("{name} is healthy after {time}; checking that it stays healthy"));
                    }
                    (Milestone::Replaced, Some(phase)) => {
                        phase.tell(format!("{name} runs again after {time}, not healthy yet"));
                    }
                    _ => {}
                }
            }
            Activity::RecoveryRetried { fault, attempt, failure, wait, until, .. } => {
                let shown = faults.entry(fault.id).or_default();
                if failure.kind.is_refusal() && !mem::replace(&mut shown.was_refused, true) {
                    let (name, until) = (fault.target.name(), clock_time(*until));
                    let text = format!("{name} refused so far: {failure}; retrying until {until}");
                    match &shown.phase {
                        Some(phase) => phase.preceded_by_failure("recover", text),
                        None => live.failed("recover", text),
                    }
                }
                if let Some(phase) = &shown.phase {
                    phase
                        .tell(format!("attempt {attempt} failed: {failure}; the next in {}", humanly(*wait)));
                }
            }
            Activity::Recovered { fault, gone: Some(why), .. } => {
                let text = format!("{} is gone, and not back: {why}", fault.target.name());
                faults.remove(&fault.id).unwrap_or_default().end_phase(|phase| phase.failed(text));
            }
            Activity::Recovered { fault, time_to_recover, .. } => {
                let after = time_to_recover.map(|time| format!(" after {}", humanly(time)));
                let text = format!("{} is back{}", fault.target.name(), after.unwrap_or_default());
                faults.remove(&fault.id).unwrap_or_default().end_phase(|phase| phase.done(text));
            }
            Activity::RecoveryFailed { fault, failure, by_hand, .. } => {
                faults.remove(&fault.id).unwrap_or_default().end_phase(|_| {});
                live.failed("recover", format!("{} IS NOT BACK: {failure}", fault.target));
                if let Some(by_hand) = by_hand {
                    live.by_hand(by_hand);
                }
            }
            Activity::JournalFailed { failure, .. } => live.failed("journal", failure.to_string()),
            _ => {
                if let Some(line) = Steadiness::of(activity) {
                    let phase = faults.values().find_map(|shown| shown.phase.as_ref());
                    self.show(line, phase);
                }
            }
        }
    }
}

impl Shown {
    fn since_injecting(&self, at: Timestamp) -> Duration {
        self.injecting_at
            .and_then(|injecting_at| Duration::try_from(at.duration_since(injecting_at)).ok())
            .unwrap_or_default()
    }

    fn end_phase(&mut self, end: impl FnOnce(Phase)) {
        if let Some(phase) = self.phase.take() {
            end(phase);
        }
    }
}

/// The event and its target.
fn what(fault: &Fault) -> String {
    format!("{} into {}", fault.event, fault.target.name())
}
