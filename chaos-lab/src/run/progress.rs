use super::{ActivityRun, HypothesisLook, Interrupt};
use crate::substitution::Names;

/// The most looks during the method that are kept.
const MOST_LOOKS: usize = 1_000;

/// What has happened in a run so far.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) before: Option<HypothesisLook>,
    pub(crate) during: Vec<HypothesisLook>,
    /// How many looks during the method were left out of `during`.
    pub(crate) left_out: u64,
    pub(crate) after: Option<HypothesisLook>,
    pub(crate) method: Vec<ActivityRun>,
    pub(crate) rollbacks: Vec<ActivityRun>,
    /// What interrupted the run first.
    pub(crate) interrupt: Option<Interrupt>,
    /// What the control that interrupted it said.
    pub(crate) interrupted_by: Option<String>,
    /// Whether the method is not carried out, because the hypothesis did not hold before it.
    pub(crate) is_method_spared: bool,
    /// Whether every step of the method was carried out, and waited for.
    pub(crate) is_method_over: bool,
    /// Whether a stop condition was not met.
    pub(crate) is_stopped: bool,
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

    /// Masks the values of secrets that are known by now.
    pub(crate) fn mask(&mut self, names: &Names) {
        let looks = self.before.iter_mut().chain(&mut self.during).chain(&mut self.after);
        let probes = looks.flat_map(|look| &mut look.probes);
        probes.chain(&mut self.method).chain(&mut self.rollbacks).for_each(|run| run.mask(names));
    }

    /// Keeps a look during the method, up to a number; of the later ones only those that are not met.
    pub(crate) fn looked(&mut self, look: HypothesisLook) {
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

impl Progress {
    /// What interrupted the run, as a sentence without its end: a signal, or a control and what it said.
    pub(crate) fn interrupted_by(&self) -> Option<String> {
        Some(match (self.interrupt?, &self.interrupted_by) {
            (Interrupt::Control, Some(why)) => format!("a control interrupted the run: {why}"),
            (Interrupt::Control, None) => "a control interrupted the run".to_owned(),
            _ => "a signal cut the run short".to_owned(),
        })
    }
}
