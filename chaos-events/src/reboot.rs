use std::time::Duration;

use async_trait::async_trait;
use chaos_core::{Capability, CapabilitySet, ChaosEvent, Hold, Prepared, Result, Scope};

use crate::{StartAgain, pace::SETTLE};

/// Restarts a target in place and waits until it is healthy.
///
/// ```
/// use chaos_core::ChaosEvent;
/// use chaos_events::Reboot;
///
/// assert!(Reboot::default().hold().is_momentary());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Reboot {
    settle: Duration,
}

impl Default for Reboot {
    fn default() -> Self {
        Self { settle: SETTLE }
    }
}

impl Reboot {
    /// Sets how long a target must stay healthy before a reboot whose reply was lost counts as over. Default 5 s.
    #[must_use]
    pub fn settle(mut self, settle: Duration) -> Self {
        self.settle = settle;
        self
    }
}

#[async_trait]
impl ChaosEvent for Reboot {
    fn name(&self) -> &'static str {
        "reboot"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::of([Capability::Reboot])
    }

    fn hold(&self) -> Hold {
        Hold::MOMENTARY
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let lifecycle = scope.target()?.capabilities().lifecycle()?.clone();
        let recovery = StartAgain::of(scope.group()?, self.settle);
        Ok(Prepared::new(recovery, |permit| Box::pin(async move { lifecycle.reboot(permit).await })))
    }
}
