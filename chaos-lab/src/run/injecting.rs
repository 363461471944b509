use chaos_core::Monkey;
use tokio::task::JoinHandle;

/// The runs of the events of a method.
#[derive(Debug, Default)]
pub(crate) struct Events {
    pub(crate) running: Vec<Injecting>,
    /// Whether the method is over, so that none may begin.
    pub(crate) is_closed: bool,
}

/// The run of an event.
#[derive(Debug)]
pub(crate) struct Injecting {
    /// Ends it.
    pub(crate) monkey: Monkey,
    pub(crate) task: JoinHandle<()>,
}
