use chaos_core::catalogue::EventCatalogue;

use crate::{CpuBurn, DiskFill, Reboot, Stop, Terminate, network_blackhole::both_ways};

/// Every event of this crate by name, to be made from data: a command line, a file, a form.
///
/// ```
/// use serde_json::json;
///
/// let catalogue = chaos_events::catalogue();
/// let asked = catalogue.decode(&json!({ "name": "cpu-burn", "load": 60, "duration": "90s" }))?;
/// assert_eq!(asked.to_value(), json!({ "name": "cpu-burn", "load": 60, "duration": "1m30s" }));
///
/// let error = catalogue.decode(&json!({ "name": "cpu-burn", "laod": 60 })).unwrap_err();
/// assert_eq!(error.to_string(), "invalid laod: 60; expected load");
/// # Ok::<(), chaos_core::Error>(())
/// ```
pub fn catalogue() -> EventCatalogue {
    let catalogue = EventCatalogue::default()
        .register::<Terminate>()
        .register::<Stop>()
        .register::<Reboot>()
        .register::<CpuBurn>()
        .register::<DiskFill>();
    both_ways(catalogue)
}
