use std::fmt;

use crate::fault::FaultId;

/// One run of an experiment, as its engine tells it at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EngineRun {
    /// What the engine calls it.
    pub id: String,
    /// How far it is.
    pub state: EngineRunState,
    /// The engine's own words on that.
    pub reason: Option<String>,
    /// The fault that has started it, where the engine can tell.
    pub fault: Option<FaultId>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EngineRunState {
    /// It was accepted, and has not hit anything yet.
    Starting,
    /// It is under way.
    Running,
    /// It was told to end, and undoes what it did.
    Stopping,
    /// It has come to its end.
    Completed,
    /// It has ended before its end: somebody stopped it, or a stop condition did.
    Stopped,
    /// It was refused before it hit anything: cancelled, such as by a safety lever.
    Cancelled,
    /// It has ended with an error; what it did before that was undone as far as the engine could.
    Failed,
    /// The engine says something that this version does not know. It may be under way.
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
    /// Whether nothing more comes of it.
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
