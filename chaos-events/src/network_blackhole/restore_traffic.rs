use async_trait::async_trait;
use chaos_core::{Health, Injection, Permit, Recovery, Result, Scope, Verdict};
use serde::{Deserialize, Serialize};

use super::network_blackhole::SCRIPT;
use crate::host_script::{Answer, HostFault, Vantage};

/// Removes the rules of the fault, and waits until the target is healthy: the recovery of
/// [`NetworkBlackhole`](crate::NetworkBlackhole).
///
/// The probe that goes through is the provider's own look at the target's health, which it had before the fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RestoreTraffic {
    pub(super) vantage: Vantage,
    /// The network namespace of the rules, as the machine calls it.
    pub(super) network: String,
}

impl RestoreTraffic {
    async fn left_behind(&self, scope: &Scope) -> Result<Option<HostFault>> {
        let fault = HostFault::left_behind(SCRIPT, &self.vantage, scope).await?;
        Ok(fault.map(|fault| fault.with("network", &self.network)))
    }

    /// How many packets were dropped so far, where there still is something to tell. Returns whether there is.
    fn measure(scope: &Scope, answer: &Answer) -> Result<bool> {
        let is_told = answer.all("dropped_packets").next().is_some();
        if is_told {
            scope.measure("dropped_packets", answer.parse("dropped_packets")?);
        }
        Ok(is_told)
    }
}

#[async_trait]
impl Recovery for RestoreTraffic {
    const KIND: &'static str = "chaos-events/restore-traffic/1";

    async fn recover(&self, scope: &Scope, permit: &Permit) -> Result<()> {
        let Some(fault) = self.left_behind(scope).await? else { return Ok(()) };
        let is_told = Self::measure(scope, &fault.stop(permit).await?)?;
        if !is_told && scope.injection() == Injection::Returned {
            scope.note(
                "the rules had ended by themselves; what they had dropped by then could not be read any more",
            );
        }
        Ok(())
    }

    async fn verify(&self, scope: &Scope) -> Result<Verdict> {
        if let Some(fault) = self.left_behind(scope).await? {
            let answer = fault.status().await?;
            Self::measure(scope, &answer)?;
            let left: Vec<_> = answer.all("left").collect();
            if !left.is_empty() {
                return Ok(Verdict::NotYet(format!("still there: {}", left.join(", "))));
            }
        }
        let gone = || Verdict::Gone("the target exists no more, and neither do the rules".to_owned());
        let Some(target) = scope.fresh_target().await? else { return Ok(gone()) };
        Ok(match target.health().await? {
            Health::Healthy => Verdict::Back,
            Health::Gone => gone(),
            health => Verdict::NotYet(format!("the rules are gone; the target is {health}")),
        })
    }
}
