//! The capabilities that an event uses, and targets that lack one.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chaos_core::{
    Capability, CapabilitySet, Error, Health, Permit, Result, Target, TargetId,
    capability::{Capabilities, Lifecycle, Undo},
    group::Labels,
};

use crate::{
    faulty::{Interference, TargetCall},
    trial::held,
};

/// Records every capability that is used.
#[derive(Debug, Default)]
pub(super) struct Used(Mutex<CapabilitySet>);

impl Used {
    pub(super) fn set(&self) -> CapabilitySet {
        *held(&self.0)
    }
}

#[async_trait]
impl Interference<TargetCall> for Used {
    async fn before(&self, call: TargetCall) -> Result<()> {
        let mut used = held(&self.0);
        *used = used.union(CapabilitySet::of(call.capability()));
        Ok(())
    }
}

/// A target without one of its capabilities.
#[derive(Debug)]
pub(super) struct Lacking {
    pub(super) inner: Arc<dyn Target>,
    pub(super) without: Capability,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Target for Lacking {
    fn id(&self) -> &TargetId {
        self.inner.id()
    }

    fn labels(&self) -> &Labels {
        self.inner.labels()
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = self.inner.capabilities();
        match self.without {
            Capability::Shell => capabilities.shell = None,
            Capability::Isolation => capabilities.settings = None,
            Capability::Engine => capabilities.engine = None,
            without => {
                capabilities.lifecycle = capabilities
                    .lifecycle
                    .map(|inner| Arc::new(LackingLifecycle { inner, without }) as Arc<dyn Lifecycle>);
            }
        }
        capabilities
    }

    async fn health(&self) -> Result<Health> {
        self.inner.health().await
    }

    async fn incarnation(&self) -> Result<Option<Arc<str>>> {
        self.inner.incarnation().await
    }

    async fn may_undo(&self, undo: &Undo) -> Result<()> {
        self.inner.may_undo(undo).await
    }
}

#[derive(Debug)]
struct LackingLifecycle {
    inner: Arc<dyn Lifecycle>,
    without: Capability,
}

impl LackingLifecycle {
    fn refuse(&self, operation: Capability) -> Result<()> {
        if operation == self.without { Err(Error::unsupported(operation)) } else { Ok(()) }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Lifecycle for LackingLifecycle {
    fn operations(&self) -> CapabilitySet {
        self.inner.operations().missing_from(CapabilitySet::of([self.without]))
    }

    fn by_hand(&self, operation: Capability) -> Option<String> {
        self.inner.by_hand(operation)
    }

    async fn terminate(&self, permit: &Permit) -> Result<()> {
        self.refuse(Capability::Terminate)?;
        self.inner.terminate(permit).await
    }

    async fn stop(&self, permit: &Permit) -> Result<()> {
        self.refuse(Capability::Stop)?;
        self.inner.stop(permit).await
    }

    async fn start(&self, permit: &Permit) -> Result<()> {
        self.refuse(Capability::Start)?;
        self.inner.start(permit).await
    }

    async fn reboot(&self, permit: &Permit) -> Result<()> {
        self.refuse(Capability::Reboot)?;
        self.inner.reboot(permit).await
    }
}
