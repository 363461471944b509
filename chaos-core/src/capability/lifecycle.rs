use std::fmt;

use async_trait::async_trait;

use super::{Capability, CapabilitySet};
use crate::{
    error::{Error, Result},
    fault::Permit,
};

/// Ends, halts and starts a target.
///
/// Every operation is idempotent: stopping what is stopped, starting what runs and terminating what is gone succeed. It
/// returns when the platform has accepted the change; whether the target has arrived there is for
/// [`Target::health`](crate::group::Target::health) to say.
///
/// None is cancel safe: a dropped call may have happened or not. That is why the journal is written before.
#[async_trait]
pub trait Lifecycle: fmt::Debug + Send + Sync + 'static {
    /// Which of terminate, stop, start and reboot work here. The others return `Unsupported`.
    fn operations(&self) -> CapabilitySet;

    /// How a person does this with the platform's own tools: one command for a shell, made of parts that were
    /// validated, such as `aws ec2 start-instances --instance-ids i-0abc`. `None`, the default, where there is none.
    fn by_hand(&self, operation: Capability) -> Option<String> {
        let _ = operation;
        None
    }

    /// Ends the target for good, as abruptly as the platform can: this is what a failure looks like.
    async fn terminate(&self, permit: &Permit) -> Result<()> {
        Err(Error::unsupported("terminate").with("fault", permit.fault()))
    }

    /// Halts the target so that [`start`](Lifecycle::start) brings it back. Where the platform can end the halt by
    /// itself, it does so when the permit's time is [up](Permit::remaining), whoever has died meanwhile.
    async fn stop(&self, permit: &Permit) -> Result<()> {
        Err(Error::unsupported("stop").with("fault", permit.fault()))
    }

    /// Starts the target again.
    async fn start(&self, permit: &Permit) -> Result<()> {
        Err(Error::unsupported("start").with("fault", permit.fault()))
    }

    /// Restarts the target in place. Returns when it has gone down, where that can be seen.
    async fn reboot(&self, permit: &Permit) -> Result<()> {
        Err(Error::unsupported("reboot").with("fault", permit.fault()))
    }
}
