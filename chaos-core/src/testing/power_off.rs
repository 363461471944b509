use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    capability::{Capability, CapabilitySet},
    catalogue::{Arguments, EventSpec, FromArguments, Parameter},
    error::Result,
    event::{ChaosEvent, Hold, Scope},
    fault::{FaultId, Milestone, Permit, Prepared},
    group::{Health, TargetId},
    recovery::{Recovery, RecoveryScope, Registry, Verdict},
};

/// Stops a machine for a while. This is the smallest event with a hold, for examples and unit tests. For real targets,
/// use `chaos_events::Stop`.
#[derive(Clone, Copy, Debug)]
pub struct PowerOff {
    hold: Hold,
}

impl PowerOff {
    /// Stops for this long.
    pub fn lasting(hold: Hold) -> Self {
        Self { hold }
    }
}

impl Default for PowerOff {
    fn default() -> Self {
        Self { hold: Hold::DEFAULT }
    }
}

#[async_trait]
impl ChaosEvent for PowerOff {
    fn name(&self) -> &'static str {
        "power-off"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::of([Capability::Stop, Capability::Start])
    }

    fn hold(&self) -> Hold {
        self.hold
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let lifecycle = scope.target().capabilities().lifecycle()?.clone();
        let prepared =
            Prepared::new(PowerOn::default(), |permit| Box::pin(async move { lifecycle.stop(permit).await }));
        Ok(prepared.requesting("seconds", self.hold.duration().as_secs_f64()))
    }
}

impl FromArguments for PowerOff {
    fn spec() -> EventSpec {
        EventSpec::new("power-off", "Stop a machine for a while").with(Parameter::hold())
    }

    fn from_arguments(given: &Arguments) -> Result<Self> {
        Ok(Self { hold: given.duration("duration")?.map_or(Ok(Hold::DEFAULT), Hold::lasting)? })
    }

    fn recoveries() -> Registry {
        Registry::default().register::<PowerOn>()
    }
}

/// Starts a machine again: the recovery of [`PowerOff`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PowerOn {}

#[async_trait]
impl Recovery for PowerOn {
    const KIND: &'static str = "chaos-core/power-on/1";

    async fn recover(&self, scope: &RecoveryScope, permit: &Permit) -> Result<()> {
        match scope.fresh_target().await? {
            Some(target) => target.capabilities().lifecycle()?.start(permit).await,
            None => Ok(()),
        }
    }

    async fn verify(&self, scope: &RecoveryScope) -> Result<Verdict> {
        let Some(target) = scope.fresh_target().await? else {
            return Ok(Verdict::Gone("the machine no longer exists".to_owned()));
        };
        Ok(match target.health().await? {
            Health::Healthy => {
                scope.reach(Milestone::Healthy);
                Verdict::Back
            }
            health => Verdict::NotYet(format!("the machine is {health}")),
        })
    }

    fn by_hand(&self, target: &TargetId, _: FaultId) -> String {
        format!(
            "Start {target} again with the tools of its platform. An in-memory machine is gone with its process."
        )
    }
}
