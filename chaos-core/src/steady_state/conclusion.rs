//! The looks after the last recovery, and the verdict.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use jiff::Timestamp;

use super::{
    Course, Phase, SteadyState, SteadyStateReport, SteadyStateVerdict,
    course::SILENT,
    look::look,
    notes::{Notes, Probed, Times, locked},
    report::{CutHold, Doubted, ProbeReport},
    steady_state::{Duty, Watched},
    tolerance::Judgement,
};
use crate::{
    fault::{CutShort, FaultRecord, Magnitude},
    observer::Activity,
    text::{duration_text, escaped},
};

/// How the looks after the last recovery ended.
#[derive(Clone, Debug, PartialEq)]
enum Settled {
    /// The system is steady again.
    Again,
    /// No probe has to hold after a fault.
    NotAsked,
    /// A probe was not met until the end.
    NotAgain { why: String },
    /// Nobody could tell.
    Unknown { why: String },
}

impl Course {
    /// Looks until the system is steady again, unless `cut_off` is ready before, and returns the report of the run.
    pub(crate) async fn conclude(
        &self,
        faults: &[FaultRecord],
        cut_off: impl Future<Output = CutShort>,
    ) -> SteadyStateReport {
        let notes = &self.notes;
        if notes.times().injected.is_none() {
            return notes.report(faults, None);
        }
        // Nobody waits for this once the hold is over, and a momentary fault has none.
        if notes.is_silent_at(notes.times().recovered.unwrap_or_default()) {
            notes.cut(notes.doubt_of_watch(SILENT));
        }
        let settled = tokio::select! {
            biased;
            settled = notes.settle() => settled,
            why = cut_off => Settled::Unknown { why: format!("nobody looked until it was steady again: {why}") },
        };
        let run = notes.run();
        match &settled {
            Settled::Again => {
                notes.tell(Activity::SteadyAgain { run, time_to_settle: notes.time_to_settle() })
            }
            Settled::NotAsked => {}
            Settled::NotAgain { why } | Settled::Unknown { why } => {
                notes.tell(Activity::NotSteadyAgain { run, why: why.clone() });
            }
        }
        notes.report(faults, Some(settled))
    }
}

impl Notes {
    /// Looks at all probes side by side until they are met as many times in a row as is asked for, or time is up.
    async fn settle(&self) -> Settled {
        // A look that began during a fault may be answered only now. Its time is limited.
        drop(self.looking.write().await);
        let holds_after = |(_, watched): &(usize, &Arc<Watched>)| watched.phases.has(Phase::After);
        let asked: Vec<_> = self.steady.probes.iter().enumerate().filter(holds_after).collect();
        if asked.is_empty() {
            return Settled::NotAsked;
        }
        for (index, _) in &asked {
            self.forget_the_latest(*index);
        }
        let begun = self.clock.monotonic();
        let recovered = self.times().recovered.unwrap_or(begun);
        let (mut in_a_row, mut since) = (0, None);
        loop {
            let round = self.clock.monotonic();
            let looks = asked.iter().map(|(index, watched)| async move {
                let looked = look(&watched.probe, &self.clock, self.steady.time_limit).await;
                let judged = watched.judge(&looked, self.normal(*index));
                self.record(*index, Phase::After, true, &looked, &judged);
                (&watched.name, judged)
            });
            let judged = join_all(looks).await;
            let wrong = judged.iter().find(|(_, judged)| *judged != Judgement::Met);
            if wrong.is_none() {
                in_a_row += 1;
                since.get_or_insert(round);
            } else {
                (in_a_row, since) = (0, None);
            }
            if in_a_row >= self.steady.settled {
                self.times().steady_again = since;
                return Settled::Again;
            }
            let next = round.saturating_add(self.steady.every).max(self.clock.monotonic());
            if next.saturating_sub(recovered) > self.steady.again_within {
                return self.not_settled(&judged);
            }
            self.clock.sleep(next.saturating_sub(self.clock.monotonic())).await;
        }
    }

    /// Time is up after these looks.
    fn not_settled(&self, judged: &[(&String, Judgement)]) -> Settled {
        let limit = duration_text(self.steady.again_within);
        for (probe, judged) in judged {
            if let Judgement::NotMet(why) = judged {
                let why = format!("{}: {why}, still {limit} after the recovery", escaped(probe));
                return Settled::NotAgain { why };
            }
        }
        for (probe, judged) in judged {
            if let Judgement::Unknown(failure) = judged {
                let why = format!("{}: nobody could look after the recovery: {failure}", escaped(probe));
                return Settled::Unknown { why };
            }
        }
        Settled::NotAgain {
            why: format!("not met {} times in a row within {limit} of the recovery", self.steady.settled),
        }
    }

    fn time_to_settle(&self) -> Option<Duration> {
        let times = self.times();
        Some(times.steady_again?.saturating_sub(times.recovered?))
    }

    fn report(&self, faults: &[FaultRecord], settled: Option<Settled>) -> SteadyStateReport {
        let times = *self.times();
        let mut deviations = Vec::new();
        let mut unsteady_since = None;
        let mut unknown = Vec::new();
        let mut probes = Vec::new();
        for (watched, probed) in self.steady.probes.iter().zip(&self.probes) {
            let probed = locked(probed);
            if times.injected.is_some() {
                deviations.extend(watched.deviation(
                    &probed,
                    times,
                    self.at(times.injected.unwrap_or_default()),
                ));
                unknown.extend(watched.untested(&probed, times, &self.steady));
            }
            let violation =
                probed.first_violation.as_ref().filter(|violation| violation.phase == Phase::During);
            unsteady_since = unsteady_since.into_iter().chain(violation.map(|violation| violation.at)).min();
            probes.push(watched.report(&probed));
        }
        let injected_at = times.injected.map(|at| self.at(at));
        match settled {
            Some(Settled::NotAgain { why }) => deviations.push(why),
            Some(Settled::Unknown { why }) => unknown.push(why),
            Some(Settled::Again | Settled::NotAsked) | None => {}
        }
        if let Some(why) = faults.iter().find_map(not_as_intended) {
            unknown.push(why);
        }
        let tests =
            |watched: &Arc<Watched>| watched.phases.has(Phase::During) || watched.phases.has(Phase::After);
        if !self.steady.probes.iter().any(tests) {
            let why = "no probe looks during a fault or after it, so the hypothesis was not tested";
            unknown.push(why.to_owned());
        }
        // A watch that was lost after the hold has cut nothing short.
        if unknown.is_empty() {
            let cut = self.cut.borrow();
            let doubt = cut.as_ref().filter(|unsteady| unsteady.cut_short == CutShort::InDoubt);
            unknown.extend(doubt.map(|unsteady| unsteady.reason.to_string()));
        }
        let (verdict, reasons) = if injected_at.is_none() || faults.is_empty() {
            (SteadyStateVerdict::NotTested, Vec::new())
        } else if !deviations.is_empty() {
            (SteadyStateVerdict::Deviated, deviations)
        } else if !unknown.is_empty() {
            (SteadyStateVerdict::Inconclusive, unknown)
        } else {
            (SteadyStateVerdict::Held, Vec::new())
        };
        SteadyStateReport {
            hypothesis: self.steady.hypothesis.clone(),
            verdict,
            reasons,
            injected_at,
            recovered_at: times.recovered.map(|at| self.at(at)),
            unsteady_since,
            steady_again_at: times.steady_again.map(|at| self.at(at)),
            cut_short: faults.iter().find_map(cut_hold),
            probes,
        }
    }
}

/// The hold of the fault, if the steady state cut it short.
fn cut_hold(fault: &FaultRecord) -> Option<CutHold> {
    let seconds = |of: &Magnitude| Duration::try_from_secs_f64(of.get("seconds")?).ok();
    let (after, of) = (seconds(&fault.achieved)?, seconds(&fault.requested)?);
    let is_ours = matches!(fault.cut_short, Some(CutShort::NotSteady | CutShort::InDoubt));
    is_ours.then_some(CutHold { after, of })
}

/// Why the fault was not what the hypothesis speaks of.
fn not_as_intended(fault: &FaultRecord) -> Option<String> {
    let target = escaped(fault.target.as_str());
    match (fault.cut_short, &fault.no_effect) {
        (Some(why), _) => Some(format!("{target}: the hold ended before its time: {why}")),
        (None, Some(why)) => Some(format!("{target}: the fault had no effect: {}", escaped(why))),
        (None, None) => {
            fault.failure.as_ref().map(|failure| format!("{target}: the injection failed: {failure}"))
        }
    }
}

impl Probed {
    fn doubt_during_a_fault(&self) -> Option<&Doubted> {
        self.first_doubt.as_ref().filter(|doubted| doubted.phase == Phase::During)
    }
}

impl Watched {
    /// Whether the looks at this probe contradict the hypothesis.
    fn deviation(&self, probed: &Probed, times: Times, injected_at: Timestamp) -> Option<String> {
        let name = escaped(&self.name);
        if let Duty::MustTell(within) = self.duty {
            let limit = duration_text(within);
            return match probed.told {
                Some(told) if told > within => {
                    Some(format!("{name}: told after {:.1} s, later than {limit}", told.as_secs_f64()))
                }
                Some(_) => None,
                // Only if it had the time.
                None if times.longest >= within && probed.doubt_during_a_fault().is_none() => Some(format!(
                    "{name}: silent, expected {} within {limit} of the injection",
                    self.tolerance
                )),
                None => None,
            };
        }
        let violation =
            probed.first_violation.as_ref().filter(|violation| violation.phase == Phase::During)?;
        let first = Duration::try_from(violation.at.duration_since(injected_at)).unwrap_or_default();
        Some(format!("{name}: {}, first {:.1} s after the injection", violation.why, first.as_secs_f64()))
    }

    /// Why this probe has not tested the hypothesis.
    fn untested(&self, probed: &Probed, times: Times, steady: &SteadyState) -> Option<String> {
        let name = escaped(&self.name);
        if !self.phases.has(Phase::During) {
            return None;
        }
        if let Some(Doubted { failure, .. }) = probed.doubt_during_a_fault() {
            let is_told = matches!(self.duty, Duty::MustTell(_)) && probed.told.is_some();
            if !is_told {
                return Some(format!("{name}: nobody could look: {failure}"));
            }
        }
        let during = &probed.tallies[Phase::During as usize];
        if during.met + during.violated == 0 {
            let lasted = match (times.returned, times.recovered) {
                (Some(returned), Some(recovered)) => recovered.saturating_sub(returned).as_secs_f64(),
                _ => 0.0,
            };
            let apart = duration_text(steady.every);
            return Some(format!(
                "{name}: no look began and ended while the fault was in effect, which lasted {lasted:.2} s; looks are \
                 {apart} apart: set a shorter interval, or hold the fault longer"
            ));
        }
        let (needed, of) = steady.violated;
        match self.duty {
            Duty::MustTell(within) if probed.told.is_none() && times.longest < within => {
                let limit = duration_text(within);
                Some(format!("{name}: silent, but the fault was over before {limit} had passed"))
            }
            Duty::MustTell(_) => None,
            // However these looks had turned out, it would have been no violation.
            _ if during.violated > 0 && during.met + during.violated < u64::from(needed) => Some(format!(
                "{name}: {} of {} looks during the fault were not met, but a violation takes {needed} of {of}; set a \
                 shorter interval, or hold the fault longer",
                during.violated,
                during.met + during.violated
            )),
            _ => None,
        }
    }

    fn report(&self, probed: &Probed) -> ProbeReport {
        let [before, during, after] = [0, 1, 2].map(|phase| probed.tallies[phase].report());
        ProbeReport {
            name: self.name.clone(),
            looks_at: self.probe.to_string(),
            tolerated: self.tolerance.to_string(),
            before,
            during,
            after,
            first_violation: probed.first_violation.clone(),
            first_doubt: probed.first_doubt.clone(),
            told_after: probed.told,
            series: probed.series.points(),
        }
    }
}
