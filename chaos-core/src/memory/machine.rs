use std::sync::{
    Arc, Weak,
    atomic::{AtomicU8, Ordering},
};

use async_trait::async_trait;

use super::provider::Replacer;
use crate::{
    Capabilities, Capability, CapabilitySet, Health, Labels, Lifecycle, Permit, Result, Target, TargetId,
};

/// A machine that exists only in memory.
#[derive(Debug)]
pub(super) struct Machine {
    id: TargetId,
    labels: Labels,
    power: Arc<Power>,
}

/// Its switch.
#[derive(Debug)]
pub(super) struct Power {
    id: TargetId,
    health: AtomicU8,
    replacer: Weak<Replacer>,
}

impl Machine {
    pub(super) fn new(id: TargetId, replacer: Weak<Replacer>) -> Self {
        let power = Power { id: id.clone(), health: AtomicU8::new(code(Health::Healthy)), replacer };
        Self { id, labels: Labels::new(), power: Arc::new(power) }
    }

    pub(super) fn seen_health(&self) -> Health {
        self.power.health()
    }

    pub(super) fn set_health(&self, health: Health) {
        self.power.set(health);
    }
}

impl Power {
    fn health(&self) -> Health {
        match self.health.load(Ordering::SeqCst) {
            0 => Health::Healthy,
            1 => Health::Unhealthy,
            2 => Health::Stopped,
            3 => Health::Gone,
            _ => Health::Unknown,
        }
    }

    fn set(&self, health: Health) {
        self.health.store(code(health), Ordering::SeqCst);
    }
}

fn code(health: Health) -> u8 {
    match health {
        Health::Healthy => 0,
        Health::Unhealthy => 1,
        Health::Stopped => 2,
        Health::Gone => 3,
        Health::Unknown => 4,
    }
}

#[async_trait]
impl Target for Machine {
    fn id(&self) -> &TargetId {
        &self.id
    }

    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default().with_lifecycle(self.power.clone())
    }

    async fn health(&self) -> Result<Health> {
        Ok(self.power.health())
    }
}

#[async_trait]
impl Lifecycle for Power {
    fn operations(&self) -> CapabilitySet {
        CapabilitySet::of([Capability::Terminate, Capability::Stop, Capability::Start, Capability::Reboot])
    }

    async fn terminate(&self, _: &Permit) -> Result<()> {
        if self.health() != Health::Gone {
            self.set(Health::Gone);
            if let Some(replacer) = self.replacer.upgrade() {
                replacer.replace(&self.id)?;
            }
        }
        Ok(())
    }

    async fn stop(&self, _: &Permit) -> Result<()> {
        if self.health() != Health::Gone {
            self.set(Health::Stopped);
        }
        Ok(())
    }

    async fn start(&self, _: &Permit) -> Result<()> {
        if self.health() == Health::Stopped {
            self.set(Health::Healthy);
        }
        Ok(())
    }

    async fn reboot(&self, permit: &Permit) -> Result<()> {
        self.stop(permit).await?;
        self.start(permit).await
    }
}
