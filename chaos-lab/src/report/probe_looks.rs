use chaos_core::steady_state::{Judged, Phase};
use serde_json::Value;

use super::{
    text::{shown, shown_value},
    tolerated::Tolerated,
};
use crate::run::{ActivityRun, ExperimentReport, HypothesisLook};

/// The looks at one probe of the hypothesis, or at a stop condition, over time.
#[derive(Debug)]
pub(super) struct ProbeLooks<'a> {
    /// As it stands in the document.
    activity: &'a Value,
    pub(super) looks: Vec<Look<'a>>,
}

/// One look at a probe.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look<'a> {
    pub(super) phase: Phase,
    /// Seconds since the run began.
    pub(super) at: f64,
    pub(super) judged: Judged,
    /// The number that was read, if it was a quantity.
    pub(super) number: Option<f64>,
    /// `None` for a look of which only the judgement was kept.
    run: Option<&'a ActivityRun>,
}

/// How many looks were how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) met: u64,
    pub(super) missed: u64,
    pub(super) unknown: u64,
}

/// Every probe of the hypothesis, in the order of the document, and with those that nobody asked.
pub(super) fn probes(report: &ExperimentReport) -> Vec<ProbeLooks<'_>> {
    let in_document = &report.document["steady-state-hypothesis"]["probes"];
    let in_document = in_document.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut probes: Vec<_> =
        in_document.iter().map(|activity| ProbeLooks { activity, looks: Vec::new() }).collect();
    let before = report.before.iter().map(|look| (Phase::Before, look));
    let during = report.during.iter().map(|look| (Phase::During, look));
    let after = report.after.iter().map(|look| (Phase::After, look));
    for (phase, look) in before.chain(during).chain(after) {
        add(&mut probes, report, phase, look);
    }
    for probe in &mut probes {
        probe.looks.sort_by(|one, other| one.at.total_cmp(&other.at));
    }
    probes
}

/// The stop conditions. The looks at them are no looks at the hypothesis, and only their judgements are kept.
pub(super) fn stop_conditions(report: &ExperimentReport) -> Vec<ProbeLooks<'_>> {
    let in_document = report.document["stop-conditions"].as_array();
    let in_document = in_document.map(Vec::as_slice).unwrap_or_default();
    let Some(run) = &report.run else { return Vec::new() };
    let watched = run.steady_state.iter().flat_map(|steady| &steady.probes);
    // They come after the probes of the hypothesis.
    let count = in_document.len();
    let mut watched: Vec<_> = watched.rev().take(count).collect();
    watched.reverse();
    let offset = run.began_at.duration_since(report.start).as_secs_f64();
    let conditions = in_document.iter().zip(watched);
    conditions
        .map(|(activity, watched)| {
            let looks = watched.series.iter().map(|point| Look {
                phase: Phase::During,
                at: (point.seconds + offset).max(0.0),
                judged: point.judged,
                number: None,
                run: None,
            });
            ProbeLooks { activity, looks: looks.collect() }
        })
        .collect()
}

fn add<'a>(
    probes: &mut Vec<ProbeLooks<'a>>,
    report: &'a ExperimentReport,
    phase: Phase,
    look: &'a HypothesisLook,
) {
    for run in &look.probes {
        let is_same = |probe: &ProbeLooks<'_>| *probe.activity == *run.activity;
        // What a `ref` stands for is in the run, but not in the document.
        let is_meant = |probe: &ProbeLooks<'_>| {
            let reference = probe.activity.get("ref").or_else(|| probe.activity.get("name"));
            reference.and_then(Value::as_str) == Some(&run.name) && probe.looks.is_empty()
        };
        let found = probes.iter().position(is_same).or_else(|| probes.iter().position(is_meant));
        let index = found.unwrap_or(probes.len());
        if found.is_none() {
            probes.push(ProbeLooks { activity: &run.activity, looks: Vec::new() });
        }
        if let Some(probe) = probes.get_mut(index) {
            probe.activity = &run.activity;
            probe.looks.push(Look::of(run, phase, report));
        }
    }
}

impl<'a> ProbeLooks<'a> {
    pub(super) fn name(&self) -> String {
        let name = self.activity.get("name").or_else(|| self.activity.get("ref"));
        shown(name.and_then(Value::as_str).unwrap_or("a probe without a name"))
    }

    pub(super) fn tolerated(&self) -> Tolerated<'a> {
        Tolerated(&self.activity["tolerance"])
    }

    /// What is tolerated: completes "expected ". A number is the status of a process or of an answer, if it is one's.
    pub(super) fn expected(&self) -> String {
        let text = self.tolerated().text();
        let tolerance = &self.activity["tolerance"];
        let has_status = matches!(self.activity["provider"]["type"].as_str(), Some("process" | "http"));
        if has_status && (tolerance.is_number() || tolerance.is_array()) {
            format!("status {text}")
        } else {
            text
        }
    }

    pub(super) fn counts(&self, phase: Phase) -> Counts {
        let mut counts = Counts::default();
        for look in self.looks.iter().filter(|look| look.phase == phase) {
            match look.judged {
                Judged::Met => counts.met += 1,
                Judged::Violated => counts.missed += 1,
                _ => counts.unknown += 1,
            }
        }
        counts
    }

    pub(super) fn misses(&self) -> impl Iterator<Item = &Look<'a>> {
        self.looks.iter().filter(|look| look.judged == Judged::Violated)
    }
}

impl<'a> Look<'a> {
    fn of(run: &'a ActivityRun, phase: Phase, report: &ExperimentReport) -> Self {
        let judged = match run.tolerance_met {
            Some(true) => Judged::Met,
            _ if run.has_succeeded() || run.is_no_answer => Judged::Violated,
            _ => Judged::Unknown,
        };
        let number = Tolerated(&run.activity["tolerance"]).quantity(&run.output);
        let at = run.start.duration_since(report.start).as_secs_f64().max(0.0);
        Self { phase, at, judged, number, run: Some(run) }
    }

    /// What was read, or why nothing was, and why it is not normal.
    pub(super) fn text(&self) -> String {
        let Some(run) = self.run else {
            return match self.judged {
                Judged::Met => "met",
                Judged::Violated => "not met",
                _ => "could not look",
            }
            .to_owned();
        };
        match (&run.not_met, &run.exception) {
            (Some(why), _) => shown(why),
            (None, Some(why)) if self.judged == Judged::Unknown => format!("could not look: {}", shown(why)),
            (None, Some(why)) => format!("no answer: {}", shown(why)),
            (None, None) => match self.number {
                Some(number) => super::text::number(number),
                None => shown_value(&run.output),
            },
        }
    }

    /// What was read, as a person reads it.
    pub(super) fn found(&self) -> String {
        match self.run {
            Some(run) if !run.output.is_null() => shown_value(&run.output),
            _ => self.text(),
        }
    }
}

impl Counts {
    pub(super) fn looks(self) -> u64 {
        self.met + self.missed + self.unknown
    }
}
