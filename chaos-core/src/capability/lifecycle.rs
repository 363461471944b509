use std::fmt;

use async_trait::async_trait;

use super::{Capability, CapabilitySet};
use crate::{
    error::{Error, Result},
    fault::Permit,
};

/// Ends, stops and starts a target.
///
/// Every operation is idempotent: you can stop a stopped target, start a running one, and terminate one that is gone.
/// An operation returns when the platform has accepted the change. [`Target::health`](crate::group::Target::health)
/// tells whether the target has reached the new state.
///
/// No operation is cancel safe: a dropped call may have happened or not. That is why the journal is written first.
#[async_trait]
pub trait Lifecycle: fmt::Debug + Send + Sync + 'static {
    /// The supported ones of terminate, stop, start and reboot. The others return `Unsupported`.
    fn operations(&self) -> CapabilitySet;

    /// The shell command by which a person does this with the platform's own tools, made of validated parts, such as
    /// `aws ec2 start-instances --instance-ids i-0abc`. `None`, the default, if there is none.
    fn by_hand(&self, operation: Capability) -> Option<String> {
        let _ = operation;
        None
    }

    /// Ends the target for good, as abruptly as the platform can, like a real failure.
    async fn terminate(&self, permit: &Permit) -> Result<()> {
        Err(Error::unsupported("terminate").with("fault", permit.fault()))
    }

    /// Stops the target; [`start`](Lifecycle::start) brings it back. If the platform can end the stop by itself, it
    /// does so when the permit's time is [up](Permit::remaining), even if this process has died.
    async fn stop(&self, permit: &Permit) -> Result<()> {
        Err(Error::unsupported("stop").with("fault", permit.fault()))
    }

    /// Starts the target again.
    async fn start(&self, permit: &Permit) -> Result<()> {
        Err(Error::unsupported("start").with("fault", permit.fault()))
    }

    /// Restarts the target in place. Returns when it has gone down, if that can be seen.
    async fn reboot(&self, permit: &Permit) -> Result<()> {
        Err(Error::unsupported("reboot").with("fault", permit.fault()))
    }
}
