use std::{ops::Deref, sync::Arc};

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    capability::Remains,
    engine::Engine,
    error::Result,
    event::{FaultScope, ScopeParts},
    fault::{Fault, Injection, Milestone},
    group::{Group, Target},
    observer::Activity,
};

/// The scope of a recovery: fresh looks at the target and its group, the knowledge about the injection, and through
/// [`FaultScope`], to which it dereferences, the fault's id and deadline and the injected clock.
///
/// It contains nothing that was discovered, even in the process that injected. So a recovery that works there works in
/// a later process as well.
///
/// A scope only shows; it changes nothing.
#[derive(Clone, Debug)]
pub struct RecoveryScope {
    fault: FaultScope,
    injection: Injection,
    recover_by: Timestamp,
    /// Whether the fault is held. Then a look must not say that the target is back.
    is_held: bool,
}

impl RecoveryScope {
    /// The scope of the looks at a fault while it is held.
    pub(crate) fn holding(fault: FaultScope, injection: Injection) -> Self {
        let recover_by = fault.deadline();
        Self { fault, injection, recover_by, is_held: true }
    }

    /// The scope of a recovery in a later process.
    pub(crate) fn replaying(
        parts: ScopeParts,
        identity: Arc<Fault>,
        injection: Injection,
        progress: &Map<String, Value>,
    ) -> Self {
        let fault = FaultScope::replaying(parts, identity);
        progress.iter().for_each(|(name, value)| fault.ledger().progress(name, value.clone()));
        let recover_by = fault.deadline();
        Self { fault, injection, recover_by, is_held: false }
    }

    /// The same scope once the hold is over, with the end of the recovery budget.
    pub(crate) fn recover_until(mut self, recover_by: Timestamp) -> Self {
        self.recover_by = recover_by;
        self.is_held = false;
        self
    }

    /// The knowledge about whether the injection happened.
    pub fn injection(&self) -> Injection {
        self.injection
    }

    /// How far the injection came, as it was [recorded](crate::fault::Permit::record) under this name before it went
    /// on. `None` if it never recorded this.
    pub fn progress(&self, name: &str) -> Option<Value> {
        self.findings().progress.get(name).cloned()
    }

    /// Whether the fault is held. During the hold, [`Recovery::verify`](crate::recovery::Recovery::verify) tells
    /// whether the fault is in effect as requested: if the rest of it has no effect, or less than requested, it counts
    /// as over. Afterwards, any rest must still be undone.
    pub fn is_held(&self) -> bool {
        self.is_held
    }

    /// When the recovery gives up: the end of its budget, which begins when the recovery does. Before that, the
    /// deadline.
    pub fn recover_by(&self) -> Timestamp {
        self.recover_by
    }

    /// A fresh look at the group, by [`Provider::group_in_recovery`](crate::provider::Provider::group_in_recovery).
    ///
    /// # Errors
    /// As there.
    ///
    /// Cancel safe: it only looks.
    pub async fn fresh_group(&self) -> Result<Group> {
        let id = self.group_id();
        let group = self.provider().group_in_recovery(&id).await?;
        if group.id == id { Ok(group) } else { Err(self.another(&id, &group.id)) }
    }

    /// A fresh look for the target; `None` if it is certainly gone. It is also `None` if another target has its name by
    /// now. That target was never touched, and is left alone.
    ///
    /// # Errors
    /// As [`Provider::resolve`](crate::provider::Provider::resolve) and [`Target::incarnation`].
    ///
    /// Cancel safe: it only looks.
    pub async fn fresh_target(&self) -> Result<Option<Arc<dyn Target>>> {
        let id = self.target_id();
        let Some(target) = self.provider().resolve(id).await? else { return Ok(None) };
        if target.id() != id {
            return Err(self.another(id, target.id()));
        }
        let Some(incarnation) = self.incarnation() else { return Ok(Some(target)) };
        match target.incarnation().await? {
            Some(found) if *found != *incarnation => {
                // A restarted target may come back as another one on purpose.
                if !self.is_momentary() {
                    self.note("another target has its name now, and is left alone");
                }
                Ok(None)
            }
            _ => Ok(Some(target)),
        }
    }

    /// A fresh look for the capabilities that reach the rest of the fault: the target's own ones or, if it no longer
    /// exists, those that [outlive it](crate::provider::Provider::remains) according to its provider.
    ///
    /// # Errors
    /// As [`fresh_target`](RecoveryScope::fresh_target) and [`Provider::remains`](crate::provider::Provider::remains).
    /// An ability that the answer lacks is an error once it is requested, as [`Remains::shell`] says.
    ///
    /// Cancel safe: it only looks.
    pub async fn remains(&self) -> Result<Remains> {
        match self.fresh_target().await? {
            Some(target) => Ok(Remains::offered(&target.capabilities())),
            None => self.provider().remains(self.target_id()).await,
        }
    }

    /// As [`remains`](RecoveryScope::remains), for the engine. It belongs to an account and not to a target, so the
    /// provider is also asked if an existing target does not offer one.
    ///
    /// # Errors
    /// As there.
    ///
    /// Cancel safe: it only looks.
    pub async fn engine(&self) -> Result<Option<Arc<dyn Engine>>> {
        let target = self.fresh_target().await?;
        match target.and_then(|target| target.capabilities().engine) {
            Some(engine) => Ok(Some(engine)),
            None => self.provider().remains(self.target_id()).await?.engine(),
        }
    }

    /// Reports that the fault was in effect and has ended by itself as it was meant to, before its deadline. An example
    /// is a completed experiment of an engine. The fault does not count as cut short then.
    pub fn run_its_course(&self) {
        self.ledger().see();
        self.ledger().complete();
    }

    /// Reports that `milestone` was reached now. Only the first time counts. Looks while the fault is held do not
    /// count: a target that is well then has not been hit yet, or somebody else has mended it.
    pub fn reach(&self, milestone: Milestone) {
        if self.is_held {
            return;
        }
        let at = self.now();
        if self.ledger().reach(milestone, at) {
            self.observers().tell(at, Activity::Reached { fault: self.identity(), milestone });
        }
    }

    /// Removes a milestone that only seemed to be reached.
    pub(crate) fn forget(&self, milestone: Milestone) {
        self.ledger().forget(milestone);
    }
}

impl Deref for RecoveryScope {
    type Target = FaultScope;

    fn deref(&self) -> &FaultScope {
        &self.fault
    }
}
