use serde_json::{Value, json};

use super::{ActivityRun, Interrupt};

/// The most looks during the method that are kept.
const MOST_LOOKS: usize = 1_000;

/// What has happened in a run so far.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) before: Option<Look>,
    pub(crate) during: Vec<Look>,
    /// How many looks during the method were left out of `during`.
    pub(crate) left_out: u64,
    pub(crate) after: Option<Look>,
    pub(crate) method: Vec<ActivityRun>,
    pub(crate) rollbacks: Vec<ActivityRun>,
    /// The first signal that interrupted the run.
    pub(crate) interrupt: Option<Interrupt>,
    /// Whether the method is not carried out, because the hypothesis did not hold before it.
    pub(crate) is_method_spared: bool,
    /// Whether every step of the method was carried out, and waited for.
    pub(crate) is_method_over: bool,
    /// What became of the rollbacks.
    pub(crate) undone: Undone,
}

/// What became of the rollbacks.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Undone {
    /// They were not played, or not to their end.
    #[default]
    NotYet,
    /// Each of them succeeded.
    Played,
    /// They were not due, and why.
    NotDue(&'static str),
    /// They are left to a person on purpose, and why.
    Left(&'static str),
    /// Some failed: their names, with the reasons.
    Failed(Vec<String>),
}

/// One look at the hypothesis.
#[derive(Clone, Debug, Default)]
pub(crate) struct Look {
    pub(crate) probes: Vec<ActivityRun>,
}

/// The list that an activity of the run belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Section {
    Method,
    Rollbacks,
}

impl Progress {
    pub(crate) fn runs(&mut self, section: Section) -> &mut Vec<ActivityRun> {
        match section {
            Section::Method => &mut self.method,
            Section::Rollbacks => &mut self.rollbacks,
        }
    }

    /// Keeps a look during the method, up to a number; of the later ones only those that are not met.
    pub(crate) fn looked(&mut self, look: Look) {
        let is_kept =
            self.during.len() < MOST_LOOKS || (!look.is_met() && self.during.len() < 2 * MOST_LOOKS);
        if is_kept {
            self.during.push(look);
        } else {
            self.left_out += 1;
        }
    }

    /// Whether some look during the method was not met.
    pub(crate) fn has_deviated_during(&self) -> bool {
        self.during.iter().any(|look| !look.is_met())
    }
}

impl Look {
    /// Whether every probe could look and was met.
    pub(crate) fn is_met(&self) -> bool {
        self.probes.iter().all(|run| run.tolerance_met == Some(true))
    }

    /// The probe that could not look, if one could not.
    pub(crate) fn failed(&self) -> Option<&ActivityRun> {
        self.probes.iter().find(|run| !run.has_succeeded())
    }

    /// Whether a probe could not look, so that nobody can tell.
    pub(crate) fn is_doubt(&self) -> bool {
        self.failed().is_some_and(|run| !run.is_no_answer)
    }

    /// Why it is not met.
    pub(crate) fn why(&self) -> Option<String> {
        let run = self.probes.iter().find(|run| run.tolerance_met != Some(true))?;
        let why = run.not_met.as_ref().or(run.exception.as_ref()).map_or("not met", String::as_str);
        Some(format!("{}: {why}", run.name))
    }

    /// As Chaos Toolkit's journal has it.
    pub(crate) fn entry(&self, is_compatible: bool) -> Value {
        let probes: Vec<Value> = self.probes.iter().map(|run| run.entry(is_compatible)).collect();
        json!({ "steady_state_met": self.is_met(), "probes": probes })
    }
}
