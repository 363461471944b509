//! What operations do to the state, at their beginning and at their end.

use super::{
    cloud::Cloud,
    machine::{Machine, PowerState},
};

/// The effect of an operation.
#[derive(Debug)]
pub(crate) enum Work {
    /// On one machine, by its key, and what it was before.
    Power { machine: String, order: Power, before: PowerState },
}

/// What can be done to a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Power {
    Off,
    Start,
    Restart,
    Redeploy,
    Deallocate,
}

impl Power {
    fn meanwhile(self) -> PowerState {
        match self {
            Self::Off => PowerState::Stopping,
            Self::Start | Self::Restart | Self::Redeploy => PowerState::Starting,
            Self::Deallocate => PowerState::Deallocating,
        }
    }

    fn after(self) -> PowerState {
        match self {
            Self::Off => PowerState::Stopped,
            Self::Start | Self::Restart | Self::Redeploy => PowerState::Running,
            Self::Deallocate => PowerState::Deallocated,
        }
    }
}

impl Work {
    pub(crate) fn begin(&mut self, cloud: &mut Cloud) {
        match self {
            Self::Power { machine, order, before } => {
                cloud.preempt(machine);
                if let Some(machine) = cloud.machines.get_mut(machine) {
                    *before = machine.power;
                    machine.power = order.meanwhile();
                    "Updating".clone_into(&mut machine.provisioning);
                }
            }
        }
    }

    pub(crate) fn finish(self, cloud: &mut Cloud) {
        match self {
            Self::Power { machine, order, .. } => {
                settle(cloud, &machine, "Succeeded", |machine| {
                    machine.power = order.after();
                    machine.boots += u32::from(order.after() == PowerState::Running);
                });
            }
        }
    }

    /// Ends it without its effect.
    pub(crate) fn fail(self, cloud: &mut Cloud) {
        match self {
            Self::Power { machine, before, .. } => {
                settle(cloud, &machine, "Failed", |machine| machine.power = before);
            }
        }
    }

    pub(crate) fn preemptible_on(&self, key: &str) -> bool {
        match self {
            Self::Power { machine, .. } => machine == key,
        }
    }
}

fn settle(cloud: &mut Cloud, machine: &str, provisioning: &str, change: impl FnOnce(&mut Machine)) {
    if let Some(machine) = cloud.machines.get_mut(machine) {
        provisioning.clone_into(&mut machine.provisioning);
        change(machine);
    }
}
