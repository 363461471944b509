use std::sync::Arc;

use crate::{
    journal::Journal,
    recovery::{Registry, RetryPolicy},
};

/// The means to keep a recovery durable and readable: the journal, the registry that reads it back, and the retry
/// policy.
#[derive(Clone, Debug)]
pub struct Safeguard {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) registry: Registry,
    pub(crate) retry: RetryPolicy,
}

impl Safeguard {
    /// A safeguard over `journal`, for the recoveries that `registry` can read back.
    pub fn new(journal: Arc<dyn Journal>, registry: Registry, retry: RetryPolicy) -> Self {
        Self { journal, registry, retry }
    }
}
