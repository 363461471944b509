//! The effects of operations on the state, at their start and at their end.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    cloud::Cloud,
    guest::Script,
    machine::{Machine, PowerState},
    operation::Failure,
    timer::Timer,
    work::{Power, Work},
};

/// The outcome of an operation.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) failure: Option<Failure>,
    pub(crate) output: Option<Value>,
}

impl Work {
    pub(crate) fn begin(&mut self, cloud: &mut Cloud) {
        match self {
            Self::Power { machine, order, before } => {
                cloud.preempt(machine);
                if let Some(machine) = cloud.machines.get_mut(machine) {
                    *before = machine.power;
                    if !order.changes_nothing(*before) {
                        machine.power = order.meanwhile();
                    }
                    "Updating".clone_into(&mut machine.provisioning);
                }
            }
            Self::Delete { machine } => {
                cloud.preempt(machine);
                if let Some(machine) = cloud.machines.get_mut(machine) {
                    "Deleting".clone_into(&mut machine.provisioning);
                }
            }
            Self::Several(works) => works.iter_mut().for_each(|work| work.begin(cloud)),
            Self::Capacity { scale_set, .. } => set_scale_set(cloud, scale_set, "Updating"),
            Self::Script { machine, text, script } => {
                set_machine(cloud, machine, "Updating");
                *script = run(cloud, machine, text);
            }
            Self::Interface(_)
            | Self::SecurityGroup(_)
            | Self::DeleteSecurityGroup(_)
            | Self::Rule { .. }
            | Self::DeleteRule { .. }
            | Self::StartExperiment
            | Self::CancelExperiment { .. } => {}
        }
    }

    /// Ends it, with its effect or without, and with the resource's provisioning `Succeeded` or `Failed`.
    pub(crate) fn end(self, cloud: &mut Cloud, takes_effect: bool, succeeds: bool) -> Outcome {
        let provisioning = if succeeds { "Succeeded" } else { "Failed" };
        match self {
            Self::Power { machine, order, before } => {
                let takes_effect = takes_effect && !order.changes_nothing(before);
                power(cloud, &machine, if takes_effect { Ok(order) } else { Err(before) }, provisioning);
            }
            Self::Delete { machine } if takes_effect => cloud.remove_machine(&machine),
            Self::Delete { machine } => set_machine(cloud, &machine, "Failed"),
            Self::Script { machine, script, .. } => {
                let outcome = reported(cloud, &machine, script);
                let succeeds = succeeds && outcome.failure.is_none();
                set_machine(cloud, &machine, if succeeds { "Succeeded" } else { "Failed" });
                return outcome;
            }
            Self::Several(works) => {
                for work in works {
                    work.end(cloud, takes_effect, succeeds);
                }
            }
            Self::Capacity { scale_set, capacity } => {
                if takes_effect {
                    cloud.resize(&scale_set, capacity);
                }
                set_scale_set(cloud, &scale_set, provisioning);
            }
            Self::Interface(key) => {
                if let Some(interface) = cloud.interfaces.get_mut(&key) {
                    provisioning.clone_into(&mut interface.provisioning);
                    if takes_effect {
                        interface.group_in_force = interface.group();
                    }
                }
            }
            Self::DeleteSecurityGroup(key) if takes_effect => drop(cloud.security_groups.remove(&key)),
            Self::SecurityGroup(key) | Self::DeleteSecurityGroup(key) => {
                if let Some(group) = cloud.security_groups.get_mut(&key) {
                    provisioning.clone_into(&mut group.provisioning);
                    for rule in group.rules.values_mut() {
                        provisioning.clone_into(&mut rule.provisioning);
                        if takes_effect {
                            rule.in_force = Some(rule.properties.clone());
                        }
                    }
                }
            }
            Self::Rule { group, rule } => end_rule(cloud, &group, &rule, takes_effect, provisioning, false),
            Self::DeleteRule { group, rule } => {
                end_rule(cloud, &group, &rule, takes_effect, provisioning, true)
            }
            Self::StartExperiment => {}
            Self::CancelExperiment { experiment } => {
                if takes_effect {
                    cloud.cancel_execution(&experiment);
                }
            }
        }
        Outcome::default()
    }
}

fn power(cloud: &mut Cloud, key: &str, ended: Result<Power, PowerState>, provisioning: &str) {
    let Some(machine) = cloud.machines.get_mut(key) else { return };
    provisioning.clone_into(&mut machine.provisioning);
    match ended {
        Ok(order) => {
            machine.power = order.after();
            machine.boots += u32::from(machine.power == PowerState::Running);
            // All processes of the former boot ended with it.
            let id = machine.vm_id.clone();
            if order != Power::Start {
                cloud.guests.stop(&id);
            }
            cloud.look_after(key);
        }
        Err(before) => machine.power = before,
    }
}

fn end_rule(cloud: &mut Cloud, key: &str, name: &str, takes_effect: bool, provisioning: &str, deleted: bool) {
    let Some(group) = cloud.security_groups.get_mut(key) else { return };
    "Succeeded".clone_into(&mut group.provisioning);
    if deleted && takes_effect {
        group.rules.remove(name);
    }
    if let Some(rule) = group.rules.get_mut(name) {
        provisioning.clone_into(&mut rule.provisioning);
        if takes_effect {
            rule.in_force = Some(rule.properties.clone());
        }
    }
}

fn set_machine(cloud: &mut Cloud, key: &str, provisioning: &str) {
    if let Some(machine) = cloud.machines.get_mut(key) {
        provisioning.clone_into(&mut machine.provisioning);
    }
}

fn set_scale_set(cloud: &mut Cloud, key: &str, provisioning: &str) {
    if let Some(set) = cloud.scale_sets.get_mut(key) {
        provisioning.clone_into(&mut set.provisioning);
    }
}

/// `None` if the agent does not take it.
fn run(cloud: &mut Cloud, key: &str, text: &str) -> Option<Result<Script, String>> {
    let delay = Duration::from_millis(cloud.settings.script_delay_milliseconds);
    let machine = cloud.machines.get_mut(key).filter(|machine| machine.agent_runs())?;
    let interface = machine.interfaces.first().and_then(|id| cloud.interfaces.get(&id.key()))?;
    let (address, number) = (interface.address.parse().ok()?, machine.scripts);
    machine.scripts += 1;
    let script = cloud.guests.run(&machine.vm_id, address, number, text, delay);
    Some(script.map_err(|error| error.to_string()))
}

fn reported(cloud: &Cloud, key: &str, script: Option<Result<Script, String>>) -> Outcome {
    let failed = |code: &str, message: String| Outcome {
        failure: Some(Failure { code: code.to_owned(), message, takes_effect: true }),
        output: None,
    };
    let heard = cloud.machines.get(key).is_some_and(|machine: &Machine| cloud.hears_from(machine));
    let ended = match &script {
        Some(Ok(script)) => script.outcome().map(|outcome| outcome.map(|()| script.message())),
        Some(Err(broken)) => Some(Err(broken.clone())),
        None => None,
    };
    match ended {
        Some(Err(broken)) => failed("TheFakeCannotRunScripts", broken),
        Some(Ok(message)) if heard => Outcome {
            failure: None,
            output: Some(json!({ "value": [{
                "code": "ProvisioningState/succeeded",
                "level": "Info",
                "displayStatus": "Provisioning succeeded",
                "message": message,
            }] })),
        },
        _ => failed(
            "VMExtensionProvisioningTimeout",
            "Provisioning of VM extension RunCommandLinux has timed out. Extension provisioning has taken too long to \
             complete. The extension last reported \"Enable in progress\"."
                .to_owned(),
        ),
    }
}

impl Cloud {
    /// Plans the automatic repair of a machine that does not run, if its scale set has repairs.
    pub(crate) fn look_after(&mut self, key: &str) {
        let Some(machine) = self.machines.get(key) else { return };
        let repairs = machine
            .scale_set
            .as_ref()
            .and_then(|set| self.scale_sets.get(&set.key()))
            .is_some_and(|set| set.repairs);
        if repairs && machine.power != PowerState::Running {
            self.after(self.settings.repair_milliseconds, Timer::Repair { machine: key.to_owned() });
        }
    }

    /// Removes a machine with its interfaces. This lowers the capacity of its scale set.
    pub(crate) fn remove_machine(&mut self, key: &str) {
        let Some(machine) = self.machines.remove(key) else { return };
        self.guests.remove(&machine.vm_id);
        for interface in &machine.interfaces {
            self.interfaces.remove(&interface.key());
        }
        let Some(key) = machine.scale_set.map(|set| set.key()) else { return };
        let Some(set) = self.scale_sets.get_mut(&key) else { return };
        set.capacity = set.capacity.saturating_sub(1);
        if set.held_at.is_some_and(|wanted| set.capacity < wanted) {
            self.after(self.settings.repair_milliseconds, Timer::Autoscale { scale_set: key });
        }
    }
}
