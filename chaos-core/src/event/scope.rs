use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::ledger::{Findings, Ledger};
use crate::{
    Activity, Clock, Error, ErrorKind, FaultId, Group, GroupId, Injection, Milestone, Provider, Result,
    Target, TargetId, clock, observer::Observers,
};

/// What an event and a recovery see: the target, its group, the fault's id and deadline, and the injected clock.
///
/// It shows, and it changes nothing.
#[derive(Clone, Debug)]
pub struct Scope {
    inner: Arc<Inner>,
    injection: Injection,
}

#[derive(Debug)]
struct Inner {
    fault: FaultId,
    event: String,
    seed: u64,
    target_id: TargetId,
    target: Option<Arc<dyn Target>>,
    group: Option<Group>,
    provider: Arc<dyn Provider>,
    clock: Arc<dyn Clock>,
    deadline: Timestamp,
    recover_by: Timestamp,
    ledger: Ledger,
    observers: Observers,
}

/// The parts of a [`Scope`].
#[derive(Debug)]
pub(crate) struct ScopeParts {
    pub(crate) fault: FaultId,
    pub(crate) event: String,
    pub(crate) seed: u64,
    pub(crate) target_id: TargetId,
    pub(crate) target: Option<Arc<dyn Target>>,
    pub(crate) group: Option<Group>,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) deadline: Timestamp,
    pub(crate) recover_by: Timestamp,
    pub(crate) observers: Observers,
    pub(crate) injection: Injection,
}

impl Scope {
    pub(crate) fn new(parts: ScopeParts) -> Self {
        Self {
            injection: parts.injection,
            inner: Arc::new(Inner {
                fault: parts.fault,
                event: parts.event,
                seed: parts.seed,
                target_id: parts.target_id,
                target: parts.target,
                group: parts.group,
                provider: parts.provider,
                clock: parts.clock,
                deadline: parts.deadline,
                recover_by: parts.recover_by,
                ledger: Ledger::default(),
                observers: parts.observers,
            }),
        }
    }

    /// The fault's id.
    pub fn fault(&self) -> FaultId {
        self.inner.fault
    }

    /// The id of the target, even when it is gone.
    pub fn target_id(&self) -> &TargetId {
        &self.inner.target_id
    }

    /// The id of the target's group.
    pub fn group_id(&self) -> GroupId {
        self.inner.target_id.group()
    }

    /// The target. During an event's `prepare` it is always there.
    ///
    /// # Errors
    /// `NotFound` when it was gone already as this scope was made, which only a recovery meets.
    pub fn target(&self) -> Result<&Arc<dyn Target>> {
        self.inner.target.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "the target exists no more").with("target", &self.inner.target_id)
        })
    }

    /// The group as discovered before the first injection of the run. During an event's `prepare` it is always there.
    ///
    /// # Errors
    /// `NotFound` in the recovery of a replay, which has only a [fresh look](Scope::fresh_group).
    pub fn group(&self) -> Result<&Group> {
        self.inner.group.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "a replay has no group from before the fault")
                .with("group", self.group_id())
        })
    }

    /// A fresh look at the group.
    ///
    /// # Errors
    /// As [`Provider::group`].
    pub async fn fresh_group(&self) -> Result<Group> {
        self.inner.provider.group(&self.group_id()).await
    }

    /// A fresh look for the target; `None` where it is certainly gone.
    ///
    /// # Errors
    /// As [`Provider::resolve`].
    pub async fn fresh_target(&self) -> Result<Option<Arc<dyn Target>>> {
        self.inner.provider.resolve(&self.inner.target_id).await
    }

    /// The injected clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// When the fault must be over: for an event that is held, the end of its hold; for a momentary one, the end of the
    /// recovery budget.
    pub fn deadline(&self) -> Timestamp {
        self.inner.deadline
    }

    /// The time left until the [`deadline`](Scope::deadline); zero when it has passed.
    pub fn remaining(&self) -> Duration {
        clock::until(self.inner.clock.now(), self.inner.deadline)
    }

    /// When the recovery gives up: the end of its budget.
    pub fn recover_by(&self) -> Timestamp {
        self.inner.recover_by
    }

    /// What is known about whether the injection happened. In `prepare`, that it never began.
    pub fn injection(&self) -> Injection {
        self.injection
    }

    /// Reports a number that was measured, under a name that carries its unit, such as `load_percent`.
    pub fn measure(&self, name: &str, value: f64) {
        self.inner.ledger.measure(name, value);
    }

    /// Reports that `milestone` was reached now. Only the first time counts.
    pub fn reach(&self, milestone: Milestone) {
        let at = self.inner.clock.now();
        if self.inner.ledger.reach(milestone, at) {
            self.inner.observers.tell(
                at,
                Activity::Reached {
                    fault: self.inner.fault,
                    milestone,
                },
            );
        }
    }

    pub(crate) fn event(&self) -> &str {
        &self.inner.event
    }

    pub(crate) fn seed(&self) -> u64 {
        self.inner.seed
    }

    pub(crate) fn provider(&self) -> &Arc<dyn Provider> {
        &self.inner.provider
    }

    pub(crate) fn observers(&self) -> &Observers {
        &self.inner.observers
    }

    pub(crate) fn findings(&self) -> Findings {
        self.inner.ledger.snapshot()
    }

    /// The same scope, knowing more about the injection.
    pub(crate) fn with_injection(&self, injection: Injection) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            injection,
        }
    }
}
