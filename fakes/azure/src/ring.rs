//! The effects of timers on the state.

use super::{cloud::Cloud, machine::PowerState, timer::Timer};

impl Timer {
    pub(crate) fn ring(self, cloud: &mut Cloud) {
        match self {
            Self::Boot { machine } => {
                if let Some(machine) = cloud.machines.get_mut(&machine) {
                    machine.power = PowerState::Running;
                    "Succeeded".clone_into(&mut machine.provisioning);
                }
            }
            Self::Repair { machine } => repair(cloud, &machine),
            Self::Autoscale { scale_set } => {
                if let Some(wanted) = cloud.scale_sets.get(&scale_set).and_then(|set| set.held_at) {
                    cloud.resize(&scale_set, wanted);
                }
            }
            Self::Execution { experiment, execution } => cloud.go_on(&experiment, &execution),
        }
    }
}

fn repair(cloud: &mut Cloud, key: &str) {
    let Some(machine) = cloud.machines.get(key) else { return };
    if machine.power == PowerState::Running || machine.protection.from_scale_set_actions {
        return;
    }
    let Some(set) = machine.scale_set.as_ref().map(|set| set.key()) else { return };
    let Some(capacity) = cloud.scale_sets.get(&set).map(|set| set.capacity) else { return };
    cloud.preempt(key);
    cloud.remove_machine(key);
    cloud.resize(&set, capacity);
}
