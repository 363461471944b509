use azure_mgmt_compute::package_2024_07_01::Client;
use chaos_core::Result;

use super::adapter::{answer, told};
use crate::{client::arm::Accepted, model::place::Place};

/// The operations on a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Powers off in an orderly way, as by its power button, or abruptly, like a power failure.
    PowerOff {
        abruptly: bool,
    },
    /// Powers off in an orderly way, and releases its host.
    Deallocate,
    Start,
    Restart,
    /// Powers off and starts on another host.
    Redeploy,
    Delete,
}

impl Order {
    /// The action that a role must allow, after the kind of the resource.
    fn action(self) -> &'static str {
        match self {
            Self::PowerOff { .. } => "powerOff/action",
            Self::Deallocate => "deallocate/action",
            Self::Start => "start/action",
            Self::Restart => "restart/action",
            Self::Redeploy => "redeploy/action",
            Self::Delete => "delete",
        }
    }

    /// Sends it. Once accepted, it continues by itself.
    pub(super) async fn send(self, client: &Client, place: &Place) -> Result<Accepted> {
        // Every request has types of its own, of the same form.
        macro_rules! response {
            ($builder:expr) => {
                $builder.send().await.map(|response| response.into_raw_response())
            };
        }
        let sent = match place {
            Place::Machine { subscription, resource_group, name } => {
                let machines = client.virtual_machines_client();
                let (group, name, subscription) =
                    (resource_group.as_str(), name.as_str(), subscription.as_str());
                match self {
                    Self::PowerOff { abruptly } => {
                        response!(machines.power_off(group, name, subscription).skip_shutdown(abruptly))
                    }
                    Self::Deallocate => response!(machines.deallocate(group, name, subscription)),
                    Self::Start => response!(machines.start(group, name, subscription)),
                    Self::Restart => response!(machines.restart(group, name, subscription)),
                    Self::Redeploy => response!(machines.redeploy(group, name, subscription)),
                    Self::Delete => response!(machines.delete(group, name, subscription)),
                }
            }
            Place::Instance { set, number } => {
                let instances = client.virtual_machine_scale_set_v_ms_client();
                let (group, name, number) = (set.resource_group.as_str(), set.name.as_str(), number.as_str());
                let subscription = set.subscription.as_str();
                match self {
                    Self::PowerOff { abruptly } => {
                        let call = instances.power_off(group, name, number, subscription);
                        response!(call.skip_shutdown(abruptly))
                    }
                    Self::Deallocate => response!(instances.deallocate(group, name, number, subscription)),
                    Self::Start => response!(instances.start(group, name, number, subscription)),
                    Self::Restart => response!(instances.restart(group, name, number, subscription)),
                    Self::Redeploy => response!(instances.redeploy(group, name, number, subscription)),
                    Self::Delete => response!(instances.delete(group, name, number, subscription)),
                }
            }
        };
        let answer = answer(sent.map_err(told)?).await?;
        let kind = match place {
            Place::Machine { .. } => "virtualMachines",
            Place::Instance { .. } => "virtualMachineScaleSets/virtualMachines",
        };
        let action = format!("Microsoft.Compute/{kind}/{}", self.action());
        Ok(Accepted { action, resource: None, answer })
    }
}
