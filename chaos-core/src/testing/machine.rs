use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU8, Ordering},
    },
};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    capability::{
        Capabilities, Capability, CapabilitySet, Change, Lifecycle, Setting, SettingSet, Settings,
        SettingsSnapshot, Standing,
    },
    error::{Error, ErrorKind, Result},
    fault::{FaultId, Permit},
    group::{Health, Labels, Target, TargetId},
};

/// The replacement of a terminated machine.
pub(super) trait Replace: fmt::Debug + Send + Sync {
    fn replace(&self, gone: &TargetId) -> Result<()>;
}

/// An in-memory machine.
#[derive(Debug)]
pub(super) struct Machine {
    health: AtomicU8,
    id: TargetId,
    labels: Labels,
    incarnation: Arc<str>,
    began_at: Mutex<Option<Timestamp>>,
    /// The fault that isolates the machine.
    isolated_by: Mutex<Option<FaultId>>,
    /// The machine is its own lifecycle, and changes its own settings.
    this: Weak<Self>,
    replacer: Weak<dyn Replace>,
}

impl Machine {
    /// The `number`th machine of its group.
    pub(super) fn start(
        id: TargetId,
        labels: Labels,
        number: usize,
        replacer: Weak<dyn Replace>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            health: AtomicU8::new(code(Health::Healthy)),
            id,
            labels,
            incarnation: number.to_string().into(),
            began_at: Mutex::default(),
            isolated_by: Mutex::default(),
            this: this.clone(),
            replacer,
        })
    }

    pub(super) fn seen_health(&self) -> Health {
        match self.health.load(Ordering::SeqCst) {
            0 => Health::Healthy,
            1 => Health::Unhealthy,
            2 => Health::Stopped,
            3 => Health::Gone,
            _ => Health::Unknown,
        }
    }

    pub(super) fn seen_incarnation(&self) -> Arc<str> {
        Arc::clone(&self.incarnation)
    }

    pub(super) fn began_at(&self) -> Option<Timestamp> {
        *self.began_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_began_at(&self, at: Timestamp) {
        *self.began_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }

    fn isolated_by(&self) -> MutexGuard<'_, Option<FaultId>> {
        self.isolated_by.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_health(&self, health: Health) {
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
        match self.this.upgrade() {
            Some(machine) => {
                Capabilities::default().with_lifecycle(Arc::clone(&machine) as _).with_settings(machine)
            }
            None => Capabilities::default(),
        }
    }

    async fn health(&self) -> Result<Health> {
        Ok(self.seen_health())
    }

    async fn incarnation(&self) -> Result<Option<Arc<str>>> {
        Ok(Some(self.seen_incarnation()))
    }
}

#[async_trait]
impl Lifecycle for Machine {
    fn operations(&self) -> CapabilitySet {
        CapabilitySet::of([Capability::Terminate, Capability::Stop, Capability::Start, Capability::Reboot])
    }

    async fn terminate(&self, _: &Permit) -> Result<()> {
        if self.seen_health() != Health::Gone {
            self.set_health(Health::Gone);
            if let Some(replacer) = self.replacer.upgrade() {
                replacer.replace(&self.id)?;
            }
        }
        Ok(())
    }

    async fn stop(&self, _: &Permit) -> Result<()> {
        if self.seen_health() != Health::Gone {
            self.set_health(Health::Stopped);
        }
        Ok(())
    }

    async fn start(&self, _: &Permit) -> Result<()> {
        if self.seen_health() == Health::Stopped {
            self.set_health(Health::Healthy);
        }
        Ok(())
    }

    async fn reboot(&self, permit: &Permit) -> Result<()> {
        self.stop(permit).await?;
        self.start(permit).await
    }
}

#[async_trait]
impl Settings for Machine {
    fn can_change(&self) -> SettingSet {
        SettingSet::of([Setting::Isolation])
    }

    async fn snapshot(&self, _: &Change) -> Result<SettingsSnapshot> {
        match *self.isolated_by() {
            None => SettingsSnapshot::of(&"connected"),
            Some(fault) => {
                let what = "the machine in memory is isolated already";
                Err(Error::new(ErrorKind::Conflict, what).with("target", &self.id).with("fault", fault))
            }
        }
    }

    async fn apply(&self, _: &Change, _: &SettingsSnapshot, permit: &Permit) -> Result<()> {
        self.isolated_by().get_or_insert(permit.fault());
        Ok(())
    }

    async fn restore(&self, _: &SettingsSnapshot, permit: &Permit) -> Result<()> {
        self.isolated_by().take_if(|fault| *fault == permit.fault());
        Ok(())
    }

    async fn standing(&self, _: &SettingsSnapshot, fault: FaultId) -> Result<Standing> {
        Ok(match *self.isolated_by() {
            None => Standing::AsBefore,
            Some(by) if by == fault => Standing::Changed,
            Some(by) => Standing::Drifted(format!("fault {by} isolates the machine")),
        })
    }
}
