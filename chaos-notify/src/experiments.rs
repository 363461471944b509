use std::{collections::VecDeque, time::Duration};

use chaos_core::{Outcome, monkey::RunId, observer::Intended, steady_state::Phase};
use jiff::Timestamp;

use crate::{
    message::{Kind, Message},
    text::{Body, humanly, instant, one_line, subject},
};

/// The most runs that are tracked at once. Beyond that, the oldest are forgotten; their messages come all the same,
/// without the hypothesis.
const MOST_RUNS: usize = 100;

/// The runs with a steady state, and the messages about each as a whole.
#[derive(Debug, Default)]
pub(crate) struct Experiments(VecDeque<Experiment>);

#[derive(Debug)]
struct Experiment {
    run: RunId,
    hypothesis: String,
    /// Whether people were told of a violation.
    was_violated: bool,
}

impl Experiments {
    /// Remembers what is tried.
    pub(crate) fn announced(&mut self, intended: &Intended) {
        let (Some(run), Some(hypothesis)) = (intended.run, &intended.hypothesis) else { return };
        if self.of(run).is_some() {
            return;
        }
        if self.0.len() == MOST_RUNS {
            self.0.pop_front();
        }
        self.0.push_back(Experiment { run, hypothesis: one_line(hypothesis), was_violated: false });
    }

    /// Before a fault, a violation is the reason why a target is left alone or nothing is injected, and is told there.
    pub(crate) fn violated(
        &mut self,
        at: Timestamp,
        run: RunId,
        phase: Phase,
        probe: &str,
        why: &str,
    ) -> Option<Message> {
        if phase == Phase::Before {
            return None;
        }
        if let Some(experiment) = self.of(run) {
            experiment.was_violated = true;
        }
        let mut body = Body::saying(&format!("The system is not steady {phase} a fault."));
        body.gap();
        body.line("Probe", probe);
        body.line("Found", why);
        self.tell_run(&mut body, at, run);
        body.paragraph(
            "Unless the hypothesis lets the fault go on, every fault of this run is ended and recovered now. You are \
             told how each of them ends.",
        );
        let subject = subject("Chaos: NOT STEADY: ", probe, "");
        Some(message(at, Kind::SteadyStateViolated, run, detail(phase, probe), subject, body))
    }

    /// The message that all is well again, if people were told that it was not, or that is no longer known.
    pub(crate) fn steady_again(
        &mut self,
        at: Timestamp,
        run: RunId,
        time_to_settle: Option<Duration>,
    ) -> Option<Message> {
        if self.of(run).is_some_and(|experiment| !experiment.was_violated) {
            return None;
        }
        let after = time_to_settle.map(|time| format!(", {} after the last recovery", humanly(time)));
        let end = format!("the system is steady again{}", after.unwrap_or_default());
        let mut body = Body::saying(&format!("After the faults of a run, {end}."));
        body.gap();
        self.tell_run(&mut body, at, run);
        Some(message(at, Kind::SteadyAgain, run, 0, subject("Chaos: ", "", &end), body))
    }

    pub(crate) fn not_steady_again(&self, at: Timestamp, run: RunId, why: &str) -> Message {
        let mut body = Body::saying(
            "All recoveries of a run have ended, but the system was not seen to be steady again in time. The run looks \
             at it no longer: look at it yourself.",
        );
        body.gap();
        body.line("Why", why);
        self.tell_run(&mut body, at, run);
        let subject = subject("CHAOS: the system is NOT SEEN TO BE STEADY AGAIN", "", "");
        message(at, Kind::NotSteadyAgain, run, 0, subject, body)
    }

    /// The message about the end of a run, if it says something about a hypothesis that did not hold.
    pub(crate) fn ended(
        &mut self,
        at: Timestamp,
        run: RunId,
        outcome: Outcome,
        why: &[String],
    ) -> Option<Message> {
        let (kind, verdict) = match outcome {
            Outcome::Deviated => (Kind::Deviated, "the hypothesis was wrong"),
            Outcome::Inconclusive => (Kind::Inconclusive, "the hypothesis was not tested"),
            _ => {
                self.0.retain(|experiment| experiment.run != run);
                return None;
            }
        };
        let mut body =
            Body::saying(&format!("A run ended: {verdict}. Everything that it injected is recovered."));
        body.gap();
        self.tell_run(&mut body, at, run);
        body.lines("Why", why, "the report of the run has them all");
        self.0.retain(|experiment| experiment.run != run);
        Some(message(at, kind, run, 0, subject(&format!("Chaos: {outcome}: {verdict}"), "", ""), body))
    }

    fn of(&mut self, run: RunId) -> Option<&mut Experiment> {
        self.0.iter_mut().find(|experiment| experiment.run == run)
    }

    fn tell_run(&self, body: &mut Body, at: Timestamp, run: RunId) {
        if let Some(experiment) = self.0.iter().find(|experiment| experiment.run == run) {
            body.line("Hypothesis", &experiment.hypothesis);
        }
        body.line("Run", run);
        body.line("When", instant(at));
    }
}

fn message(at: Timestamp, kind: Kind, run: RunId, detail: u64, subject: String, body: Body) -> Message {
    Message { kind, fault: None, run: Some(run), detail, at, stands_for: 1, subject, body: body.finish() }
}

/// The same for each violation of this probe in this phase, in every process: FNV-1a, with 64 bits.
fn detail(phase: Phase, probe: &str) -> u64 {
    let bytes = probe.bytes().chain([u8::MAX]).chain(phase.to_string().into_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
