use std::time::Duration;

use async_trait::async_trait;
use chaos_core::{
    Capability, CapabilitySet, ChaosEvent, Group, Hold, Prepared, Result, Scope, capability::Change,
};

use super::script::SCRIPT;
use crate::RestoreSettings;

/// Drops all traffic of a target by settings of its platform, such as security groups, and not on the target itself.
/// Made by [`NetworkBlackhole::from_outside`](crate::NetworkBlackhole::from_outside).
///
/// It needs no shell, and does not depend on the software of the target. It differs from a blackhole by a script:
///
/// - **Nothing ends it but its recovery.** Settings have no lifetime of their own: if every process of the monkey is
///   gone, they stay until the journal is replayed.
/// - It lets nothing through that the platform filters, including SSH. Services that a platform never filters stay
///   within reach, such as the metadata service.
/// - **Open connections may survive it.** A platform that tracks connections, such as AWS or Azure, filters new ones
///   only.
/// - No packets are counted.
///
/// ```
/// use std::time::Duration;
/// use chaos_events::NetworkBlackhole;
///
/// let blackhole = NetworkBlackhole::everything().from_outside()?.lasting(Duration::from_secs(120))?;
/// # let _ = blackhole;
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct BlackholeFromOutside {
    hold: Hold,
}

impl BlackholeFromOutside {
    pub(super) fn held(hold: Hold) -> Self {
        Self { hold }
    }

    /// Drops for this long.
    ///
    /// # Errors
    /// `InvalidInput` for zero and for more than 12 hours.
    pub fn lasting(mut self, duration: Duration) -> Result<Self> {
        self.hold = Hold::lasting(duration)?;
        Ok(self)
    }
}

#[async_trait]
impl ChaosEvent for BlackholeFromOutside {
    fn name(&self) -> &'static str {
        SCRIPT.event
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::of([Capability::Isolation])
    }

    fn hold(&self) -> Hold {
        self.hold
    }

    fn caveat(&self, _: &Group) -> Option<String> {
        Some(
            "the settings of the platform have no end of their own, so nothing but the recovery ends this blackhole; \
             open connections may survive it"
                .to_owned(),
        )
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let settings = scope.target().capabilities().settings()?.clone();
        let before = settings.snapshot(&Change::Isolate).await?;
        let prepared = Prepared::new(RestoreSettings::to(before.clone()), |permit| {
            Box::pin(async move { settings.apply(&Change::Isolate, &before, permit).await })
        });
        Ok(prepared.requesting("seconds", self.hold.duration().as_secs_f64()))
    }
}
