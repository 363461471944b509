//! Trouble at single calls that the wrappers of the testkit do not make.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chaos_core::{Error, ErrorKind, Provider, Result, async_trait, clock::Clock, testing::ManualClock};
use chaos_testkit::faulty::{Altered, Call, Faulty, Interference, TargetCall};

/// Disturbs a call before it is made: every time, or the [`first`](Trouble::first) times.
#[derive(Debug)]
pub(crate) struct Trouble<C> {
    call: C,
    spared: AtomicUsize,
    left: AtomicUsize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Hang,
    Wait(Arc<ManualClock>, Duration),
    Reset,
}

impl<C: Call> Trouble<C> {
    /// `call` is never made and never returns.
    pub(crate) fn hanging_at(call: C) -> Self {
        Self::new(call, Kind::Hang)
    }

    /// `call` is made late.
    pub(crate) fn waiting_at(call: C, clock: Arc<ManualClock>, delay: Duration) -> Self {
        Self::new(call, Kind::Wait(clock, delay))
    }

    /// `call` is not made, and fails with an unclassified error.
    pub(crate) fn resetting_at(call: C) -> Self {
        Self::new(call, Kind::Reset)
    }

    fn new(call: C, kind: Kind) -> Self {
        Self { call, spared: AtomicUsize::new(0), left: AtomicUsize::new(usize::MAX), kind }
    }

    /// Spares the first `times` calls.
    pub(crate) fn after(self, times: usize) -> Self {
        self.spared.store(times, Ordering::SeqCst);
        self
    }

    pub(crate) fn first(self, times: usize) -> Self {
        self.left.store(times, Ordering::SeqCst);
        self
    }

    fn strikes(&self, call: C) -> bool {
        let take_one = |left: usize| left.checked_sub(1);
        let takes_one =
            |from: &AtomicUsize| from.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take_one).is_ok();
        call == self.call && !takes_one(&self.spared) && takes_one(&self.left)
    }
}

impl Trouble<TargetCall> {
    /// The targets of `provider` in this trouble, counted over all of them together.
    pub(crate) fn of_targets<P: Provider>(self, provider: P) -> Altered<P> {
        let trouble = Arc::new(self);
        Altered::new(provider).targets(move |target| Arc::new(Faulty::new(target, Arc::clone(&trouble))))
    }
}

#[async_trait]
impl<C: Call> Interference<C> for Trouble<C> {
    async fn before(&self, call: C) -> Result<()> {
        if !self.strikes(call) {
            return Ok(());
        }
        match &self.kind {
            Kind::Hang => std::future::pending().await,
            Kind::Wait(clock, delay) => {
                clock.sleep(*delay).await;
                Ok(())
            }
            Kind::Reset => Err(Error::new(ErrorKind::Other, "connection reset by peer")),
        }
    }
}
