use std::{ops::Deref, sync::Arc};

use super::{FaultScope, ScopeParts};
use crate::{
    error::Result,
    fault::Injection,
    group::{Group, Target},
    recovery::RecoveryScope,
};

/// The scope of an event while it is prepared: the target and its group, and through [`FaultScope`], to which it
/// dereferences, the fault's id and deadline and the injected clock.
///
/// A recovery gets a [`RecoveryScope`] instead, which has no discovered target: it looks again.
///
/// A scope only shows; it changes nothing.
#[derive(Clone, Debug)]
pub struct Scope {
    fault: FaultScope,
    discovered: Discovered,
}

/// The target and its group at the time of the preparation.
#[derive(Clone, Debug)]
pub(crate) struct Discovered {
    pub(crate) target: Arc<dyn Target>,
    pub(crate) group: Arc<Group>,
}

impl Scope {
    pub(crate) fn preparing(parts: ScopeParts, discovered: Discovered) -> Self {
        Self { fault: FaultScope::preparing(parts), discovered }
    }

    /// The target.
    pub fn target(&self) -> &Arc<dyn Target> {
        &self.discovered.target
    }

    /// The group as it is now, except that members under a fault are as they were before the run.
    pub fn group(&self) -> &Group {
        &self.discovered.group
    }

    /// A fresh look at the group.
    ///
    /// # Errors
    /// As [`Provider::group`](crate::provider::Provider::group).
    ///
    /// Cancel safe: it only looks.
    pub async fn fresh_group(&self) -> Result<Group> {
        let id = self.group_id();
        let group = self.provider().group(&id).await?;
        if group.id == id { Ok(group) } else { Err(self.another(&id, &group.id)) }
    }

    /// The scope of the later steps: the looks at the fault during the hold, and the recovery. It contains nothing that
    /// was discovered, so a recovery that works here works in a later process too.
    pub(crate) fn recovering(&self, injection: Injection) -> RecoveryScope {
        RecoveryScope::holding(self.fault.clone(), injection)
    }
}

impl Deref for Scope {
    type Target = FaultScope;

    fn deref(&self) -> &FaultScope {
        &self.fault
    }
}
