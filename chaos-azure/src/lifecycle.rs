use std::time::Duration;

use async_trait::async_trait;
use chaos_core::{Capability, CapabilitySet, Error, ErrorKind, Lifecycle, Permit, Result};

use crate::{
    arm::{Progress, Wanted, patience},
    compute::Order,
    machine::{Machine, Power},
    modes::{RebootMode, StopMode},
    reach::Reach,
    target::Means,
};

/// How long a start is waited for. It is given in recoveries, when the deadline of the fault has passed already; their budget ends
/// the wait where that is shorter.
const STARTED_WITHIN: Duration = Duration::from_secs(90);

/// Powers off and on, restarts and deletes through ARM, past the scale set: that is what a failure looks like.
///
/// An order is followed until it is carried out, so that one that fails is told as that, or until shortly before the fault's
/// deadline.
#[derive(Debug)]
pub(crate) struct MachineLifecycle {
    reach: Reach,
    stop: StopMode,
    reboot: RebootMode,
    may_terminate: bool,
    may_leave_its_host: bool,
}

impl MachineLifecycle {
    pub(crate) fn new(reach: Reach, machine: &Machine, means: &Means) -> Self {
        Self {
            reach,
            stop: means.stop,
            reboot: means.reboot,
            may_terminate: means.may_terminate,
            may_leave_its_host: machine.may_leave_its_host(),
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

    async fn carry_out(&self, order: Order, permit: &Permit, patience: Duration) -> Result<Progress> {
        let arm = &self.reach.azure.arm;
        let until = arm.after(patience);
        let followed = async {
            let accepted = permit.in_time(self.reach.azure.compute.order(&self.reach.place, order)).await??;
            arm.follow(accepted, Wanted::End, until).await
        };
        followed.await.map_err(|error| self.reach.named(error).with("fault", permit.fault()))
    }
}

/// What is gone needs no ending.
fn unless_gone(followed: Result<Progress>) -> Result<()> {
    match followed {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[async_trait]
impl Lifecycle for MachineLifecycle {
    fn operations(&self) -> CapabilitySet {
        // What is stopped is started all the same, whoever has stopped it.
        let each = [
            (Capability::Start, true),
            (Capability::Stop, self.can_stop()),
            (Capability::Reboot, self.can_reboot()),
            (Capability::Terminate, self.may_terminate),
        ];
        CapabilitySet::of(each.into_iter().filter(|(_, can)| *can).map(|(capability, _)| capability))
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
        let machine = self.reach.find().await.map_err(|error| error.with("fault", permit.fault()))?;
        // A second order would only get in the way of the first.
        if machine.view.power == Some(Power::Starting) {
            return Ok(());
        }
        self.carry_out(Order::Start, permit, STARTED_WITHIN).await.map(|_| ())
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
