//! Without a cloud, nothing is injected.

use std::{sync::Arc, time::Duration};

use chaos_core::{ChaosEvent, Error, Registry, Result};
use serde_json::{Map, Value};

use super::function::Blow;

impl Blow {
    pub(crate) fn event(self, _: &Map<String, Value>, _: Duration) -> Result<Arc<dyn ChaosEvent>> {
        Err(Error::unsupported("this program was built without a cloud"))
    }

    pub(crate) fn goes_on(self) -> bool {
        false
    }

    pub(crate) fn lasts(self) -> bool {
        false
    }
}

/// The recoveries of the events.
pub(crate) fn recoveries() -> Registry {
    Registry::default()
}
