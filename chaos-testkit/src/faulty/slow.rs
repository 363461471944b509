use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chaos_core::{ChaosEvent, Journal, Provider, Result, clock::Clock};

use super::{Altered, Call, Faulty, Interference, target::around_targets};

/// Makes every call wait before it is made.
///
/// ```
/// use std::time::Duration;
/// use chaos_core::{clock::SystemClock, testing::MemoryProvider};
/// use chaos_testkit::faulty::Slow;
///
/// let provider = Slow::provider(MemoryProvider::default(), SystemClock::default(), Duration::from_secs(400));
/// # let _ = provider;
/// ```
#[derive(Debug)]
pub struct Slow {
    clock: Arc<dyn Clock>,
    delay: Duration,
}

impl Slow {
    /// A journal that waits for `delay` before each call.
    pub fn journal<J: Journal>(journal: J, clock: impl Clock, delay: Duration) -> Faulty<J, Self> {
        Faulty::new(journal, Self::new(clock, delay))
    }

    /// An event that waits for `delay` before each preparation and each injection.
    pub fn event<E: ChaosEvent>(event: E, clock: impl Clock, delay: Duration) -> Faulty<E, Self> {
        Faulty::new(event, Self::new(clock, delay))
    }

    /// A provider that waits for `delay` before each call, and before the first group of a listing.
    pub fn provider<P: Provider>(provider: P, clock: impl Clock, delay: Duration) -> Faulty<P, Self> {
        Faulty::new(provider, Self::new(clock, delay))
    }

    /// A provider whose targets wait for `delay` before each call.
    pub fn targets<P: Provider>(provider: P, clock: impl Clock, delay: Duration) -> Altered<P> {
        around_targets(provider, Self::new(clock, delay))
    }

    fn new(clock: impl Clock, delay: Duration) -> Self {
        Self { clock: Arc::new(clock), delay }
    }
}

#[async_trait]
impl<C: Call> Interference<C> for Slow {
    async fn before(&self, _: C) -> Result<()> {
        self.clock.sleep(self.delay).await;
        Ok(())
    }
}
