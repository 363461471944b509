use async_trait::async_trait;
use aws_sdk_ec2::{config::http::HttpResponse, error::ProvideErrorMetadata, error::SdkError};
use chaos_core::{Capability, CapabilitySet, Error, ErrorKind, Permit, Result, capability::Lifecycle};

use crate::{
    capability::reach::Reach,
    client::{
        error::{code, failed},
        machines::{machine, validate_instance, vanished},
    },
    model::region_name::validate_region,
};

/// Terminates, stops, starts and reboots through EC2, without telling the group, as a real failure would.
#[derive(Debug)]
pub(crate) struct InstanceLifecycle {
    reach: Reach,
    can_stop: bool,
}

impl InstanceLifecycle {
    pub(crate) fn new(reach: Reach, can_stop: bool) -> Self {
        Self { reach, can_stop }
    }

    fn failed<E>(&self, action: &'static str, permit: &Permit, error: SdkError<E, HttpResponse>) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        failed(action, self.reach.region.name(), error)
            .with("instance", &self.reach.instance)
            .with("fault", permit.fault())
    }
}

/// A target that is gone does not need to be ended.
fn unless_gone(error: Error) -> Result<()> {
    if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

#[async_trait]
impl Lifecycle for InstanceLifecycle {
    fn operations(&self) -> CapabilitySet {
        // A stopped instance is started, even if somebody else has stopped it.
        let always = CapabilitySet::of([Capability::Terminate, Capability::Start, Capability::Reboot]);
        if self.can_stop { always.union(CapabilitySet::of([Capability::Stop])) } else { always }
    }

    /// `None` unless the parts consist of letters, digits and hyphens.
    fn by_hand(&self, operation: Capability) -> Option<String> {
        let (region, instance) = (self.reach.region.name(), &*self.reach.instance);
        let is_plain = validate_instance(instance).is_ok() && validate_region(region).is_ok();
        (operation == Capability::Start && is_plain)
            .then(|| format!("aws ec2 start-instances --region {region} --instance-ids {instance}"))
    }

    async fn terminate(&self, permit: &Permit) -> Result<()> {
        let call = self.reach.region.ec2().terminate_instances().instance_ids(&*self.reach.instance);
        match permit.in_time(call.send()).await? {
            Ok(_) => Ok(()),
            Err(error) => unless_gone(self.failed("ec2:TerminateInstances", permit, error)),
        }
    }

    async fn stop(&self, permit: &Permit) -> Result<()> {
        if !self.can_stop {
            let what = "stopping a spot instance, or one whose system is on an instance store,";
            return Err(Error::unsupported(what).with("fault", permit.fault()));
        }
        let call = self.reach.region.ec2().stop_instances().instance_ids(&*self.reach.instance);
        match permit.in_time(call.send()).await? {
            Ok(_) => Ok(()),
            Err(error) => unless_gone(self.failed("ec2:StopInstances", permit, error)),
        }
    }

    async fn start(&self, permit: &Permit) -> Result<()> {
        let call = self.reach.region.ec2().start_instances().instance_ids(&*self.reach.instance);
        let Err(error) = permit.in_time(call.send()).await? else { return Ok(()) };
        let is_impossible = code(&error) == Some("IncorrectInstanceState");
        let error = self.failed("ec2:StartInstances", permit, error);
        // A terminated instance cannot be started, and that state is permanent.
        if is_impossible
            && let Ok(found) = machine(&self.reach.region, &self.reach.instance).await
            && found.is_none_or(|machine| machine.is_gone())
        {
            return Err(vanished(&self.reach.instance).with("fault", permit.fault()));
        }
        Err(error)
    }

    async fn reboot(&self, permit: &Permit) -> Result<()> {
        let call = self.reach.region.ec2().reboot_instances().instance_ids(&*self.reach.instance);
        match permit.in_time(call.send()).await? {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed("ec2:RebootInstances", permit, error)),
        }
    }
}
