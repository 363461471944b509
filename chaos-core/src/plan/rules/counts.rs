use std::time::Duration;

use jiff::Timestamp;

use crate::{
    clock,
    fault::{FaultId, FaultState},
    plan::Reason,
};

/// Nothing is injected while everything is halted.
pub(crate) fn not_halted(why: Option<&str>) -> Result<(), Reason> {
    why.map_or(Ok(()), |why| Err(Reason::halted(why)))
}

/// A target bears one fault at a time.
pub(crate) fn free_of_faults(on_target: Option<(FaultId, FaultState)>) -> Result<(), Reason> {
    on_target.map_or(Ok(()), |(fault, state)| Err(Reason::UnderFault { fault, state }))
}

/// One more fault in a group must be within its limit.
pub(crate) fn within_group(active: usize, limit: usize) -> Result<(), Reason> {
    if active >= limit { Err(Reason::GroupLimit { active, limit }) } else { Ok(()) }
}

/// One more fault over the whole journal must be within its limit.
pub(crate) fn within_total(active: usize, limit: usize) -> Result<(), Reason> {
    if active >= limit { Err(Reason::ActiveLimit { active, limit }) } else { Ok(()) }
}

/// An event leaves a target alone for a while after its last injection `begun`.
pub(crate) fn cooled_down(
    begun: Option<Timestamp>,
    cool_down: Duration,
    now: Timestamp,
) -> Result<(), Reason> {
    // Without a cool-down, no times are compared, because the clocks of two monkeys may differ.
    match begun.filter(|_| !cool_down.is_zero()).map(|begun| clock::after(begun, cool_down)) {
        Some(until) if now < until => Err(Reason::CoolingDown { until }),
        _ => Ok(()),
    }
}
