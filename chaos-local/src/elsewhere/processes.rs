use std::{convert::Infallible, sync::Arc};

use chaos_core::{GroupId, Result, TargetId, clock::Clock};

use super::{AsProcess, HealthCheck, never_a_provider, unsupported};

/// Processes that something else already runs, as a group of targets. There is none on this system.
#[derive(Clone, Debug)]
pub struct Processes {
    never: Infallible,
}

/// The processes to adopt; made by [`Processes::named`].
#[derive(Debug)]
#[must_use = "no process is adopted before the group is built"]
pub struct ProcessesBuilder {
    name: String,
}

/// Several groups of processes as one provider. There is none on this system.
#[derive(Clone, Debug)]
pub struct ProcessGroups {
    never: Infallible,
}

impl Processes {
    /// Adopts these processes.
    ///
    /// # Errors
    /// `Unsupported` on this system.
    pub fn adopt(name: &str, _: impl IntoIterator<Item = impl AsProcess>) -> Result<Self> {
        Self::named(name).build()
    }

    /// Begins a group with this name.
    pub fn named(name: &str) -> ProcessesBuilder {
        ProcessesBuilder { name: name.to_owned() }
    }

    /// The id of the group.
    pub fn id(&self) -> &GroupId {
        match self.never {}
    }

    /// Puts a process in the place of one that ended.
    ///
    /// # Errors
    /// None: there is no such group on this system.
    pub fn adopt_replacement(&self, _: usize, _: &impl AsProcess) -> Result<TargetId> {
        match self.never {}
    }
}

impl ProcessesBuilder {
    /// Adds a process, with the port that it listens on.
    pub fn member(self, _: &impl AsProcess, _: Option<u16>) -> Self {
        self
    }

    /// Sets the health check of the processes.
    pub fn health(self, _: HealthCheck) -> Self {
        self
    }

    /// Sets whether the harness replaces a process that ends.
    pub fn replaced_by_harness(self, _: bool) -> Self {
        self
    }

    /// Allows processes that have started this one to be chosen.
    pub fn even_ancestors(self) -> Self {
        self
    }

    /// @all Sets the clock of waits.
    pub fn clock(self, _: Arc<dyn Clock>) -> Self {
        self
    }

    /// Adopts the processes.
    ///
    /// # Errors
    /// `Unsupported` on this system.
    pub fn build(self) -> Result<Processes> {
        Err(unsupported("adopting processes").with("group", self.name))
    }
}

impl ProcessGroups {
    /// These groups.
    ///
    /// # Errors
    /// `Unsupported` on this system.
    pub fn of(_: impl IntoIterator<Item = Processes>) -> Result<Self> {
        Err(unsupported("adopting processes"))
    }
}

never_a_provider!(Processes, ProcessGroups);
