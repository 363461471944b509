use std::{fmt, sync::Arc};

use super::{Capability, CapabilitySet, Lifecycle, Setting, Settings, Shell, extensions::Extensions};
use crate::{
    engine::Engine,
    error::{Error, Result},
};

/// The capabilities of a target: one optional handle for each.
///
/// It is non-exhaustive and [`Default`], so a new capability breaks no provider.
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
    /// Change settings of the target from outside, for example to isolate it from its network.
    pub settings: Option<Arc<dyn Settings>>,
    /// Let an engine of the platform run experiments.
    pub engine: Option<Arc<dyn Engine>>,
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

    /// Adds the ability to change settings from outside.
    #[must_use]
    pub fn with_settings(mut self, settings: Arc<dyn Settings>) -> Self {
        self.settings = Some(settings);
        self
    }

    /// Adds the ability to have an engine run experiments.
    #[must_use]
    pub fn with_engine(mut self, engine: Arc<dyn Engine>) -> Self {
        self.engine = Some(engine);
        self
    }

    /// Adds a capability that this crate does not know, for events and recoveries of your own. It is found by its type.
    /// A second capability of the same type replaces the first.
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

    /// All capabilities, as a set.
    pub fn set(&self) -> CapabilitySet {
        let mut set =
            self.lifecycle.as_ref().map_or_else(CapabilitySet::default, |lifecycle| lifecycle.operations());
        if self.shell.is_some() {
            set = set.union(CapabilitySet::of([Capability::Shell]));
        }
        if self.settings.as_ref().is_some_and(|settings| settings.can_change().contains(Setting::Isolation)) {
            set = set.union(CapabilitySet::of([Capability::Isolation]));
        }
        if self.engine.is_some() {
            set = set.union(CapabilitySet::of([Capability::Engine]));
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

    /// The settings, or an `Unsupported` error.
    pub fn settings(&self) -> Result<&Arc<dyn Settings>> {
        self.settings.as_ref().ok_or_else(|| Error::unsupported("changing settings"))
    }

    /// The engine, or an `Unsupported` error.
    pub fn engine(&self) -> Result<&Arc<dyn Engine>> {
        self.engine.as_ref().ok_or_else(|| Error::unsupported("running experiments"))
    }
}
