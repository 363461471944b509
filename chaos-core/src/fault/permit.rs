use std::{sync::Arc, time::Duration};

use crate::{Clock, FaultId, Scope, clock::Deadline};

/// Proof that the undo of a fault is durable. Every call that changes a target takes one, and only this crate makes them:
/// after [`Journal::arm`](crate::Journal::arm) has returned.
///
/// It is lent: it cannot be made, cloned or kept.
#[derive(Debug)]
pub struct Permit {
    fault: FaultId,
    deadline: Deadline,
    clock: Arc<dyn Clock>,
}

impl Permit {
    pub(crate) fn of(scope: &Scope) -> Self {
        Self { fault: scope.fault(), deadline: scope.bound(), clock: Arc::clone(scope.clock()) }
    }

    /// The fault that this change belongs to. Every name that is made on the target derives from it, so that two faults
    /// never collide and a recovery finds exactly its own.
    pub fn fault(&self) -> FaultId {
        self.fault
    }

    /// How long the fault may still last. Relative, because the target's clock may be wrong; zero when the deadline has
    /// passed.
    pub fn remaining(&self) -> Duration {
        self.deadline.remaining(self.clock.as_ref())
    }
}
