use std::fmt;

use chaos_core::{
    RunReport,
    fault::{CutShort, FaultRecord, FaultState},
    journal::Found,
    steady_state::SteadyStateVerdict,
};

use super::{
    Dry, HypothesisLook, Interrupt,
    injecting::Injected,
    progress::{Progress, Undone},
    state::State,
};
use crate::experiment::ActivityKind;

/// How an experiment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExperimentVerdict {
    /// The hypothesis held as far as it was looked at, and everything is undone.
    Completed,
    /// It was a dry run.
    DryRun,
    /// The system was not steady before the method, or that could not be told. Nothing was injected.
    Skipped,
    /// A rollback failed, whatever else happened.
    NotRecovered,
    /// An action failed or exited other than with 0, or the method was cut short by a signal, a halt or its deadline.
    /// Everything is undone.
    Failed,
    /// The system was not steady while the method was carried out, or after it. Everything is undone.
    Deviated,
    /// Nobody could tell whether the hypothesis held. Everything is undone.
    Inconclusive,
}

impl ExperimentVerdict {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::DryRun => "dry-run",
            Self::Skipped => "skipped",
            Self::NotRecovered => "not-recovered",
            Self::Failed => "failed",
            Self::Deviated => "deviated",
            Self::Inconclusive => "inconclusive",
        }
    }
}

impl fmt::Display for ExperimentVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The verdict, and each reason for it as a sentence.
pub(crate) fn conclude(
    state: &State,
    run: Option<&RunReport>,
    replayed: &Found,
) -> (ExperimentVerdict, Vec<String>) {
    let progress = state.progress();
    let events = state.events_over();
    let undone = not_recovered(&progress, run, &events, replayed);
    if !undone.is_empty() {
        return (ExperimentVerdict::NotRecovered, undone);
    }
    let skipped = skipped(&progress, run);
    if !skipped.is_empty() {
        return (ExperimentVerdict::Skipped, skipped);
    }
    let failed = failed(state, &progress, run);
    if !failed.is_empty() {
        return (ExperimentVerdict::Failed, failed);
    }
    let deviated = deviated(state, &progress, run);
    if !deviated.is_empty() {
        return (ExperimentVerdict::Deviated, deviated);
    }
    let unknown = unknown(state, &progress, run);
    if !unknown.is_empty() {
        return (ExperimentVerdict::Inconclusive, unknown);
    }
    let left_out = match state.options.dry {
        Some(Dry::Probes) => Some("a dry run: probes were left out, actions were carried out"),
        Some(Dry::Actions) => Some("a dry run: actions were left out"),
        Some(Dry::Activities) => Some("a dry run: probes and actions were left out"),
        Some(Dry::Pause) | None => None,
    };
    match left_out {
        Some(why) => (ExperimentVerdict::DryRun, vec![why.to_owned()]),
        None => (ExperimentVerdict::Completed, Vec::new()),
    }
}

fn not_recovered(
    progress: &Progress,
    run: Option<&RunReport>,
    events: &[Injected],
    replayed: &Found,
) -> Vec<String> {
    let mut left: Vec<String> = events.iter().flat_map(|event| left_of(&event.report)).collect();
    let earlier = replayed.faults.iter().filter(|fault| fault.state != FaultState::Recovered);
    left.extend(earlier.map(|fault| {
        format!("an earlier fault is not undone, so the experiment did not begin: {}", not_undone(fault))
    }));
    match &progress.undone {
        Undone::Failed(reasons) => {
            left.extend(reasons.iter().map(|reason| format!("a rollback failed: {reason}")));
        }
        Undone::Left(why) => left.push(format!("the rollbacks were left out: {why}")),
        _ => left.extend(run.into_iter().flat_map(left_of)),
    }
    left
}

/// What a run has left behind, or cannot rule out to have.
fn left_of(run: &RunReport) -> Vec<String> {
    let faults = run.faults.iter().chain(&run.replayed);
    let left = faults.filter(|fault| fault.state != FaultState::Recovered).map(not_undone);
    let unreadable = run
        .unreadable
        .iter()
        .map(|entry| format!("the journal's entry {} cannot be read, and may be a fault", entry.entry));
    left.chain(unreadable).collect()
}

fn not_undone(fault: &FaultRecord) -> String {
    let why = fault.failure.as_ref().map_or("it was not seen to be undone", |failure| &failure.message);
    format!("fault {} on {}: {why}", fault.id, fault.target)
}

fn skipped(progress: &Progress, run: Option<&RunReport>) -> Vec<String> {
    let before = progress.before.as_ref();
    let not_steady = before.and_then(|look| look.why());
    match (not_steady, run) {
        (Some(why), _) if before.is_some_and(HypothesisLook::is_doubt) => {
            vec![format!("nobody could tell whether the hypothesis holds before the method: {why}")]
        }
        (Some(why), _) => vec![format!("the hypothesis did not hold before the method: {why}")],
        (None, Some(run)) if run.faults.is_empty() => run.why_nothing(),
        (None, None) if progress.interrupt == Some(Interrupt::Control) => {
            progress.interrupted_by().into_iter().collect()
        }
        (None, None) if progress.interrupt.is_some() => vec!["a signal came before the method".to_owned()],
        _ => Vec::new(),
    }
}

fn failed(state: &State, progress: &Progress, run: Option<&RunReport>) -> Vec<String> {
    let mut reasons = Vec::new();
    let steps = state.experiment.method.iter().zip(&progress.method);
    for (_, ran) in steps.filter(|(step, _)| step.kind == ActivityKind::Action) {
        match (&ran.exception, ran.bad_status()) {
            (Some(exception), _) => reasons.push(format!("the action {:?} failed: {exception}", ran.name)),
            (None, Some(status)) => {
                reasons.push(format!("the action {:?} ended with status {status}", ran.name))
            }
            (None, None) => {}
        }
    }
    if let Some(why) = progress.interrupted_by() {
        reasons.push(why);
    } else {
        let faults = run.into_iter().flat_map(|run| &run.faults);
        reasons.extend(faults.filter_map(|fault| why_cut(fault, progress)));
    }
    reasons
}

/// Why the method was cut short by something other than a signal.
fn why_cut(fault: &FaultRecord, progress: &Progress) -> Option<String> {
    let failure = fault.failure.as_ref()?;
    if fault.recovering_at.is_none_or(|at| at < fault.deadline) {
        return Some(format!("the method was cut short: {}", failure.message));
    }
    let under_way = progress.method.iter().find(|run| run.status.is_none());
    let step = under_way.map(|run| format!(" while the step {:?} was carried out", run.name));
    Some(format!("the deadline of the method passed{}", step.unwrap_or_default()))
}

fn deviated(state: &State, progress: &Progress, run: Option<&RunReport>) -> Vec<String> {
    let during = progress.during.iter().find(|look| !look.is_met() && !look.is_doubt());
    let during = during.and_then(|look| look.why()).map(|why| format!("not steady during the method: {why}"));
    let after = progress.after.as_ref().filter(|look| !look.is_met() && !look.is_doubt());
    let after = after.and_then(|look| look.why()).map(|why| format!("not steady after the method: {why}"));
    let steps = state.experiment.method.iter().zip(&progress.method);
    let in_method = steps.filter_map(|(_, ran)| {
        let why = ran.not_met.as_ref()?;
        Some(format!("the probe {:?} in the method: {why}", ran.name))
    });
    let mut reasons: Vec<String> = during.into_iter().chain(after).chain(in_method).collect();
    if let Some(steady) = run.and_then(|run| run.steady_state.as_ref())
        && steady.verdict == SteadyStateVerdict::Deviated
    {
        let is_condition = |reason: &&String| reason.contains("stop condition") || reasons.is_empty();
        let more: Vec<String> = steady.reasons.iter().filter(is_condition).cloned().collect();
        reasons.extend(more);
    }
    reasons
}

fn unknown(state: &State, progress: &Progress, run: Option<&RunReport>) -> Vec<String> {
    let mut reasons = Vec::new();
    let doubts = progress.during.iter().chain(&progress.after).filter(|look| look.is_doubt());
    if let Some(why) = doubts.filter_map(|look| look.why()).next() {
        reasons.push(format!("a probe of the hypothesis could not look: {why}"));
    }
    let steps = state.experiment.method.iter().zip(&progress.method);
    for (_, ran) in steps.filter(|(step, _)| step.kind == ActivityKind::Probe) {
        if let Some(exception) = &ran.exception {
            reasons.push(format!("the probe {:?} in the method could not look: {exception}", ran.name));
        }
    }
    if let Some(steady) = run.and_then(|run| run.steady_state.as_ref())
        && let Some(doubt) = steady.probes.iter().find_map(|probe| probe.first_doubt.as_ref())
        && reasons.is_empty()
    {
        reasons.push(format!("nobody could look during the method: {}", doubt.failure.message));
    }
    if let Some(steady) = run.and_then(|run| run.steady_state.as_ref())
        && steady.verdict == SteadyStateVerdict::Inconclusive
        && reasons.is_empty()
    {
        reasons.extend(steady.reasons.iter().cloned());
    }
    let events = state.events_over();
    let faults = events.iter().flat_map(|event| event.report.faults.iter().map(|fault| (event.lasts, fault)));
    for (lasts, fault) in faults {
        let why = fault.no_effect.as_ref().map(|why| format!("had no effect: {why}"));
        let is_its_end = |why: &CutShort| lasts && *why == CutShort::Cancelled;
        let early = fault.cut_short.filter(|why| !is_its_end(why));
        let early = || early.map(|why| format!("ended early: {why}"));
        if let Some(why) = why.or_else(early) {
            reasons.push(format!("{} on {} {why}", fault.event, fault.target));
        }
    }
    if state.hypothesis_strategy().is_during()
        && !state.options.compatible
        && progress.during.is_empty()
        && progress.is_method_over
        && !state.experiment.method.is_empty()
    {
        reasons.push("the hypothesis was not looked at during the method".to_owned());
    }
    reasons
}
