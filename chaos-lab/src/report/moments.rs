use chaos_core::{
    fault::FaultRecord,
    jiff::{SignedDuration, Timestamp},
};

use crate::run::{ActivityRun, ExperimentReport};

/// The times that matter in a run, in seconds since it began.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Moments {
    start: Timestamp,
    /// How long the run took.
    pub(super) length: f64,
    pub(super) method: Option<Span>,
    pub(super) rollbacks: Option<Span>,
    /// When the method was cut short, and why.
    pub(super) cut: Option<(f64, String)>,
    /// When the system was steady again.
    pub(super) steady_again: Option<f64>,
    /// From the last recovery until then.
    pub(super) time_to_settle: Option<f64>,
}

/// From one time to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Moments {
    pub(super) fn of(report: &ExperimentReport) -> Self {
        let length = report.end.duration_since(report.start).as_secs_f64().max(1e-3);
        let mut moments = Self {
            start: report.start,
            length,
            method: None,
            rollbacks: None,
            cut: None,
            steady_again: None,
            time_to_settle: None,
        };
        let faults = report.run.as_ref().map(|run| run.faults.as_slice()).unwrap_or_default();
        let of_fault = |from: fn(&FaultRecord) -> Option<Timestamp>,
                        to: fn(&FaultRecord) -> Option<Timestamp>| {
            let fault = faults.first()?;
            Some(moments.span(from(fault)?, to(fault)?))
        };
        let method = of_fault(|fault| fault.injecting_at, |fault| fault.injected_at.or(fault.recovering_at));
        let rollbacks = of_fault(|fault| fault.recovering_at, |fault| fault.ended_at);
        let cut = faults.iter().find_map(|fault| {
            let at = fault.recovering_at.or(fault.ended_at)?;
            let why = match fault.cut_short {
                Some(why) => why.to_string(),
                None if fault.injecting_at.is_some() && fault.injected_at.is_none() => {
                    "the method was not over".to_owned()
                }
                None => return None,
            };
            Some((moments.at(at), why))
        });
        let steady = report.run.as_ref().and_then(|run| run.steady_state.as_ref());
        let again = steady.and_then(|steady| steady.steady_again_at).map(|at| moments.at(at));
        moments.method = (!report.method.is_empty()).then_some(method).flatten();
        moments.rollbacks = (!report.rollbacks.is_empty()).then_some(rollbacks).flatten();
        moments.cut = cut;
        moments.steady_again = again;
        moments.time_to_settle =
            steady.and_then(|steady| steady.time_to_settle()).map(|time| time.as_secs_f64());
        moments
    }

    /// A time of this run.
    pub(super) fn at(&self, at: Timestamp) -> f64 {
        at.duration_since(self.start).as_secs_f64().clamp(0.0, self.length)
    }

    /// When a time of this run was.
    pub(super) fn date(&self, seconds: f64) -> Timestamp {
        let since = SignedDuration::try_from_secs_f64(seconds).unwrap_or_default();
        self.start.checked_add(since).unwrap_or(self.start)
    }

    fn span(&self, from: Timestamp, to: Timestamp) -> Span {
        let from = self.at(from);
        Span { from, to: self.at(to).max(from) }
    }

    /// The time that an activity took.
    pub(super) fn of_activity(&self, run: &ActivityRun) -> Span {
        let from = self.at(run.start);
        let to = run.end.map_or(self.length, |end| self.at(end));
        Span { from, to: to.max(from) }
    }
}

impl Span {
    pub(super) fn length(self) -> f64 {
        self.to - self.from
    }
}
