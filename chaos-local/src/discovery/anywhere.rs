use std::sync::Arc;

use chaos_core::{
    Error, ErrorKind, Group, GroupId, Result, Target, TargetId,
    capability::Remains,
    clock::{Clock, SystemClock},
};

use crate::discovery::{
    fleet_elsewhere,
    fleet_state::{SCHEME, StateSource, check_scheme, shell_beyond},
    state_directory::StateDirectory,
};

/// Any fleet of this machine, by its ids: over a state directory, or inside another process.
#[derive(Clone, Debug)]
pub(crate) struct Anywhere {
    clock: Arc<dyn Clock>,
}

impl Anywhere {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }

    pub(crate) async fn group(&self, id: &GroupId) -> Result<Group> {
        check_scheme(SCHEME, "group id", id.scheme(), id.as_str())?;
        if let Some(directory) = StateDirectory::of_id(id)
            && let Some(fleet) = directory.state()?
        {
            return fleet.group(id, &directory, &self.clock).await;
        }
        self.make_sure_of_its_end(id).await?;
        Err(Error::new(ErrorKind::NotFound, "the fleet has ended").with("group", id))
    }

    pub(crate) async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        check_scheme(SCHEME, "target id", id.scheme(), id.as_str())?;
        if let Some(directory) = StateDirectory::of_id(&id.group())
            && let Some(fleet) = directory.state()?
        {
            let target = fleet.resolve(id, &directory, &self.clock)?;
            return Ok(target.map(|target| Arc::new(target) as Arc<dyn Target>));
        }
        self.make_sure_of_its_end(&id.group()).await?;
        Ok(None)
    }

    /// The shell of the machine is there without the process.
    pub(crate) fn remains(&self, id: &TargetId) -> Result<Remains> {
        check_scheme(SCHEME, "target id", id.scheme(), id.as_str())?;
        let directory = StateDirectory::of_id(&id.group());
        let network_namespace =
            directory.map(|directory| directory.network_namespace()).transpose()?.flatten();
        Ok(Remains::default().with_shell(shell_beyond(id, network_namespace.as_deref(), &self.clock)))
    }

    /// A fleet over a state directory records there that it has ended. One with a bare name ends with its process.
    async fn make_sure_of_its_end(&self, id: &GroupId) -> Result<()> {
        match StateDirectory::of_id(id) {
            Some(_) => Ok(()),
            None => fleet_elsewhere::has_ended(id, self.clock.as_ref()).await,
        }
    }
}

impl Default for Anywhere {
    fn default() -> Self {
        Self::new(Arc::new(SystemClock::default()))
    }
}
