use std::sync::{Arc, atomic::AtomicUsize};

use chaos_core::{Monkey, RunReport};
use tokio::task::JoinHandle;

/// The runs of the events of a method.
#[derive(Debug, Default)]
pub(crate) struct Events {
    pub(crate) running: Vec<Injecting>,
    /// Whether the method is over, so that none may begin.
    pub(crate) is_closed: bool,
    /// Calls that start something, which are waited for.
    pub(crate) calls: Vec<JoinHandle<()>>,
    /// How many of them have started an experiment, or may have.
    pub(crate) starts: Arc<AtomicUsize>,
    /// How many targets of a group the steps so far have asked for.
    #[cfg(any(feature = "aws", feature = "azure"))]
    pub(crate) asked: std::collections::BTreeMap<chaos_core::GroupId, usize>,
}

/// The run of an event.
#[derive(Debug)]
pub(crate) struct Injecting {
    /// Ends it.
    pub(crate) monkey: Monkey,
    pub(crate) task: JoinHandle<()>,
}

/// A run of an event that is over.
#[derive(Clone, Debug)]
pub(crate) struct Injected {
    pub(crate) report: RunReport,
    /// Whether its faults were to be held until the method is over, so that its end is theirs.
    pub(crate) lasts: bool,
}
