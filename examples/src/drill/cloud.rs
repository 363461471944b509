use std::sync::Arc;

use chaos_core::Provider;

/// Groups in a cloud: other people's machines, which are there before the drill and after it.
#[derive(Debug)]
pub(super) struct Cloud {
    pub(super) provider: Arc<dyn Provider>,
}

impl Cloud {
    #[cfg_attr(not(feature = "aws"), expect(dead_code, reason = "built without any cloud"))]
    pub(super) fn new(provider: Arc<dyn Provider>) -> Self {
        Self { provider }
    }
}
