use std::sync::Arc;

use chaos_core::clock::Clock;

use crate::client::regions::Region;

/// The means by which the capabilities of an instance reach it.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    pub(crate) region: Arc<Region>,
    pub(crate) instance: Arc<str>,
    pub(crate) clock: Arc<dyn Clock>,
}
