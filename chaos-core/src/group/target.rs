use std::{fmt, sync::Arc};

use async_trait::async_trait;

use super::{Health, Labels, TargetId};
use crate::{
    capability::{Capabilities, Undo},
    error::Result,
};

/// One thing a fault can be injected into: an instance, a virtual machine, a container, a process.
///
/// A target is a handle, not a snapshot: [`health`](Target::health) looks again each time.
#[async_trait]
pub trait Target: fmt::Debug + Send + Sync + 'static {
    /// The target's name, valid in any process.
    fn id(&self) -> &TargetId;

    /// The target's tags, as discovered.
    fn labels(&self) -> &Labels;

    /// The target's capabilities. This makes no call to the platform.
    fn capabilities(&self) -> Capabilities;

    /// The target's health at this moment.
    ///
    /// # Errors
    /// If the health cannot be found out. An error is a doubt, never [`Health::Unhealthy`].
    ///
    /// Cancel safe: it only looks.
    async fn health(&self) -> Result<Health>;

    /// Tells the target apart from a later one with the same name: an id that the platform gives to one machine only,
    /// or a process's pid and start time. It stays the same when a machine is stopped, started or rebooted. `None`, the
    /// default, if ids are never used twice, or if nothing has this name at the moment.
    ///
    /// # Errors
    /// If the incarnation cannot be found out.
    ///
    /// Cancel safe: it only looks.
    async fn incarnation(&self) -> Result<Option<Arc<str>>> {
        Ok(None)
    }

    /// Checks whether this program would be permitted to bring the target back, as far as the platform can tell without
    /// any effect. It is called before a fault is armed, and in a dry run.
    ///
    /// # Errors
    /// `Denied` with the missing permission if the program would not be permitted; any other kind if the platform
    /// cannot tell. Each error is a doubt, and nothing is injected. The default returns no error.
    ///
    /// Cancel safe: it only looks.
    async fn may_undo(&self, undo: &Undo) -> Result<()> {
        let _ = undo;
        Ok(())
    }
}
