use std::fmt;

/// When the hypothesis is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HypothesisStrategy {
    /// Before and after the method.
    #[default]
    Default,
    /// Before it alone.
    BeforeMethodOnly,
    /// After it alone.
    AfterMethodOnly,
    /// While it runs alone.
    DuringMethodOnly,
    /// Before, during and after.
    Continuously,
    /// Never.
    Skip,
}

/// Which ends of a run are followed by the rollbacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RollbackStrategy {
    /// As the run's mode says: every end, or with Chaos Toolkit's own rules every end but a failed or interrupted one.
    #[default]
    Default,
    /// Every end.
    Always,
    /// None.
    Never,
    /// A deviation.
    Deviated,
}

macro_rules! named {
    ($kind:ty, $($variant:ident = $name:literal),*) => {
        impl $kind {
            /// Each by the name that files and command lines have.
            pub(crate) const NAMES: &'static [(&'static str, Self)] = &[$(($name, Self::$variant)),*];

            pub(crate) fn by_name(name: &str) -> Option<Self> {
                Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, strategy)| *strategy)
            }

            pub(crate) fn names() -> String {
                Self::NAMES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
            }
        }

        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $name),* })
            }
        }
    };
}

named!(
    HypothesisStrategy,
    Default = "default",
    BeforeMethodOnly = "before-method-only",
    AfterMethodOnly = "after-method-only",
    DuringMethodOnly = "during-method-only",
    Continuously = "continuously",
    Skip = "skip"
);
named!(RollbackStrategy, Default = "default", Always = "always", Never = "never", Deviated = "deviated");

impl HypothesisStrategy {
    /// Whether the hypothesis is looked at before the method.
    pub(crate) fn is_before(self) -> bool {
        matches!(self, Self::Default | Self::BeforeMethodOnly | Self::Continuously)
    }

    pub(crate) fn is_during(self) -> bool {
        matches!(self, Self::DuringMethodOnly | Self::Continuously)
    }

    pub(crate) fn is_after(self) -> bool {
        matches!(self, Self::Default | Self::AfterMethodOnly | Self::Continuously)
    }
}
