use async_trait::async_trait;
use chaos_core::{
    Capability, CapabilitySet, ChaosEvent, Hold, Prepared, Registry, Result, Scope,
    catalogue::{Arguments, EventSpec, FromArguments},
};

use crate::StartAgain;

/// Restarts a target in place and waits until it is healthy.
///
/// ```
/// use chaos_core::ChaosEvent;
/// use chaos_events::Reboot;
///
/// assert!(Reboot::default().hold().is_momentary());
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Reboot {}

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
        let lifecycle = scope.target().capabilities().lifecycle()?.clone();
        let recovery = StartAgain::of(scope.group()).from_the_beginning().by_hand_as(lifecycle.as_ref());
        Ok(Prepared::new(recovery, |permit| {
            Box::pin(async move { permit.in_time(lifecycle.reboot(permit)).await? })
        }))
    }
}

impl FromArguments for Reboot {
    fn spec() -> EventSpec {
        EventSpec::new("reboot", "Restart the target")
    }

    fn from_arguments(_: &Arguments) -> Result<Self> {
        Ok(Self::default())
    }

    fn recoveries() -> Registry {
        Registry::default().register::<StartAgain>()
    }
}
