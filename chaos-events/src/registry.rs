use chaos_core::Registry;

use crate::{
    AwaitReplacement, EndCpuBurn, FreeSpace, RestoreSettings, RestoreTraffic, StartAgain,
    StopEngineExperiment,
};

/// Every recovery of this crate, for [`MonkeyBuilder::unleash`](chaos_core::MonkeyBuilder::unleash).
///
/// ```
/// let kinds: Vec<_> = chaos_events::registry().kinds().collect();
/// assert!(kinds.contains(&"chaos-events/start-again/1"));
/// ```
pub fn registry() -> Registry {
    Registry::default()
        .register::<AwaitReplacement>()
        .register::<EndCpuBurn>()
        .register::<FreeSpace>()
        .register::<RestoreSettings>()
        .register::<RestoreTraffic>()
        .register::<StartAgain>()
        .register::<StopEngineExperiment>()
}
