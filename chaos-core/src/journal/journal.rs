use std::{fmt, sync::Arc};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Arming, FaultQuery, Found, Halt, Lease, Limits};
use crate::{
    error::Result,
    fault::{FaultId, FaultRecord, Mark},
};

/// Remembers every fault from before it exists until it is undone.
///
/// A journal that fails stops all injection. Its errors are of kind `Journal`.
///
/// No call is cancel safe in the sense that a dropped call did not happen; each is atomic: it happened whole or not at
/// all.
#[async_trait]
pub trait Journal: fmt::Debug + Send + Sync + 'static {
    /// Checks `limits` and records the fault, as one transaction; returns when the record would survive a crash.
    ///
    /// The checks are [`Limits::check`] over what the journal holds within that transaction, so that two monkeys over
    /// one journal never exceed a limit together. A refusal records nothing.
    ///
    /// # Errors
    /// `Conflict` where a fault of this id is there already.
    async fn arm(&self, fault: &FaultRecord, limits: &Limits) -> Result<Arming<Lease>>;

    /// Moves a fault to the state of `mark` and keeps what the mark carries, durably.
    ///
    /// # Errors
    /// `Conflict` where [`FaultState::may_become`](crate::fault::FaultState::may_become) forbids it, so that of two who
    /// want to go on with a fault, the one who comes late learns it; `NotFound` for an unknown fault.
    async fn mark(&self, fault: FaultId, mark: &Mark) -> Result<()>;

    /// The faults that match, oldest first, and every entry that could not be read and may be one of them.
    async fn find(&self, query: &FaultQuery) -> Result<Found>;

    /// Every fault that is not [`Recovered`](crate::fault::FaultState::Recovered), oldest first.
    async fn pending(&self) -> Result<Found>;

    /// The pending faults that nobody takes care of at `now`: whose [`Lease`] was dropped, whose process is gone, or
    /// which are [overdue](FaultRecord::is_overdue), because a lease proves that a process exists and not that it acts.
    /// Oldest first.
    async fn orphans(&self, now: Timestamp) -> Result<Found>;

    /// Forbids every injection from now on, or allows them again with `None`. Durable.
    async fn set_halt(&self, halt: Option<Halt>) -> Result<()>;

    /// The halt in force.
    async fn halt(&self) -> Result<Option<Halt>>;
}

macro_rules! passed_on_by {
    ($($pointer:ident),*) => {$(
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<J: Journal + ?Sized> Journal for $pointer<J> {
            async fn arm(&self, fault: &FaultRecord, limits: &Limits) -> Result<Arming<Lease>> {
                (**self).arm(fault, limits).await
            }

            async fn mark(&self, fault: FaultId, mark: &Mark) -> Result<()> {
                (**self).mark(fault, mark).await
            }

            async fn find(&self, query: &FaultQuery) -> Result<Found> {
                (**self).find(query).await
            }

            async fn pending(&self) -> Result<Found> {
                (**self).pending().await
            }

            async fn orphans(&self, now: Timestamp) -> Result<Found> {
                (**self).orphans(now).await
            }

            async fn set_halt(&self, halt: Option<Halt>) -> Result<()> {
                (**self).set_halt(halt).await
            }

            async fn halt(&self) -> Result<Option<Halt>> {
                (**self).halt().await
            }
        }
    )*};
}

passed_on_by!(Arc, Box);
