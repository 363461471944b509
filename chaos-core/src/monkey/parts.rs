use std::{sync::Arc, time::Duration};

use crate::{
    calendar::{Always, Calendar},
    chance::{Entropy, SystemEntropy},
    clock::{Clock, SystemClock},
    event::ChaosEvent,
    plan::BlastRadius,
    provider::{GroupFilter, Provider},
    recovery::RetryPolicy,
    schedule::Schedule,
    steady_state::SteadyState,
};

/// The parts of a monkey, as set in its builder.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) providers: Vec<Arc<dyn Provider>>,
    pub(crate) events: Vec<Arc<dyn ChaosEvent>>,
    pub(crate) calendar: Arc<dyn Calendar>,
    pub(crate) blast_radius: BlastRadius,
    pub(crate) cool_down: Duration,
    pub(crate) filter: GroupFilter,
    pub(crate) min_age: Duration,
    pub(crate) seed: Option<u64>,
    pub(crate) interval: Duration,
    pub(crate) schedule: Option<Schedule>,
    pub(crate) due_retry: Duration,
    pub(crate) keep: Option<Duration>,
    pub(crate) steady_state: Option<SteadyState>,
    pub(crate) concurrency: usize,
    pub(crate) discovery_limit: Duration,
    pub(crate) retry: RetryPolicy,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            providers: Vec::new(),
            events: Vec::new(),
            calendar: Arc::new(Always),
            blast_radius: BlastRadius::default(),
            cool_down: Duration::ZERO,
            filter: GroupFilter::all(),
            min_age: Duration::ZERO,
            seed: None,
            interval: Duration::from_secs(3600),
            schedule: None,
            due_retry: Duration::from_secs(300),
            keep: None,
            steady_state: None,
            concurrency: 8,
            discovery_limit: Duration::from_secs(300),
            retry: RetryPolicy::default(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        }
    }
}
