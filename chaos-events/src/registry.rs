use chaos_core::Registry;

use crate::{StopEngineExperiment, catalogue};

/// Every recovery of this crate, for [`MonkeyBuilder::unleash`](chaos_core::MonkeyBuilder::unleash).
///
/// ```
/// let kinds: Vec<_> = chaos_events::registry().kinds().collect();
/// assert!(kinds.contains(&"chaos-events/start-again/1"));
/// ```
pub fn registry() -> Registry {
    catalogue().registry().register::<StopEngineExperiment>()
}
