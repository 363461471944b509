use std::fmt;

use async_trait::async_trait;

use super::{Health, Labels, TargetId};
use crate::{Capabilities, Result};

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
}
