use std::sync::Arc;

use async_trait::async_trait;
use chaos_core::{
    BoxStream, Clock, Error, ErrorKind, Group, GroupFilter, GroupId, Provider, Result, SystemClock, Target,
    TargetId,
};
use futures_util::{StreamExt, stream};

use crate::{
    fleet_state::{SCHEME, StateSource, check_scheme},
    state_directory::StateDirectory,
};

/// Finds the replicas of any fleet of this machine by their ids: the provider of programs that replay a journal.
///
/// It lists no group. An id whose path is a directory names the fleet over that state directory. An id whose path is a bare
/// name names a fleet inside the process that injected the fault. A journal is replayed only for faults whose process is dead,
/// and a fleet dies with its process: such a fleet is gone.
#[derive(Clone, Debug)]
pub struct Fleets {
    clock: Arc<dyn Clock>,
}

impl Fleets {
    /// Every fleet of this machine.
    pub fn new() -> Self {
        Self { clock: Arc::new(SystemClock::default()) }
    }

    /// Sets where waits take their time from. Default: [`SystemClock`].
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
}

impl Default for Fleets {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Provider for Fleets {
    fn scheme(&self) -> &'static str {
        SCHEME
    }

    fn groups<'a>(&'a self, _: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        stream::empty().boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        check_scheme(SCHEME, "group id", id.scheme(), id.as_str())?;
        if let Some(directory) = StateDirectory::of_id(id)
            && let Some(fleet) = directory.state()?
        {
            return fleet.group(id, &directory, &self.clock).await;
        }
        Err(Error::new(ErrorKind::NotFound, "the fleet has ended").with("group", id))
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        check_scheme(SCHEME, "target id", id.scheme(), id.as_str())?;
        if let Some(directory) = StateDirectory::of_id(&id.group())
            && let Some(fleet) = directory.state()?
        {
            let target = fleet.resolve(id, &directory, &self.clock)?;
            return Ok(target.map(|target| Arc::new(target) as Arc<dyn Target>));
        }
        Ok(None)
    }
}
