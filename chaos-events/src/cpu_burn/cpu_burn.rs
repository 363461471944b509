use std::time::Duration;

use async_trait::async_trait;
use chaos_core::{Capability, CapabilitySet, ChaosEvent, Error, Hold, Prepared, Result, Scope};

use crate::{
    cpu_burn::{end_cpu_burn::EndCpuBurn, room::Room, script::SCRIPT},
    host_script::{HostFault, START_WITHIN},
};

/// Keeps cores of a target's machine busy for a while.
///
/// One burner for each core uses the given share of that core, in addition to the existing load of the machine. A
/// burner compares its used CPU time with the elapsed time, so the average is right even if it is interrupted. If other
/// processes want the same cores, it gets no more than its fair share: see the achieved `load_percent`, the average
/// over the burners.
///
/// The quotas of the target's control groups and their ancestors are read first, and reported as `allowed_cores`. If
/// you request more than they allow, a note says so. [`of_allowed`](CpuBurn::of_allowed) requests a share of the
/// allowed cores.
///
/// It runs on the machine of the target's [`Shell`](chaos_core::capability::Shell): for a process, on its machine.
///
/// ```
/// use std::time::Duration;
/// use chaos_events::CpuBurn;
///
/// let burn = CpuBurn::load(60.0)?.cores(1)?.lasting(Duration::from_secs(30))?;
/// assert!(CpuBurn::load(0.0).is_err());
/// # let _ = burn;
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CpuBurn {
    load: Load,
    of: Whole,
    cores: Option<usize>,
    hold: Hold,
}

/// The whole of which the load is a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whole {
    Core,
    Allowed,
}

/// A share of one core, in hundredths of a percent.
#[derive(Clone, Copy, Debug)]
struct Load(u32);

impl Default for CpuBurn {
    /// 80 % of every core, for 60 seconds.
    fn default() -> Self {
        Self { load: Load(8_000), of: Whole::Core, cores: None, hold: Hold::DEFAULT }
    }
}

impl CpuBurn {
    /// Uses this much of every core for 60 seconds, in percent from 0.01 to 100.
    ///
    /// # Errors
    /// `InvalidInput` for anything else.
    pub fn load(percent: f64) -> Result<Self> {
        Ok(Self { load: Load::percent(percent)?, ..Self::default() })
    }

    /// Takes the load as a share of the cores that the target's control groups allow, if their quotas are below its
    /// cores. For example, if a container may use half a core, 80 % is 40 % of one core. There is one burner for each
    /// allowed core, whole or in part, or as many as [`cores`](CpuBurn::cores) sets. Without a quota, it is a share of
    /// each core.
    #[must_use]
    pub fn of_allowed(mut self) -> Self {
        self.of = Whole::Allowed;
        self
    }

    /// Burns this many cores. A target with fewer cores is left alone.
    ///
    /// # Errors
    /// `InvalidInput` for zero.
    pub fn cores(mut self, cores: usize) -> Result<Self> {
        if cores == 0 {
            return Err(Error::invalid("cores", cores, "at least 1"));
        }
        self.cores = Some(cores);
        Ok(self)
    }

    /// Burns for this long.
    ///
    /// # Errors
    /// `InvalidInput` for zero and for more than 12 hours.
    pub fn lasting(mut self, duration: Duration) -> Result<Self> {
        self.hold = Hold::lasting(duration)?;
        Ok(self)
    }
}

impl Load {
    fn percent(percent: f64) -> Result<Self> {
        // Also for a value that is not a number.
        if !(0.01..=100.0).contains(&percent) {
            return Err(Error::invalid("load", percent, "from 0.01 to 100 percent of a core"));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 1 to 10,000")]
        let hundredths = (percent * 100.0).round() as u32;
        Ok(Self(hundredths))
    }

    fn as_percent(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

impl CpuBurn {
    /// The number of burners, and the share of a core that each of them uses.
    fn share(&self, room: Room) -> Result<(usize, Load)> {
        let here = room.cores;
        if let Some(cores) = self.cores
            && cores > here
        {
            return Err(Error::invalid("cores", cores, format!("at most the {here} that the target has")));
        }
        let (Whole::Allowed, Some(allowed)) = (self.of, room.allowed) else {
            return Ok((self.cores.unwrap_or(here), self.load));
        };
        let cores = self.cores.unwrap_or((allowed.div_ceil(100) as usize).clamp(1, here));
        let load = u64::from(self.load.0) * u64::from(allowed) / (100 * cores as u64);
        let load = u32::try_from(load.clamp(1, 10_000)).unwrap_or(10_000);
        Ok((cores, Load(load)))
    }
}

#[async_trait]
impl ChaosEvent for CpuBurn {
    fn name(&self) -> &'static str {
        "cpu-burn"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::of([Capability::Shell])
    }

    fn hold(&self) -> Hold {
        self.hold
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let ready = HostFault::prepared(SCRIPT, scope)?.preflight(scope).await?;
        let room = Room::of(&ready.answer)?;
        let (cores, load) = self.share(room)?;
        let ready = ready.with("load", load.0).with("cores", cores);
        let begun = scope.clone();
        let recovery = EndCpuBurn::of(&ready, cores);
        let prepared = Prepared::new(recovery, move |permit| {
            Box::pin(async move {
                room.tell(load.as_percent() / 100.0 * cores as f64, &begun);
                ready.start(START_WITHIN, permit).await?.tell_notes(&begun);
                // It returns when it has seen every burner.
                begun.see_effect();
                Ok(())
            })
        });
        Ok(prepared
            .requesting("load_percent", load.as_percent())
            .requesting("cores", cores as f64)
            .requesting("seconds", self.hold.duration().as_secs_f64()))
    }
}
