use std::fmt;

use crate::fault::FaultId;

/// One run of an experiment, as reported by its engine at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EngineRun {
    /// The engine's name for it.
    pub id: String,
    /// The state of the run.
    pub state: EngineRunState,
    /// The state in the engine's own words.
    pub reason: Option<String>,
    /// The fault that has started it, if the engine can tell.
    pub fault: Option<FaultId>,
}

/// The state of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EngineRunState {
    /// It was accepted, but has not hit anything yet.
    Starting,
    /// It is running.
    Running,
    /// It was told to end, and is undoing its effects.
    Stopping,
    /// It has completed.
    Completed,
    /// It was stopped early, by a person, a program or a stop condition.
    Stopped,
    /// It was refused before it hit anything: cancelled, such as by a safety lever.
    Cancelled,
    /// It has ended with an error. Its effects were undone as far as the engine could.
    Failed,
    /// The engine reports a state that this version does not know. The run may be in progress.
    Unknown,
}

impl EngineRun {
    /// A run that its engine calls `id`.
    pub fn new(id: impl Into<String>, state: EngineRunState) -> Self {
        Self { id: id.into(), state, reason: None, fault: None }
    }

    /// Adds the engine's own words on its state.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Adds the fault that has started it.
    #[must_use]
    pub fn fault(mut self, fault: FaultId) -> Self {
        self.fault = Some(fault);
        self
    }
}

impl EngineRunState {
    /// Whether the run is over.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Stopped | Self::Cancelled | Self::Failed)
    }
}

impl fmt::Display for EngineRunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Completed => "completed",
            Self::Stopped => "stopped",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Unknown => "in an unknown state",
        })
    }
}

impl fmt::Display for EngineRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}", self.id, self.state)?;
        match &self.reason {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}
