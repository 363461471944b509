use async_trait::async_trait;
use chaos_core::{
    FaultId, Health, Permit, Recovery, RecoveryScope, Result, TargetId, Verdict, event::FaultScope,
    fault::Injection,
};
use serde::{Deserialize, Serialize};

use super::script::SCRIPT;
use crate::host_script::{Answer, HostFault, Vantage, end_processes};

/// Removes the rules of the fault, and waits until the target is healthy: the recovery of
/// [`NetworkBlackhole`](crate::NetworkBlackhole).
///
/// The probe for restored traffic is the provider's own look at the target's health, as before the fault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RestoreTraffic {
    pub(super) vantage: Vantage,
    /// The network namespace of the rules, in the notation of the machine.
    pub(super) network: String,
    /// The commands that load the rules. Empty if an earlier version wrote this.
    #[serde(default)]
    pub(super) carried_by: String,
}

impl RestoreTraffic {
    async fn left_behind(&self, scope: &RecoveryScope) -> Result<Option<HostFault>> {
        let fault = HostFault::left_behind(SCRIPT, &self.vantage, scope).await?;
        Ok(fault.map(|fault| fault.with("network", &self.network).with("carried_by", &self.carried_by)))
    }

    /// Reports the number of dropped packets so far, if the rules can still tell. Returns whether they can.
    fn measure(scope: &FaultScope, answer: &Answer) -> Result<bool> {
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

    async fn recover(&self, scope: &RecoveryScope, permit: &Permit) -> Result<()> {
        let Some(fault) = self.left_behind(scope).await? else { return Ok(()) };
        let answer = fault.stop(permit).await?;
        let is_told = Self::measure(scope, &answer)?;
        if is_told && answer.parse::<u64>("dropped_packets")? == 0 {
            scope.no_effect("no packet arrived that matched the rules");
        }
        if !is_told && scope.injection() == Injection::Returned {
            scope.note(
                "the rules had ended before the recovery came, so the number of dropped packets could no longer be \
                 read",
            );
        }
        Ok(())
    }

    async fn verify(&self, scope: &RecoveryScope) -> Result<Verdict> {
        if let Some(fault) = self.left_behind(scope).await? {
            let answer = fault.status().await?;
            Self::measure(scope, &answer)?;
            if scope.is_held() && answer.parse::<u32>("in_effect")? == 0 {
                // Somebody has removed the rules, or ended the process that held them. The rest has no effect.
                return Ok(Verdict::Back);
            }
            let left: Vec<_> = answer.all("left").collect();
            if !left.is_empty() {
                return Ok(Verdict::NotYet(format!("still there: {}", left.join(", "))));
            }
        }
        let gone = || Verdict::Gone("the target no longer exists, and neither do the rules".to_owned());
        let Some(target) = scope.fresh_target().await? else { return Ok(gone()) };
        Ok(match target.health().await? {
            Health::Healthy => Verdict::Back,
            Health::Gone => gone(),
            health => Verdict::NotYet(format!("the rules are gone; the target is {health}")),
        })
    }

    fn by_hand(&self, target: &TargetId, fault: FaultId) -> String {
        let end = end_processes(fault, &self.vantage);
        let chains = format!("CHAOS-{fault}");
        // It comes from the target.
        let namespace = self.network.strip_prefix("net:[").and_then(|rest| rest.strip_suffix(']'));
        let place = match namespace.and_then(|inode| inode.parse::<u64>().ok()) {
            Some(inode) => format!(
                " in the network namespace net:[{inode}] (if `readlink /proc/self/ns/net` shows another one, `lsns -t \
                 net` finds a process in it, and `nsenter -n -t PID` enters it)"
            ),
            None => String::new(),
        };
        format!(
            "The rules end by themselves at the deadline. To end them earlier, run this on the machine of {target}, \
             as root{place}:\n\n    \
             {end}\n    \
             nft delete table inet chaos_{fault}\n\n\
             If there is no nft, or nft does not hold the rules:\n\n    \
             for i in iptables ip6tables; do\n    \
             \x20 $i -w 5 -D INPUT -j {chains}-in; $i -w 5 -D OUTPUT -j {chains}-out; $i -w 5 -D FORWARD -j \
             {chains}-via\n    \
             \x20 for c in in out via; do $i -w 5 -F {chains}-$c; $i -w 5 -X {chains}-$c; done\n    \
             done\n\n\
             Commands that find nothing complain that it is missing, which does no harm."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_version_wrote_is_read() {
        let earlier = r#"{"vantage":"machine boot pid:[1] user:[2] 0:0 ff","network":"net:[3]"}"#;
        let recovery: RestoreTraffic = serde_json::from_str(earlier).unwrap();
        assert_eq!((recovery.network.as_str(), recovery.carried_by.as_str()), ("net:[3]", ""));
    }

    #[test]
    fn what_the_target_calls_its_network_is_shown_only_where_it_is_a_number() {
        let words = |network: &str| {
            let recovery = RestoreTraffic { network: network.to_owned(), ..RestoreTraffic::default() };
            recovery.by_hand(&"host:web/machine-0".parse().unwrap(), "00000000000000ff".parse().unwrap())
        };
        let plain = words("net:[4026531840]");
        assert!(plain.contains("net:[4026531840]"), "{plain}");
        assert!(plain.contains("\n    nft delete table inet chaos_00000000000000ff\n"), "{plain}");
        for hostile in ["net:[1]; reboot", "net:[$(reboot)]", "net:[-1]", "reboot"] {
            assert!(!words(hostile).contains("net:["), "{hostile}");
            assert!(!words(hostile).contains("reboot"), "{hostile}");
        }
    }
}
