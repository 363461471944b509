use std::fmt;

use chaos_core::Result;

use crate::model::identity::ProcessIdentity;

/// Finds the process that a target is at this moment.
pub(crate) trait Locate: fmt::Debug + Send + Sync + 'static {
    /// `None` only if it is certain that there is none now.
    fn process(&self) -> Result<Option<ProcessIdentity>>;

    /// The name of the network namespace in which its processes start, if that is not this process's own.
    fn network_namespace(&self) -> Option<&str> {
        None
    }
}

/// An adopted process is always the same one.
impl Locate for ProcessIdentity {
    fn process(&self) -> Result<Option<ProcessIdentity>> {
        Ok(Some(*self))
    }
}
