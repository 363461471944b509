use std::time::Duration;

use async_trait::async_trait;
use chaos_core::{Capability, CapabilitySet, Error, ErrorKind, Permit, Result, capability::Lifecycle};

use crate::{
    capability::{
        means::Means,
        reach::Reach,
        start::{FOLLOWED_FOR, keep_start, needs_start},
    },
    client::{
        arm::{Accepted, Progress, Wanted, patience},
        compute::Order,
    },
    model::{
        machine::Machine,
        modes::{RebootMode, StopMode},
    },
};

/// Powers off and on, restarts and deletes through ARM, without telling the scale set, as a real failure would.
///
/// The status of an order is polled for a short while, so that an early failure is reported. After that, only the
/// machine shows the outcome.
#[derive(Debug)]
pub(crate) struct MachineLifecycle {
    reach: Reach,
    stop: StopMode,
    reboot: RebootMode,
    may_terminate: bool,
    may_leave_its_host: bool,
    /// The incarnation of the machine.
    incarnation: Option<String>,
}

impl MachineLifecycle {
    pub(crate) fn new(reach: Reach, machine: &Machine, means: &Means) -> Self {
        Self {
            reach,
            stop: means.stop,
            reboot: means.reboot,
            may_terminate: means.may_terminate,
            may_leave_its_host: machine.may_leave_its_host(),
            incarnation: machine.unique_id.clone(),
        }
    }

    fn can_stop(&self) -> bool {
        self.may_leave_its_host || self.stop != StopMode::Deallocate
    }

    fn can_reboot(&self) -> bool {
        self.may_leave_its_host || self.reboot != RebootMode::Redeploy
    }

    fn refused(what: &'static str, permit: &Permit) -> Error {
        Error::unsupported(what).with("fault", permit.fault())
    }

    /// Gives an order, and polls its status for a while.
    async fn carry_out(
        &self,
        order: Order,
        permit: &Permit,
        patience: Duration,
    ) -> Result<(Accepted, Progress)> {
        let arm = &self.reach.azure.arm;
        let followed = async {
            let accepted = permit.in_time(self.reach.azure.compute.order(&self.reach.place, order)).await??;
            let progress = arm.follow(accepted.clone(), Wanted::End, arm.after(patience)).await?;
            Ok((accepted, progress))
        };
        followed.await.map_err(|error: Error| self.reach.named(error).with("fault", permit.fault()))
    }

    /// Whether the machine with this name is the expected one.
    fn is_it(&self, machine: &Machine) -> Result<()> {
        if self.incarnation.is_none() || self.incarnation == machine.unique_id {
            return Ok(());
        }
        let what = "another machine now has the name of the fault's machine, and is left alone";
        Err(self.reach.named(Error::new(ErrorKind::NotFound, what)))
    }
}

/// A target that is gone does not need to be ended.
fn unless_gone<T>(followed: Result<T>) -> Result<()> {
    match followed {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[async_trait]
impl Lifecycle for MachineLifecycle {
    fn operations(&self) -> CapabilitySet {
        // A stopped machine is started, even if somebody else has stopped it.
        let each = [
            (Capability::Start, true),
            (Capability::Stop, self.can_stop()),
            (Capability::Reboot, self.can_reboot()),
            (Capability::Terminate, self.may_terminate),
        ];
        CapabilitySet::of(each.into_iter().filter(|(_, can)| *can).map(|(capability, _)| capability))
    }

    fn by_hand(&self, operation: Capability) -> Option<String> {
        (operation == Capability::Start).then(|| self.reach.place.command_to_start())
    }

    async fn terminate(&self, permit: &Permit) -> Result<()> {
        if !self.may_terminate {
            let what = "terminating a machine of an availability set, which replaces nothing,";
            return Err(Self::refused(what, permit));
        }
        unless_gone(self.carry_out(Order::Delete, permit, patience(permit)).await)
    }

    async fn stop(&self, permit: &Permit) -> Result<()> {
        if !self.can_stop() {
            let what = "deallocating a spot machine, or one whose system disk is ephemeral,";
            return Err(Self::refused(what, permit));
        }
        let order = match self.stop {
            StopMode::Orderly => Order::PowerOff { abruptly: false },
            StopMode::Abrupt => Order::PowerOff { abruptly: true },
            StopMode::Deallocate => Order::Deallocate,
        };
        unless_gone(self.carry_out(order, permit, patience(permit)).await)
    }

    async fn start(&self, permit: &Permit) -> Result<()> {
        let told = |error: Error| error.with("fault", permit.fault());
        let machine = self.reach.find().await.map_err(told)?;
        self.is_it(&machine).map_err(told)?;
        if needs_start(&self.reach, &machine).await.map_err(told)? {
            let (accepted, progress) = self.carry_out(Order::Start, permit, FOLLOWED_FOR).await?;
            keep_start(&self.reach, accepted, &progress);
        }
        Ok(())
    }

    async fn reboot(&self, permit: &Permit) -> Result<()> {
        if !self.can_reboot() {
            let what = "redeploying a spot machine, or one whose system disk is ephemeral,";
            return Err(Self::refused(what, permit));
        }
        let order = match self.reboot {
            RebootMode::Restart => Order::Restart,
            RebootMode::Redeploy => Order::Redeploy,
        };
        self.carry_out(order, permit, patience(permit)).await.map(|_| ())
    }
}
