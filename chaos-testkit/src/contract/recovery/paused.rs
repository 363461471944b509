use std::{fmt, sync::Arc};

use async_trait::async_trait;
use chaos_core::{
    CapabilitySet, ChaosEvent, Error, ErrorKind, Group, Hold, Permit, Prepared, Result, Scope, Target,
    fault::Inject,
};
use futures_util::FutureExt;
use tokio::sync::Notify;

/// The progress of an injection before it pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Come {
    /// It was begun, but nothing was done.
    NoWay,
    /// It was dropped at its first wait.
    HalfWay,
    /// It is done.
    AllTheWay,
    /// It is done, and in addition the target was terminated.
    Beyond,
}

/// The meeting point of an injection and the check that looks at it.
#[derive(Debug, Default)]
pub(super) struct Meeting {
    /// The injection has come as far as it should.
    pub(super) arrived: Notify,
    /// The check has looked.
    pub(super) seen: Notify,
}

/// An event whose injection pauses, so that another monkey can recover a copy of its fault as an orphan.
pub(super) struct Paused {
    pub(super) inner: Arc<dyn ChaosEvent>,
    pub(super) come: Come,
    pub(super) meeting: Arc<Meeting>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChaosEvent for Paused {
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
        let (come, meeting) = (self.come, Arc::clone(&self.meeting));
        let target = Arc::clone(scope.target());
        let prepared = self.inner.prepare(scope).await?;
        Ok(prepared.around(move |inject| {
            Box::new(move |permit| {
                Box::pin(async move {
                    carry_out(inject, come, target, permit).await?;
                    meeting.arrived.notify_one();
                    meeting.seen.notified().await;
                    match come {
                        Come::NoWay => {
                            let what = "the suite kept the injection from happening";
                            Err(Error::new(ErrorKind::Refused, what))
                        }
                        // A dropped call cannot count as returned: a platform at the other end of a wire may not have
                        // received it.
                        Come::HalfWay => {
                            let what = "the suite dropped the injection half-way";
                            Err(Error::new(ErrorKind::Timeout, what))
                        }
                        Come::AllTheWay | Come::Beyond => Ok(()),
                    }
                })
            })
        }))
    }
}

async fn carry_out(inject: Inject, come: Come, target: Arc<dyn Target>, permit: &Permit) -> Result<()> {
    match come {
        Come::NoWay => {}
        Come::HalfWay => {
            let _ = inject(permit).now_or_never();
        }
        Come::AllTheWay => inject(permit).await?,
        Come::Beyond => {
            inject(permit).await?;
            target.capabilities().lifecycle()?.terminate(permit).await?;
        }
    }
    Ok(())
}

impl fmt::Debug for Paused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
