use std::{fmt, sync::Arc};

use super::{Capability, CapabilitySet, Isolation, Lifecycle, Shell, extensions::Extensions};
use crate::{
    engine::Experiments,
    error::{Error, Result},
};

/// What can be done to a target: one optional handle per ability.
///
/// Non-exhaustive and [`Default`], so that a new ability breaks no provider.
///
/// ```
/// use chaos_core::capability::Capabilities;
///
/// let capabilities = Capabilities::default();
/// assert!(capabilities.set().is_empty());
/// assert!(capabilities.lifecycle().is_err());
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Capabilities {
    /// Terminate, stop, start, reboot: each may be unsupported.
    pub lifecycle: Option<Arc<dyn Lifecycle>>,
    /// Run a script on the target.
    pub shell: Option<Arc<dyn Shell>>,
    /// Cut the target off from outside.
    pub isolation: Option<Arc<dyn Isolation>>,
    /// Have an engine of the platform run experiments.
    pub experiments: Option<Arc<dyn Experiments>>,
    extensions: Extensions,
}

impl Capabilities {
    /// Adds the ability to terminate, stop, start or reboot.
    #[must_use]
    pub fn with_lifecycle(mut self, lifecycle: Arc<dyn Lifecycle>) -> Self {
        self.lifecycle = Some(lifecycle);
        self
    }

    /// Adds the ability to run scripts.
    #[must_use]
    pub fn with_shell(mut self, shell: Arc<dyn Shell>) -> Self {
        self.shell = Some(shell);
        self
    }

    /// Adds the ability to isolate from outside.
    #[must_use]
    pub fn with_isolation(mut self, isolation: Arc<dyn Isolation>) -> Self {
        self.isolation = Some(isolation);
        self
    }

    /// Adds the ability to have experiments run.
    #[must_use]
    pub fn with_experiments(mut self, experiments: Arc<dyn Experiments>) -> Self {
        self.experiments = Some(experiments);
        self
    }

    /// Adds an ability that this crate does not know, for events and recoveries of one's own: found again by its type.
    /// A second one of the same type takes the place of the first.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use chaos_core::capability::Capabilities;
    ///
    /// /// Switches features of the service on and off.
    /// #[derive(Debug, PartialEq)]
    /// struct FeatureFlags(String);
    ///
    /// let flags = Arc::new(FeatureFlags("http://localhost:8080".to_owned()));
    /// let capabilities = Capabilities::default().with_extension(flags);
    /// assert_eq!(capabilities.extension::<FeatureFlags>()?.0, "http://localhost:8080");
    /// assert!(capabilities.extension::<String>().is_err());
    /// # Ok::<(), chaos_core::Error>(())
    /// ```
    #[must_use]
    pub fn with_extension<T: fmt::Debug + Send + Sync + 'static>(mut self, extension: Arc<T>) -> Self {
        self.extensions.insert(extension);
        self
    }

    /// Everything that is there, as a set.
    pub fn set(&self) -> CapabilitySet {
        let mut set =
            self.lifecycle.as_ref().map_or_else(CapabilitySet::default, |lifecycle| lifecycle.operations());
        if self.shell.is_some() {
            set = set.union(CapabilitySet::of([Capability::Shell]));
        }
        if self.isolation.is_some() {
            set = set.union(CapabilitySet::of([Capability::Isolation]));
        }
        if self.experiments.is_some() {
            set = set.union(CapabilitySet::of([Capability::Experiments]));
        }
        set
    }

    /// The [extension](Capabilities::with_extension) of this type, or an `Unsupported` error.
    pub fn extension<T: fmt::Debug + Send + Sync + 'static>(&self) -> Result<Arc<T>> {
        self.extensions.get().ok_or_else(|| Error::unsupported(std::any::type_name::<T>()))
    }

    /// The lifecycle, or an `Unsupported` error.
    pub fn lifecycle(&self) -> Result<&Arc<dyn Lifecycle>> {
        self.lifecycle.as_ref().ok_or_else(|| Error::unsupported("lifecycle"))
    }

    /// The shell, or an `Unsupported` error.
    pub fn shell(&self) -> Result<&Arc<dyn Shell>> {
        self.shell.as_ref().ok_or_else(|| Error::unsupported("shell"))
    }

    /// The isolation, or an `Unsupported` error.
    pub fn isolation(&self) -> Result<&Arc<dyn Isolation>> {
        self.isolation.as_ref().ok_or_else(|| Error::unsupported("isolation"))
    }

    /// The experiments, or an `Unsupported` error.
    pub fn experiments(&self) -> Result<&Arc<dyn Experiments>> {
        self.experiments.as_ref().ok_or_else(|| Error::unsupported("running experiments"))
    }
}
