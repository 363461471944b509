use std::{fmt, sync::Arc};

use async_trait::async_trait;

use super::{Health, Labels, TargetId};
use crate::{
    capability::{Capabilities, Undo},
    error::Result,
};

/// One thing a fault can be injected into: an instance, a virtual machine, a container, a process.
///
/// A target is a handle and not a snapshot: [`health`](Target::health) looks afresh each time.
#[async_trait]
pub trait Target: fmt::Debug + Send + Sync + 'static {
    /// Names it, from any process.
    fn id(&self) -> &TargetId;

    /// Its tags, as discovered.
    fn labels(&self) -> &Labels;

    /// What can be done to it. Costs no call to the platform.
    fn capabilities(&self) -> Capabilities;

    /// How it is at this moment.
    ///
    /// # Errors
    /// When that cannot be found out. An error is a doubt, never [`Health::Unhealthy`].
    ///
    /// Cancel safe: it only looks.
    async fn health(&self) -> Result<Health>;

    /// Tells it from another target that bears its name after it: the id that a platform gives to one machine and no
    /// other, a process's pid and start time. It stays the same while a machine is stopped, started or rebooted.
    /// `None`, the default, where ids are never used twice, and where there is nothing of this name just now.
    ///
    /// # Errors
    /// When that cannot be found out.
    ///
    /// Cancel safe: it only looks.
    async fn incarnation(&self) -> Result<Option<Arc<str>>> {
        Ok(None)
    }

    /// Whether this program would be allowed to bring the target back, as far as the platform can be asked without any
    /// effect. Asked before a fault is armed, and in a dry run.
    ///
    /// # Errors
    /// `Denied` where it would not be, with what is missing; any other kind where that cannot be told. Each is a doubt,
    /// and nothing is injected. Default: none.
    ///
    /// Cancel safe: it only looks.
    async fn may_undo(&self, undo: &Undo) -> Result<()> {
        let _ = undo;
        Ok(())
    }
}
