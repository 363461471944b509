/// When the hypothesis is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HypothesisStrategy {
    /// Before and after the method: `default`.
    #[default]
    BeforeAndAfter,
    /// `before-method-only`.
    Before,
    /// `after-method-only`.
    After,
    /// `during-method-only`.
    During,
    /// Before, during and after the method: `continuously`.
    Continuously,
    /// Never: `skip`.
    Skip,
}

/// When the rollbacks are played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RollbackStrategy {
    /// `default`. Here: after every end of the run, as `always`. In Chaos Toolkit: not if the run failed or was
    /// interrupted.
    #[default]
    Default,
    /// `always`.
    Always,
    /// `never`.
    Never,
    /// Only if the system deviated: `deviated`.
    Deviated,
}

impl HypothesisStrategy {
    /// Its name in files and options.
    pub fn name(self) -> &'static str {
        match self {
            Self::BeforeAndAfter => "default",
            Self::Before => "before-method-only",
            Self::After => "after-method-only",
            Self::During => "during-method-only",
            Self::Continuously => "continuously",
            Self::Skip => "skip",
        }
    }

    /// Whether it looks before the method.
    pub fn is_before(self) -> bool {
        matches!(self, Self::BeforeAndAfter | Self::Before | Self::Continuously)
    }

    /// Whether it looks during the method.
    pub fn is_during(self) -> bool {
        matches!(self, Self::During | Self::Continuously)
    }

    /// Whether it looks after the method.
    pub fn is_after(self) -> bool {
        matches!(self, Self::BeforeAndAfter | Self::After | Self::Continuously)
    }

    /// Every strategy.
    pub const ALL: [Self; 6] =
        [Self::BeforeAndAfter, Self::Before, Self::After, Self::During, Self::Continuously, Self::Skip];

    /// The strategy of this name, or of `continously`, as Chaos Toolkit once spelt it.
    pub fn named(name: &str) -> Option<Self> {
        let name = if name == "continously" { "continuously" } else { name };
        Self::ALL.into_iter().find(|strategy| strategy.name() == name)
    }
}

impl RollbackStrategy {
    /// Every strategy.
    pub const ALL: [Self; 4] = [Self::Default, Self::Always, Self::Never, Self::Deviated];

    /// Its name in files and options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Always => "always",
            Self::Never => "never",
            Self::Deviated => "deviated",
        }
    }

    /// The strategy of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|strategy| strategy.name() == name)
    }
}
