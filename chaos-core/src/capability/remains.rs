use std::sync::Arc;

use super::{Capabilities, Settings, Shell};
use crate::{
    engine::Engine,
    error::{Error, Result},
};

/// The abilities that reach the rest of a fault. For a target that exists, they are its own. For a target that no
/// longer exists, its provider [answers](crate::provider::Provider::remains).
///
/// Each ability is [`Unknown`](Remnant::Unknown) by default. A recovery that asks for an unknown ability gets an error:
/// unknown never means that nothing is left. So a new ability breaks no provider, and fails safe.
///
/// ```
/// use chaos_core::capability::Remains;
///
/// // Of a virtual machine that was deleted: its processes are gone with it.
/// let remains = Remains::default().without_shell();
/// assert!(remains.shell()?.is_none());
/// // Its provider says nothing of rules in a network, so they do not count as gone.
/// assert!(remains.settings().is_err());
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Remains {
    /// Reaches the rest of scripts: the shell of the machine that a process ran on exists without the process.
    pub shell: Remnant<dyn Shell>,
    /// Puts changed settings back. Rules and groups of a network stay when a machine is deleted, and cut off the next
    /// machine that gets its address.
    pub settings: Remnant<dyn Settings>,
    /// Reaches the engine whose experiments the target offered. A run continues without its target.
    pub engine: Remnant<dyn Engine>,
}

/// One ability of [`Remains`].
#[derive(Debug, Default)]
#[non_exhaustive]
pub enum Remnant<T: ?Sized> {
    /// The provider does not mention the ability. A recovery that asks for it gets an `Unsupported` error.
    #[default]
    Unknown,
    /// The provider could not find out. A recovery that asks for the ability gets this error.
    Doubtful(Error),
    /// It is certain that such a target leaves nothing behind for this ability to reach.
    Nothing,
    /// This reaches it.
    Reachable(Arc<T>),
}

impl Remains {
    /// Adds a shell that reaches the rest of scripts.
    #[must_use]
    pub fn with_shell(mut self, shell: Arc<dyn Shell>) -> Self {
        self.shell = Remnant::Reachable(shell);
        self
    }

    /// Says that the effects of scripts cannot outlive such a target.
    #[must_use]
    pub fn without_shell(mut self) -> Self {
        self.shell = Remnant::Nothing;
        self
    }

    /// Adds the ability to put settings back.
    #[must_use]
    pub fn with_settings(mut self, settings: Arc<dyn Settings>) -> Self {
        self.settings = Remnant::Reachable(settings);
        self
    }

    /// Says that a change of its settings cannot outlive such a target.
    #[must_use]
    pub fn without_settings(mut self) -> Self {
        self.settings = Remnant::Nothing;
        self
    }

    /// Adds the engine that runs experiments.
    #[must_use]
    pub fn with_engine(mut self, engine: Arc<dyn Engine>) -> Self {
        self.engine = Remnant::Reachable(engine);
        self
    }

    /// A shell that reaches the rest of scripts; `None` if it is certain that nothing can be left.
    ///
    /// # Errors
    /// `Unsupported` if an existing target has no shell, or if the provider does not say what outlives a target that no
    /// longer exists. The provider's error if it could not find out.
    pub fn shell(&self) -> Result<Option<Arc<dyn Shell>>> {
        self.shell.reached("a shell that reaches the rest of a fault whose target no longer exists")
    }

    /// The ability to put settings back; `None` if it is certain that nothing can be left of a change.
    ///
    /// # Errors
    /// As [`shell`](Remains::shell).
    pub fn settings(&self) -> Result<Option<Arc<dyn Settings>>> {
        self.settings.reached("restoring settings of a target that no longer exists")
    }

    /// The engine that runs experiments; `None` if it is certain that no run can be left.
    ///
    /// # Errors
    /// As [`shell`](Remains::shell).
    pub fn engine(&self) -> Result<Option<Arc<dyn Engine>>> {
        self.engine.reached("running experiments")
    }

    /// The abilities of an existing target. Each ability that it lacks is `Unsupported`.
    pub(crate) fn offered(capabilities: &Capabilities) -> Self {
        Self {
            shell: Remnant::offered(capabilities.shell()),
            settings: Remnant::offered(capabilities.settings()),
            engine: Remnant::offered(capabilities.engine()),
        }
    }
}

impl<T: ?Sized> Remnant<T> {
    fn offered(ability: Result<&Arc<T>>) -> Self {
        match ability {
            Ok(ability) => Self::Reachable(Arc::clone(ability)),
            Err(lacking) => Self::Doubtful(lacking),
        }
    }

    fn reached(&self, what: &str) -> Result<Option<Arc<T>>> {
        match self {
            Self::Unknown => Err(Error::unsupported(what)),
            Self::Doubtful(error) => Err(error.clone()),
            Self::Nothing => Ok(None),
            Self::Reachable(ability) => Ok(Some(Arc::clone(ability))),
        }
    }
}

impl<T: ?Sized> Clone for Remnant<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Unknown => Self::Unknown,
            Self::Doubtful(error) => Self::Doubtful(error.clone()),
            Self::Nothing => Self::Nothing,
            Self::Reachable(ability) => Self::Reachable(Arc::clone(ability)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn what_nobody_mentions_does_not_count_as_gone() {
        let unknown = Remains::default();
        for error in [unknown.shell().err(), unknown.settings().err(), unknown.engine().err()] {
            let error = error.expect("nothing is known");
            assert!(error.kind() == ErrorKind::Unsupported && error.is_final(), "{error}");
        }
        assert!(unknown.clone().without_shell().shell().unwrap().is_none());
        assert!(unknown.without_shell().settings().is_err());
    }

    #[test]
    fn a_doubt_is_told_as_it_is() {
        let throttled = Error::new(ErrorKind::Throttled, "not now");
        let doubtful = Remains { shell: Remnant::Doubtful(throttled), ..Remains::default() };
        let error = doubtful.shell().expect_err("it could not be found out");
        assert!(error.kind() == ErrorKind::Throttled && !error.is_final(), "{error}");
    }

    #[test]
    fn what_a_living_target_lacks_is_unsupported() {
        let error = Remains::offered(&Capabilities::default()).shell().expect_err("it has none");
        assert_eq!(error.to_string(), "shell is not supported here");
    }
}
