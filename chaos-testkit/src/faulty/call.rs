//! The calls that a wrapper can break.

use std::fmt;

use chaos_core::{Capability, fault::FaultState};

/// Names a call to a part: one enum for each kind of part.
pub trait Call: Copy + Eq + fmt::Debug + Send + Sync + 'static {}

/// A call to a [`Journal`](chaos_core::Journal).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JournalCall {
    /// `arm`.
    Arm,
    /// `mark` with this state.
    Mark(FaultState),
    /// `find`.
    Find,
    /// `pending`.
    Pending,
    /// `orphans`.
    Orphans,
    /// `set_halt`.
    SetHalt,
    /// `halt`.
    Halt,
    /// `note_due`.
    NoteDue,
    /// `dues`.
    Dues,
    /// `keep_schedule`.
    KeepSchedule,
    /// `forget`.
    Forget,
}

/// A call to a [`ChaosEvent`](chaos_core::ChaosEvent), or to the injection that it prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventCall {
    /// `prepare`.
    Prepare,
    /// The injection.
    Injection,
}

/// A call to a [`Provider`](chaos_core::Provider).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProviderCall {
    /// `groups`. Interference before the call breaks the listing before its first group, interference after it after
    /// the last group.
    Groups,
    /// `group`.
    Group,
    /// `resolve`.
    Resolve,
    /// `remains`.
    Remains,
}

/// A call to a [`Target`](chaos_core::Target) or to one of its capabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetCall {
    /// `Target::health`.
    Health,
    /// `Target::incarnation`.
    Incarnation,
    /// `Target::may_undo`.
    MayUndo,
    /// `Lifecycle::terminate`.
    Terminate,
    /// `Lifecycle::stop`.
    Stop,
    /// `Lifecycle::start`.
    Start,
    /// `Lifecycle::reboot`.
    Reboot,
    /// `Shell::inspect`.
    Inspect,
    /// `Shell::run`.
    Run,
    /// `Shell::network`.
    Network,
    /// `Shell::lifeline`.
    Lifeline,
    /// `Settings::snapshot`.
    Snapshot,
    /// `Settings::apply`.
    Apply,
    /// `Settings::restore`.
    Restore,
    /// `Settings::standing`.
    Standing,
    /// `Engine::look_up`.
    LookUp,
    /// `Engine::start`.
    StartRun,
    /// `Engine::runs`.
    Runs,
    /// `Engine::stop`.
    StopRun,
}

impl TargetCall {
    /// The capability that the call belongs to. `None` for a look at the target, and for the question whether a fault
    /// may be undone.
    pub fn capability(self) -> Option<Capability> {
        Some(match self {
            Self::Health | Self::Incarnation | Self::MayUndo => return None,
            Self::Terminate => Capability::Terminate,
            Self::Stop => Capability::Stop,
            Self::Start => Capability::Start,
            Self::Reboot => Capability::Reboot,
            Self::Inspect | Self::Run | Self::Network | Self::Lifeline => Capability::Shell,
            Self::Snapshot | Self::Apply | Self::Restore | Self::Standing => Capability::Isolation,
            Self::LookUp | Self::StartRun | Self::Runs | Self::StopRun => Capability::Engine,
        })
    }
}

impl Call for JournalCall {}
impl Call for EventCall {}
impl Call for ProviderCall {}
impl Call for TargetCall {}
