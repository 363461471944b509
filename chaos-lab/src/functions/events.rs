//! The events that functions inject.

use std::{sync::Arc, time::Duration};

use chaos_core::{ChaosEvent, Error, Registry, Result};
use chaos_events::{CpuBurn, DiskFill, Reboot, Stop, Terminate};
use serde_json::{Map, Value};

use super::function::EventKind;

/// The path that is filled if the file names none.
const FILLED: &str = "/root/burn";

impl EventKind {
    /// The event. One without a duration is held for `rest`, the time that the method still has.
    pub(crate) fn event(self, arguments: &Map<String, Value>, rest: Duration) -> Result<Arc<dyn ChaosEvent>> {
        let seconds =
            || Duration::from_secs(arguments.get("duration").and_then(Value::as_u64).unwrap_or(120));
        Ok(match self {
            Self::Terminate => Arc::new(Terminate::default()),
            Self::Stop | Self::Deallocate => Arc::new(Stop::lasting(rest)?),
            Self::Restart => Arc::new(Reboot::default()),
            Self::BurnCpu => Arc::new(CpuBurn::load(100.0)?.lasting(seconds())?),
            Self::FillDisk => {
                let megabytes = arguments.get("size").and_then(Value::as_u64).unwrap_or(1000);
                let path = arguments.get("path").and_then(Value::as_str).unwrap_or(FILLED);
                // The file system is filled, in a file of the event's own.
                let folder = match path.rsplit_once('/') {
                    Some(("", _)) => "/",
                    Some((folder, _)) => folder,
                    None => return Err(Error::invalid("path", format!("{path:?}"), "an absolute path")),
                };
                let bytes = megabytes.saturating_mul(1 << 20);
                Arc::new(DiskFill::bytes(folder, bytes)?.lasting(seconds())?)
            }
        })
    }

    /// Whether the function returns when the event is injected. Otherwise it waits for the end of the event.
    pub(crate) fn goes_on(self) -> bool {
        matches!(self, Self::Terminate | Self::Stop | Self::Deallocate | Self::Restart)
    }

    /// Whether the event is held until the method is over.
    pub(crate) fn lasts(self) -> bool {
        matches!(self, Self::Stop | Self::Deallocate)
    }
}

/// The recoveries of the events.
pub(crate) fn recoveries() -> Registry {
    chaos_events::registry()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_lasts_as_long_as_the_file_says_or_as_the_method() {
        let rest = Duration::from_secs(1800);
        for (kind, arguments, name, seconds) in [
            (EventKind::Terminate, json!({}), "terminate", 0),
            (EventKind::Stop, json!({}), "stop", 1800),
            (EventKind::Deallocate, json!({}), "stop", 1800),
            (EventKind::Restart, json!({}), "reboot", 0),
            (EventKind::BurnCpu, json!({}), "cpu-burn", 120),
            (EventKind::BurnCpu, json!({ "duration": 5 }), "cpu-burn", 5),
            (EventKind::FillDisk, json!({ "duration": 7, "size": 3, "path": "/data/burn" }), "disk-fill", 7),
        ] {
            let event = kind.event(arguments.as_object().unwrap(), rest).unwrap();
            assert_eq!((event.name(), event.hold().duration().as_secs()), (name, seconds), "{kind:?}");
        }
        let fill =
            EventKind::FillDisk.event(json!({ "size": 3, "path": "/data/burn" }).as_object().unwrap(), rest);
        let shown = format!("{:?}", fill.unwrap());
        assert!(shown.contains("\"/data\"") && shown.contains("3145728"), "{shown}");
        assert!(EventKind::FillDisk.event(json!({ "path": "burn" }).as_object().unwrap(), rest).is_err());
        assert!(EventKind::Stop.event(&Map::new(), Duration::ZERO).is_err(), "a method without time left");
    }
}
