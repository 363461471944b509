use chaos_core::Monkey;
use tokio::task::JoinHandle;

/// The run of an event.
#[derive(Debug)]
pub(crate) struct Injecting {
    /// Ends it.
    pub(crate) monkey: Monkey,
    pub(crate) task: JoinHandle<()>,
}
