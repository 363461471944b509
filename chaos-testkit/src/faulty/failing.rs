use async_trait::async_trait;
use chaos_core::{ChaosEvent, Error, ErrorKind, Journal, Provider, Result};

use super::{
    Altered, Call, EventCall, Faulty, Interference, JournalCall, ProviderCall, TargetCall, Times,
    target::around_targets, times::Fuse,
};

/// Makes calls fail: the part is not called, and the caller gets an error.
///
/// ```
/// use chaos_core::{MemoryJournal, fault::FaultState};
/// use chaos_testkit::faulty::{Failing, JournalCall, Times};
///
/// // The first two attempts to close an entry fail.
/// let journal = Failing::journal(
///     MemoryJournal::new(),
///     JournalCall::Mark(FaultState::Recovered),
///     Times::first(2),
/// );
/// # let _ = journal;
/// ```
#[derive(Debug)]
pub struct Failing<C> {
    fuse: Fuse<C>,
    kind: ErrorKind,
}

impl Failing<JournalCall> {
    /// A journal that fails with kind `Journal`.
    pub fn journal<J: Journal>(journal: J, call: JournalCall, times: Times) -> Faulty<J, Self> {
        Faulty::new(journal, Self::new(call, times, ErrorKind::Journal))
    }
}

impl Failing<EventCall> {
    /// An event that fails with kind `Unavailable`.
    pub fn event<E: ChaosEvent>(event: E, call: EventCall, times: Times) -> Faulty<E, Self> {
        Faulty::new(event, Self::new(call, times, ErrorKind::Unavailable))
    }
}

impl Failing<ProviderCall> {
    /// A provider that fails with kind `Unavailable`.
    pub fn provider<P: Provider>(provider: P, call: ProviderCall, times: Times) -> Faulty<P, Self> {
        Faulty::new(provider, Self::new(call, times, ErrorKind::Unavailable))
    }
}

impl Failing<TargetCall> {
    /// A provider whose targets fail with kind `Unavailable`. The calls are counted over all targets together.
    pub fn targets<P: Provider>(provider: P, call: TargetCall, times: Times) -> Altered<P> {
        Self::targets_with(provider, call, times, ErrorKind::Unavailable)
    }

    /// Like [`targets`](Self::targets), with another kind of error.
    pub fn targets_with<P: Provider>(
        provider: P,
        call: TargetCall,
        times: Times,
        kind: ErrorKind,
    ) -> Altered<P> {
        around_targets(provider, Self::new(call, times, kind))
    }
}

impl<C: Call> Failing<C> {
    fn new(call: C, times: Times, kind: ErrorKind) -> Self {
        Self { fuse: Fuse::new(call, times), kind }
    }
}

#[async_trait]
impl<C: Call> Interference<C> for Failing<C> {
    async fn before(&self, call: C) -> Result<()> {
        if self.fuse.blows(call) {
            return Err(
                Error::new(self.kind, "this call was made to fail").with("call", format_args!("{call:?}"))
            );
        }
        Ok(())
    }
}
