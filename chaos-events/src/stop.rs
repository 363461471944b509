use std::time::Duration;

use async_trait::async_trait;
use chaos_core::{
    Capability, CapabilitySet, ChaosEvent, Group, Hold, Prepared, Registry, Result, Scope,
    catalogue::{Arguments, EventSpec, FromArguments, Parameter},
};

use crate::StartAgain;

/// Stops a target for a while and starts it again.
///
/// If its group replaces stopped members, the replacement is the recovery, not the start. The plan says so beforehand,
/// and so does the fault.
///
/// ```
/// use std::time::Duration;
/// use chaos_events::Stop;
///
/// let stop = Stop::lasting(Duration::from_secs(30))?;
/// assert!(Stop::lasting(Duration::from_secs(13 * 3600)).is_err(), "at most 12 hours");
/// # let _ = stop;
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Stop {
    hold: Hold,
}

impl Default for Stop {
    /// Stops for 60 seconds.
    fn default() -> Self {
        Self { hold: Hold::DEFAULT }
    }
}

impl Stop {
    /// Stops for this long.
    ///
    /// # Errors
    /// `InvalidInput` for zero and for more than 12 hours.
    pub fn lasting(duration: Duration) -> Result<Self> {
        Ok(Self { hold: Hold::lasting(duration)? })
    }
}

#[async_trait]
impl ChaosEvent for Stop {
    fn name(&self) -> &'static str {
        "stop"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::of([Capability::Stop, Capability::Start])
    }

    fn hold(&self) -> Hold {
        self.hold
    }

    fn caveat(&self, group: &Group) -> Option<String> {
        group.replaces_stopped.then(|| {
            "the group considers a stopped member unhealthy: if it replaces this one before the fault ends, the \
             replacement is the recovery, not the start"
                .to_owned()
        })
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let lifecycle = scope.target().capabilities().lifecycle()?.clone();
        let group = scope.group();
        let recovery = StartAgain::of(group).by_hand_as(lifecycle.as_ref());
        let prepared = Prepared::new(recovery, |permit| {
            Box::pin(async move { permit.in_time(lifecycle.stop(permit)).await? })
        });
        Ok(prepared.requesting("seconds", self.hold.duration().as_secs_f64()))
    }
}

impl FromArguments for Stop {
    fn spec() -> EventSpec {
        EventSpec::new("stop", "Stop the target for a while, and start it again").with(Parameter::hold())
    }

    fn from_arguments(given: &Arguments) -> Result<Self> {
        given.duration("duration")?.map_or(Ok(Self::default()), Self::lasting)
    }

    fn recoveries() -> Registry {
        Registry::default().register::<StartAgain>()
    }
}
