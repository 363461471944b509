use std::time::Duration;

use chaos_core::{Error, Hold, Result};

use crate::experiment::{Activity, ChaosKind, Experiment, HypothesisStrategy, Provider, RollbackStrategy};
use crate::functions::Function;

/// How an experiment is run. An option of here outranks the same one in the file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RunOptions {
    pub(crate) hypothesis: Option<HypothesisStrategy>,
    pub(crate) frequency: Duration,
    pub(crate) fail_fast: bool,
    pub(crate) rollbacks: Option<RollbackStrategy>,
    pub(crate) dry: Option<Dry>,
    pub(crate) deadline: Option<Hold>,
    pub(crate) compatible: bool,
    pub(crate) controls_within: Duration,
}

/// What is left out of a dry run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dry {
    /// Probes: each yields nothing, and counts as met.
    Probes,
    /// Actions.
    Actions,
    /// Probes and actions.
    Activities,
    /// Pauses.
    Pause,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            hypothesis: None,
            frequency: Duration::from_secs(1),
            fail_fast: false,
            rollbacks: None,
            dry: None,
            deadline: None,
            compatible: false,
            controls_within: Duration::from_secs(60),
        }
    }
}

impl RunOptions {
    /// Sets how long the hooks of controls may take: all those around the rollbacks together, and those at the end of
    /// the run. Then they are ended, and no more of them are called. Default: 1 min.
    ///
    /// The deadline ends those in the method, and an interrupt those before it.
    #[must_use]
    pub fn controls_within(mut self, limit: Duration) -> Self {
        self.controls_within = limit;
        self
    }

    /// Sets when the hypothesis is looked at. Default: as the file says.
    #[must_use]
    pub fn hypothesis_strategy(mut self, strategy: HypothesisStrategy) -> Self {
        self.hypothesis = Some(strategy);
        self
    }

    /// Sets the time from one look at the hypothesis during the method to the next. Default: 1 s.
    #[must_use]
    pub fn hypothesis_frequency(mut self, interval: Duration) -> Self {
        self.frequency = interval;
        self
    }

    /// Ends the method as soon as the hypothesis does not hold during it. Default: the method goes on, and the
    /// violation counts all the same.
    #[must_use]
    pub fn fail_fast(mut self, fail_fast: bool) -> Self {
        self.fail_fast = fail_fast;
        self
    }

    /// Sets when the rollbacks are played. Default: as the file says.
    #[must_use]
    pub fn rollback_strategy(mut self, strategy: RollbackStrategy) -> Self {
        self.rollbacks = Some(strategy);
        self
    }

    /// Leaves out a kind of activities. Default: none.
    #[must_use]
    pub fn dry(mut self, dry: Option<Dry>) -> Self {
        self.dry = dry;
        self
    }

    /// Sets the longest time for the method, after which the rollbacks begin. Default: as the experiment says,
    /// otherwise 1 h.
    ///
    /// # Errors
    /// `InvalidInput` for zero and for more than 12 hours.
    pub fn deadline(mut self, limit: Duration) -> Result<Self> {
        self.deadline = Some(Hold::up_to(limit).map_err(|error: Error| error.in_field("deadline"))?);
        Ok(self)
    }

    /// Whether a run of `experiment` would have anything to undo, so that it needs a journal.
    pub fn needs_a_journal(&self, experiment: &Experiment) -> bool {
        let has_rollbacks =
            !experiment.rollbacks.is_empty() && self.rollbacks_of(experiment) != RollbackStrategy::Never;
        let is_event = |step: &Activity| match &step.provider {
            Provider::Chaos(chaos) => chaos.kind == ChaosKind::Event,
            Provider::Python(python) => Function::of(python).is_some_and(Function::is_event),
            _ => false,
        };
        let in_method = || experiment.method.iter().any(|step| step.undo.is_some() || is_event(step));
        has_rollbacks || in_method()
    }

    /// When the rollbacks are played.
    pub(crate) fn rollbacks_of(&self, experiment: &Experiment) -> RollbackStrategy {
        self.rollbacks.or(experiment.rollback_strategy).unwrap_or_default()
    }

    /// Keeps to the order, the choice of rollbacks and the exit codes of Chaos Toolkit. What Chaos Toolkit leaves
    /// undone stays pending in the journal then.
    #[must_use]
    pub fn compatible(mut self, compatible: bool) -> Self {
        self.compatible = compatible;
        self
    }
}

impl Dry {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Probes, Self::Actions, Self::Activities, Self::Pause];

    /// Its name in options and journals.
    pub fn name(self) -> &'static str {
        match self {
            Self::Probes => "probes",
            Self::Actions => "actions",
            Self::Activities => "activities",
            Self::Pause => "pause",
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dry| dry.name() == name)
    }

    pub(crate) fn spares_probes(self) -> bool {
        matches!(self, Self::Probes | Self::Activities)
    }

    pub(crate) fn spares_actions(self) -> bool {
        matches!(self, Self::Actions | Self::Activities)
    }
}
