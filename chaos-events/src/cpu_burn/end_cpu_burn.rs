use async_trait::async_trait;
use chaos_core::{
    FaultId, Permit, Recovery, RecoveryScope, Result, TargetId, Verdict, event::FaultScope, fault::Injection,
};
use serde::{Deserialize, Serialize};

use crate::{
    cpu_burn::script::SCRIPT,
    host_script::{Answer, HostFault, Ready, Vantage, end_processes},
};

/// Ends every burner of the fault: the recovery of [`CpuBurn`](crate::CpuBurn).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EndCpuBurn {
    vantage: Vantage,
    /// The intended number; zero if it was not recorded.
    #[serde(default)]
    burners: u32,
}

impl EndCpuBurn {
    /// Ends this many burners of a fault that is ready to begin.
    pub(super) fn of(ready: &Ready, burners: usize) -> Self {
        Self { vantage: ready.vantage.clone(), burners: u32::try_from(burners).unwrap_or(0) }
    }

    /// Reports how much the burners have used so far, if there are any. Returns their number.
    fn measure(scope: &FaultScope, answer: &Answer) -> Result<u32> {
        let burners = answer.parse("burners")?;
        if burners > 0 {
            scope.measure("cores", f64::from(burners));
            scope.measure("load_percent", answer.parse("load_percent")?);
        }
        Ok(burners)
    }
}

#[async_trait]
impl Recovery for EndCpuBurn {
    const KIND: &'static str = "chaos-events/end-cpu-burn/1";

    async fn recover(&self, scope: &RecoveryScope, permit: &Permit) -> Result<()> {
        let Some(fault) = HostFault::left_behind(SCRIPT, &self.vantage, scope).await? else { return Ok(()) };
        let found = Self::measure(scope, &fault.stop(permit).await?)?;
        if found > 0 && found < self.burners {
            scope.note(format!("{found} of {} burners were left when the recovery ended them", self.burners));
        }
        if found == 0 && scope.injection() == Injection::Returned {
            scope.note(
                "the burners had ended before the recovery came; any load that is shown was measured early in the hold",
            );
        }
        Ok(())
    }

    async fn verify(&self, scope: &RecoveryScope) -> Result<Verdict> {
        let Some(fault) = HostFault::left_behind(SCRIPT, &self.vantage, scope).await? else {
            return Ok(Verdict::Gone("the target no longer exists, and neither do its burners".to_owned()));
        };
        let answer = fault.status().await?;
        Self::measure(scope, &answer)?;
        let burning = answer.all("burning").count();
        if scope.is_held() && burning < usize::try_from(self.burners).unwrap_or(usize::MAX).max(1) {
            // Some were killed or stopped, so the rest is less than requested.
            return Ok(Verdict::Back);
        }
        Ok(match answer.parse::<u32>("processes")? {
            0 => Verdict::Back,
            processes => Verdict::NotYet(format!("processes of the fault still run: {processes}")),
        })
    }

    fn by_hand(&self, target: &TargetId, fault: FaultId) -> String {
        let end = end_processes(fault, &self.vantage);
        format!(
            "The burners end by themselves at the deadline. To end them earlier, run this on the machine of {target}, \
             as root or as the user who runs its scripts, until it prints nothing more:\n\n    {end}"
        )
    }
}
