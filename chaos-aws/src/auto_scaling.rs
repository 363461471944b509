use std::sync::Arc;

use async_trait::async_trait;
use chaos_core::{
    Error, ErrorKind, Group, GroupId, Provider, Result, Target, TargetId,
    capability::Remains,
    provider::{BoxStream, GroupFilter},
};
use futures_util::StreamExt;

use crate::{
    AutoScalingBuilder,
    capability::{isolation::InterfaceIsolation, reach::Reach, target::InstanceTarget},
    client::{
        machines::{machine, validate_instance},
        regions::foreign,
    },
    discovery::{
        fleet::Fleet,
        listing::{listing, looked_up},
    },
    model::group_path::{GroupPath, SCHEME},
};

/// The auto-scaling groups of an account, and their instances as targets.
///
/// A group's id is `aws-asg:<account>/<region>/<name>`, and a target's id adds the id of the instance. That is enough
/// to find both again from another process, even if that process lists other groups. It is also enough to notice that
/// its credentials belong to another account. Clones share their connections.
///
/// ```no_run
/// use chaos_aws::AutoScaling;
/// use chaos_core::{Provider, provider::GroupFilter};
/// use futures_util::StreamExt;
///
/// # async fn example() -> chaos_core::Result<()> {
/// let fleet = AutoScaling::builder().regions(["eu-west-1", "us-east-1"]).tag("team", "shop").build().await?;
/// let everything = GroupFilter::all();
/// let mut groups = fleet.groups(&everything);
/// while let Some(group) = groups.next().await {
///     let group = group?;
///     println!("{}: {} of {} are healthy", group.id, group.healthy(), group.desired);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AutoScaling {
    fleet: Arc<Fleet>,
}

impl AutoScaling {
    /// Starts with AWS's default credential chain and settings: the environment, the shared configuration files, single
    /// sign-on, and the credentials of a container or an instance.
    pub fn builder() -> AutoScalingBuilder {
        AutoScalingBuilder::new()
    }

    /// The groups in the region and with the credentials of the environment.
    ///
    /// # Errors
    /// As [`AutoScalingBuilder::build`].
    pub async fn from_env() -> Result<Self> {
        Self::builder().build().await
    }

    /// Single calls of AWS in the first of its regions, with its credentials.
    ///
    /// # Errors
    /// None so far: a provider has a region.
    #[cfg(feature = "api")]
    pub fn api(&self) -> Result<crate::Api> {
        let first = self.fleet.regions.listed().first();
        let first = first.ok_or_else(|| Error::invalid("region", "none", "a region"))?;
        Ok(crate::Api::of(Arc::clone(first)))
    }

    fn over(fleet: Fleet) -> Self {
        Self { fleet: Arc::new(fleet) }
    }
}

impl AutoScalingBuilder {
    /// Reads the configuration. This makes no call to the services; credentials are first requested by the first
    /// listing.
    ///
    /// # Errors
    /// `InvalidInput` for an invalid region, endpoint, role, name, tag or pattern, and if no region is configured.
    ///
    /// Cancel safe: it only reads.
    pub async fn build(self) -> Result<AutoScaling> {
        // Without optimisation, the future of this function would hold the builder twice.
        Box::pin(self.fleet()).await.map(AutoScaling::over)
    }
}

#[async_trait]
impl Provider for AutoScaling {
    fn scheme(&self) -> &'static str {
        SCHEME
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        listing(Arc::clone(&self.fleet), filter).boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        let GroupPath { account, region, name } = GroupPath::of(id)?;
        let region = self.fleet.regions.find(region)?;
        match looked_up(&self.fleet, &region, &name).await? {
            Some(group) if group.id == *id => Ok(group),
            Some(other) => Err(foreign(account, GroupPath::of(&other.id)?.account)),
            None => {
                region.is_of(account).await?;
                let what = "this account and region have no such auto-scaling group";
                let error = Error::new(ErrorKind::NotFound, what).with("group", &name);
                Err(error.with("region", region.name()))
            }
        }
    }

    /// Finds an instance by its id and region alone. An instance that was moved to another group meanwhile still has
    /// the fault.
    ///
    /// An instance that EC2 does not know is gone only if the credentials belong to its account: with those of another
    /// account, everything looks gone.
    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        let group = id.group();
        let GroupPath { account, region, .. } = GroupPath::of(&group)?;
        validate_instance(id.name())?;
        let region = self.fleet.regions.find(region)?;
        let Some(machine) = machine(&region, id.name()).await? else {
            region.is_of(account).await?;
            return Ok(None);
        };
        if machine.is_gone() {
            return Ok(None);
        }
        let means = self.fleet.means.clone();
        Ok(Some(Arc::new(InstanceTarget::new(id.clone(), region, Some(&machine), means))))
    }

    /// Network interfaces and the Fault Injection Service outlive an instance. Effects of scripts end with it.
    async fn remains(&self, id: &TargetId) -> Result<Remains> {
        let group = id.group();
        let GroupPath { account, region, .. } = GroupPath::of(&group)?;
        validate_instance(id.name())?;
        let region = self.fleet.regions.find(region)?;
        region.is_of(account).await?;
        let remains = Remains::default().without_shell();
        #[cfg(feature = "fis")]
        let remains = {
            let engine = crate::capability::fis::FaultInjection::new(region.clone(), group.clone());
            remains.with_engine(Arc::new(engine))
        };
        let reach = Reach { region, instance: id.name().into(), clock: Arc::clone(&self.fleet.means.clock) };
        Ok(remains.with_settings(Arc::new(InterfaceIsolation::new(reach))))
    }
}
