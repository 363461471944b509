//! Chaos events with code around their preparation and their injection.

use std::sync::Arc;

use async_trait::async_trait;
use chaos_core::{CapabilitySet, ChaosEvent, Group, Hold, Prepared, Result, Scope};

use super::{EventCall, Faulty, Interference};

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<E: ChaosEvent, I: Interference<EventCall>> ChaosEvent for Faulty<E, I> {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn requires(&self) -> CapabilitySet {
        self.inner.requires()
    }

    fn hold(&self) -> Hold {
        self.inner.hold()
    }

    fn suits(&self, group: &Group) -> Result<(), String> {
        self.inner.suits(group)
    }

    fn caveat(&self, group: &Group) -> Option<String> {
        self.inner.caveat(group)
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        self.interference.before(EventCall::Prepare).await?;
        let prepared = self.inner.prepare(scope).await?;
        self.interference.after(EventCall::Prepare).await?;
        let interference = Arc::clone(&self.interference);
        Ok(prepared.around(|inject| {
            Box::new(move |permit| {
                Box::pin(async move {
                    interference.before(EventCall::Injection).await?;
                    inject(permit).await?;
                    interference.after(EventCall::Injection).await
                })
            })
        }))
    }
}
