use std::sync::Arc;

use chaos_core::Clock;

use crate::regions::Region;

/// What the capabilities of an instance reach it by.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    pub(crate) region: Arc<Region>,
    pub(crate) instance: Arc<str>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Reach {
    /// Says when the order that is given now is over, also where nobody waits for it any more, that descriptions of the instance
    /// from before are old.
    pub(crate) fn changing(&self) -> Changing<'_> {
        Changing(self)
    }
}

/// An order to change an instance that is under way.
#[must_use = "what is dropped at once is over at once"]
#[derive(Debug)]
pub(crate) struct Changing<'a>(&'a Reach);

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        let Reach { region, instance, clock } = self.0;
        region.recently_seen().forget(instance, clock.as_ref());
    }
}
