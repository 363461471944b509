use async_trait::async_trait;
use aws_sdk_ec2::{config::http::HttpResponse, error::ProvideErrorMetadata, error::SdkError};
use chaos_core::{Capability, CapabilitySet, Error, ErrorKind, Lifecycle, Permit, Result};

use crate::{
    error::failed,
    machines::{machine, vanished},
    reach::Reach,
};

/// Terminates, stops, starts and reboots through EC2, past the group: that is what a failure looks like.
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

/// What is gone needs no ending.
fn unless_gone(error: Error) -> Result<()> {
    if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

#[async_trait]
impl Lifecycle for InstanceLifecycle {
    fn operations(&self) -> CapabilitySet {
        // What is stopped is started all the same, whoever has stopped it.
        let always = CapabilitySet::of([Capability::Terminate, Capability::Start, Capability::Reboot]);
        if self.can_stop { always.union(CapabilitySet::of([Capability::Stop])) } else { always }
    }

    async fn terminate(&self, permit: &Permit) -> Result<()> {
        let call = self.reach.region.ec2().terminate_instances().instance_ids(&*self.reach.instance);
        let _changing = self.reach.changing();
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
        let _changing = self.reach.changing();
        match permit.in_time(call.send()).await? {
            Ok(_) => Ok(()),
            Err(error) => unless_gone(self.failed("ec2:StopInstances", permit, error)),
        }
    }

    async fn start(&self, permit: &Permit) -> Result<()> {
        // What is terminated cannot be started, and that is no state that passes.
        match machine(&self.reach.region, &self.reach.instance).await? {
            Some(machine) if !machine.is_gone() => {}
            _ => return Err(vanished(&self.reach.instance).with("fault", permit.fault())),
        }
        let call = self.reach.region.ec2().start_instances().instance_ids(&*self.reach.instance);
        let _changing = self.reach.changing();
        match permit.in_time(call.send()).await? {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed("ec2:StartInstances", permit, error)),
        }
    }

    async fn reboot(&self, permit: &Permit) -> Result<()> {
        let call = self.reach.region.ec2().reboot_instances().instance_ids(&*self.reach.instance);
        let _changing = self.reach.changing();
        match permit.in_time(call.send()).await? {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed("ec2:RebootInstances", permit, error)),
        }
    }
}
