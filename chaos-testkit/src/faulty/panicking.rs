use async_trait::async_trait;
use chaos_core::{ChaosEvent, Journal, Provider, Result};

use super::{
    Altered, Call, EventCall, Faulty, Interference, JournalCall, ProviderCall, TargetCall, Times,
    target::around_targets, times::Fuse,
};

/// Makes calls panic before they are made.
///
/// ```
/// use chaos_core::testing::PowerOff;
/// use chaos_testkit::faulty::{EventCall, Panicking, Times};
///
/// let event = Panicking::event(PowerOff::default(), EventCall::Injection, Times::nth(1));
/// # let _ = event;
/// ```
#[derive(Debug)]
pub struct Panicking<C> {
    fuse: Fuse<C>,
}

impl Panicking<JournalCall> {
    /// A journal that panics.
    pub fn journal<J: Journal>(journal: J, call: JournalCall, times: Times) -> Faulty<J, Self> {
        Faulty::new(journal, Self::new(call, times))
    }
}

impl Panicking<EventCall> {
    /// An event that panics.
    pub fn event<E: ChaosEvent>(event: E, call: EventCall, times: Times) -> Faulty<E, Self> {
        Faulty::new(event, Self::new(call, times))
    }
}

impl Panicking<ProviderCall> {
    /// A provider that panics.
    pub fn provider<P: Provider>(provider: P, call: ProviderCall, times: Times) -> Faulty<P, Self> {
        Faulty::new(provider, Self::new(call, times))
    }
}

impl Panicking<TargetCall> {
    /// A provider whose targets panic. The calls are counted over all targets together.
    pub fn targets<P: Provider>(provider: P, call: TargetCall, times: Times) -> Altered<P> {
        around_targets(provider, Self::new(call, times))
    }
}

impl<C: Call> Panicking<C> {
    fn new(call: C, times: Times) -> Self {
        Self { fuse: Fuse::new(call, times) }
    }
}

#[async_trait]
impl<C: Call> Interference<C> for Panicking<C> {
    #[expect(clippy::panic, reason = "the purpose of this wrapper is to panic")]
    async fn before(&self, call: C) -> Result<()> {
        if self.fuse.blows(call) {
            panic!("this call was made to panic: {call:?}");
        }
        Ok(())
    }
}
