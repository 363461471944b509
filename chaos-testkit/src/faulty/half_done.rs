use async_trait::async_trait;
use chaos_core::{
    CapabilitySet, ChaosEvent, Error, ErrorKind, Group, Hold, Journal, Prepared, Provider, Result, Scope,
};
use futures_util::FutureExt;

use super::{
    Altered, Call, EventCall, Faulty, Interference, JournalCall, ProviderCall, TargetCall, Times,
    target::around_targets, times::Fuse,
};

/// Loses replies: the call is made, but the caller gets an error of kind `Timeout`.
///
/// ```
/// use chaos_core::testing::PowerOff;
/// use chaos_testkit::faulty::HalfDone;
///
/// // The machine is off, but the caller does not know it.
/// let event = HalfDone::event(PowerOff::default());
/// # let _ = event;
/// ```
#[derive(Debug)]
pub struct HalfDone<C> {
    fuse: Fuse<C>,
}

impl HalfDone<JournalCall> {
    /// A journal that does its work and reports an error.
    pub fn journal<J: Journal>(journal: J, call: JournalCall, times: Times) -> Faulty<J, Self> {
        Faulty::new(journal, Self::new(call, times))
    }
}

impl HalfDone<EventCall> {
    /// An event whose injection happens and reports an error.
    pub fn event<E: ChaosEvent>(event: E) -> Faulty<E, Self> {
        Faulty::new(event, Self::new(EventCall::Injection, Times::ALWAYS))
    }

    /// An event whose injection is abandoned at its first wait, and reports an error. An injection that never waits
    /// happens completely.
    pub fn cut_off<E: ChaosEvent>(event: E) -> CutOff<E> {
        CutOff(event)
    }
}

impl HalfDone<ProviderCall> {
    /// A provider whose listing yields its groups and then breaks off.
    pub fn provider<P: Provider>(provider: P, call: ProviderCall, times: Times) -> Faulty<P, Self> {
        Faulty::new(provider, Self::new(call, times))
    }
}

impl HalfDone<TargetCall> {
    /// A provider whose targets do their work and report an error. The calls are counted over all targets together.
    pub fn targets<P: Provider>(provider: P, call: TargetCall, times: Times) -> Altered<P> {
        around_targets(provider, Self::new(call, times))
    }
}

impl<C: Call> HalfDone<C> {
    fn new(call: C, times: Times) -> Self {
        Self { fuse: Fuse::new(call, times) }
    }
}

#[async_trait]
impl<C: Call> Interference<C> for HalfDone<C> {
    async fn after(&self, call: C) -> Result<()> {
        if self.fuse.blows(call) {
            return Err(lost().with("call", format_args!("{call:?}")));
        }
        Ok(())
    }
}

fn lost() -> Error {
    Error::new(ErrorKind::Timeout, "the reply was lost on purpose")
}

/// An event whose injection is dropped half-way: see [`HalfDone::cut_off`].
#[derive(Debug)]
pub struct CutOff<E>(E);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<E: ChaosEvent> ChaosEvent for CutOff<E> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn requires(&self) -> CapabilitySet {
        self.0.requires()
    }

    fn hold(&self) -> Hold {
        self.0.hold()
    }

    fn suits(&self, group: &Group) -> Result<(), String> {
        self.0.suits(group)
    }

    fn caveat(&self, group: &Group) -> Option<String> {
        self.0.caveat(group)
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let prepared = self.0.prepare(scope).await?;
        Ok(prepared.around(|inject| {
            Box::new(move |permit| {
                Box::pin(async move {
                    // Polled once and dropped.
                    let _ = inject(permit).now_or_never();
                    Err(lost())
                })
            })
        }))
    }
}
