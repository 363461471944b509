use std::{sync::Arc, time::Duration};

use crate::{Clock, FaultId, clock};
use jiff::Timestamp;

/// Proof that the undo of a fault is durable. Every call that changes a target takes one, and only this crate makes them:
/// after [`Journal::arm`](crate::Journal::arm) has returned.
///
/// It is lent and cannot be kept, cloned or made:
///
/// ```compile_fail
/// let permit = chaos_core::Permit { fault: "00000000000000ff".parse().unwrap() };
/// ```
#[derive(Debug)]
pub struct Permit {
    fault: FaultId,
    deadline: Timestamp,
    clock: Arc<dyn Clock>,
}

impl Permit {
    pub(crate) fn new(fault: FaultId, deadline: Timestamp, clock: Arc<dyn Clock>) -> Self {
        Self { fault, deadline, clock }
    }

    /// The fault that this change belongs to. Every name that is made on the target derives from it, so that two faults
    /// never collide and a recovery finds exactly its own.
    pub fn fault(&self) -> FaultId {
        self.fault
    }

    /// How long the fault may still last. Relative, because the target's clock may be wrong; zero when the deadline has
    /// passed.
    pub fn remaining(&self) -> Duration {
        clock::until(self.clock.now(), self.deadline)
    }
}
