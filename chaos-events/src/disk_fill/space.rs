use chaos_core::{Result, event::FaultScope};

use crate::host_script::Answer;

/// The numbers of `df`, in bytes.
pub(super) struct Space {
    pub(super) free: u64,
    used: u64,
}

impl Space {
    pub(super) fn of(answer: &Answer) -> Result<Self> {
        Ok(Self { free: answer.parse("free")?, used: answer.parse("used")? })
    }

    fn used_percent(&self) -> f64 {
        100.0 * self.used as f64 / (self.used as f64 + self.free as f64)
    }
}

/// Reports how much the fill holds.
pub(super) fn measure(scope: &FaultScope, answer: &Answer) -> Result<()> {
    scope.measure("bytes", answer.parse("bytes")?);
    scope.measure("used_percent", Space::of(answer)?.used_percent());
    Ok(())
}
