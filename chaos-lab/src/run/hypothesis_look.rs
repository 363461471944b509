use serde::Serialize;

use super::{ActivityRun, activity_run::ActivityEntry};

/// One look at the hypothesis: its probes in turn, up to the first that could not look or was not met. A look of the
/// watch during the method is one probe.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct HypothesisLook {
    /// The probes that were asked.
    pub probes: Vec<ActivityRun>,
}

/// A look as Chaos Toolkit's journal has it.
#[derive(Debug, Serialize)]
pub(crate) struct LookEntry<'a> {
    steady_state_met: bool,
    probes: Vec<ActivityEntry<'a>>,
}

impl HypothesisLook {
    pub(crate) fn of(run: ActivityRun) -> Self {
        Self { probes: vec![run] }
    }

    /// Whether every probe could look and was met.
    pub fn is_met(&self) -> bool {
        self.probes.iter().all(|run| run.tolerance_met == Some(true))
    }

    /// The probe that could not look, if one could not.
    pub fn failed(&self) -> Option<&ActivityRun> {
        self.probes.iter().find(|run| !run.has_succeeded())
    }

    /// Whether a probe could not look, so that nobody can tell.
    pub fn is_doubt(&self) -> bool {
        self.failed().is_some_and(|run| !run.is_no_answer)
    }

    /// Why it is not met: the name of the probe, and its reason.
    pub fn why(&self) -> Option<String> {
        let run = self.probes.iter().find(|run| run.tolerance_met != Some(true))?;
        let why = run.not_met.as_ref().or(run.exception.as_ref()).map_or("not met", String::as_str);
        Some(format!("{}: {why}", run.name))
    }

    /// As Chaos Toolkit's journal has it.
    pub(crate) fn entry(&self, is_compatible: bool) -> LookEntry<'_> {
        let probes = self.probes.iter().map(|run| run.entry(is_compatible)).collect();
        LookEntry { steady_state_met: self.is_met(), probes }
    }
}
