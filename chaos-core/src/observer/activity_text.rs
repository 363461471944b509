//! The line of an [`Activity`] in a log.

use std::fmt;

use super::Activity;
use crate::{fault::Fault, text::escaped};

impl fmt::Display for Activity {
    /// One line for a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RunBegan { seed, leashed: false, .. } => write!(f, "run began (seed {seed})"),
            Self::RunBegan { seed, leashed: true, .. } => write!(f, "dry run began (seed {seed})"),
            Self::Planned { groups, targets, chosen, .. } => {
                write!(f, "planned: {chosen} of {targets} targets in {groups} groups chosen")
            }
            Self::Skipped { target, reason, .. } => write!(f, "{target} skipped: {reason}"),
            Self::Rehearsed { target, event, .. } => {
                let (event, target) = (escaped(event), escaped(target.as_str()));
                write!(f, "rehearsed: {event} would have been injected into {target}")
            }
            Self::Armed { fault, .. } => {
                let Fault { id, target, event, deadline, .. } = fault.as_ref();
                write!(f, "fault {id} armed: {event} on {target} until {deadline}")
            }
            Self::TakenOver { fault, armed_at, .. } => {
                let Fault { id, target, event, .. } = fault.as_ref();
                write!(f, "fault {id} of an earlier run taken over: {event} on {target}, armed at {armed_at}")
            }
            Self::Injecting { fault } => write!(f, "fault {} is being injected", fault.id),
            Self::Injected { fault, .. } => write!(f, "fault {} injected", fault.id),
            Self::InjectionFailed { fault, failure } => {
                write!(f, "fault {}: the injection failed: {failure}", fault.id)
            }
            Self::HoldEnded { fault, cut_short: None } => write!(f, "fault {}: the hold is over", fault.id),
            Self::HoldEnded { fault, cut_short: Some(why) } => {
                write!(f, "fault {}: the hold was cut short: {why}", fault.id)
            }
            Self::Reached { fault, milestone } => write!(f, "fault {}: {milestone}", fault.id),
            Self::Recovering { fault, attempt } => {
                write!(f, "fault {}: recovering, attempt {attempt}", fault.id)
            }
            Self::RecoveryRetried { fault, attempt, failure, wait, until } => {
                write!(
                    f,
                    "fault {}: attempt {attempt} did not bring the target back: {failure}; again in {wait:?}, until \
                     {until:.0}",
                    fault.id
                )
            }
            Self::Recovered { fault, gone: Some(why), .. } => {
                write!(f, "fault {} is over, and its target is gone: {}", fault.id, escaped(why))
            }
            Self::Recovered { fault, time_to_recover: None, .. } => write!(f, "fault {} recovered", fault.id),
            Self::Recovered { fault, time_to_recover: Some(time), .. } => {
                write!(f, "fault {} recovered, {time:.1?} after the injection", fault.id)
            }
            Self::RecoveryFailed { fault, failure, .. } => {
                let Fault { id, target, .. } = fault.as_ref();
                write!(f, "fault {id}: RECOVERY FAILED, {target} is not back: {failure}")
            }
            Self::JournalFailed { fault, failure } => {
                write!(f, "fault {}: the journal failed: {failure}", fault.id)
            }
            Self::SteadyStateMet { phase, probe, value, .. } => {
                write!(f, "steady state {phase} the fault met: {}: {}", escaped(probe), escaped(value))
            }
            Self::SteadyStateViolated { phase, probe, why, .. } => {
                write!(f, "steady state {phase} the fault VIOLATED: {}: {}", escaped(probe), escaped(why))
            }
            Self::SteadyAgain { time_to_settle: None, .. } => f.write_str("steady again"),
            Self::SteadyAgain { time_to_settle: Some(time), .. } => {
                write!(f, "steady again, {time:.1?} after the recovery")
            }
            Self::NotSteadyAgain { why, .. } => write!(f, "NOT steady again: {}", escaped(why)),
            Self::PatternsUnmatched { patterns } => {
                let told: Vec<String> = patterns.iter().map(ToString::to_string).collect();
                f.write_str(&told.join("; "))
            }
            Self::Halted { reason } => write!(f, "halted: {}", escaped(reason)),
            Self::SettingsRefused { failure } => write!(f, "the settings were not taken: {failure}"),
            Self::Resumed {} => f.write_str("resumed: the halt was withdrawn"),
            Self::ScheduleBegan { seed } => {
                write!(f, "dues are carried out by the schedule with seed {seed}")
            }
            Self::DueCarriedOut { due } => {
                write!(f, "the due of {} was carried out", escaped(&due.to_string()))
            }
            Self::DueRehearsed { due } => {
                write!(f, "the due of {} would have been carried out", escaped(&due.to_string()))
            }
            Self::DueMissed { due, why } => {
                write!(f, "the due of {} was missed: {}", escaped(&due.to_string()), escaped(&why.join("; ")))
            }
            Self::RunFailed { failure, .. } => write!(f, "the run could not be carried out: {failure}"),
            Self::RunEnded { outcome, why, .. } if why.is_empty() => write!(f, "run ended: {outcome}"),
            Self::RunEnded { outcome, why, .. } => {
                write!(f, "run ended: {outcome}: {}", escaped(&why.join("; ")))
            }
        }
    }
}
