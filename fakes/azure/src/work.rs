//! The work of operations.

use super::{guest::Script, machine::PowerState};

/// The effect of an operation. Resources go by their keys.
#[derive(Debug)]
pub(crate) enum Work {
    /// `before` is filled in at the start.
    Power {
        machine: String,
        order: Power,
        before: PowerState,
    },
    Delete {
        machine: String,
    },
    /// `script` is `None` if no agent takes it, and an error if the fake itself cannot run it.
    Script {
        machine: String,
        text: String,
        script: Option<Result<Script, String>>,
    },
    /// On several instances of a scale set.
    Several(Vec<Work>),
    Capacity {
        scale_set: String,
        capacity: u32,
    },
    Interface(String),
    SecurityGroup(String),
    DeleteSecurityGroup(String),
    Rule {
        group: String,
        rule: String,
    },
    DeleteRule {
        group: String,
        rule: String,
    },
    /// Its only effect is its start.
    StartExperiment,
    CancelExperiment {
        experiment: String,
    },
}

/// The orders for a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Power {
    Off,
    Start,
    Restart,
    Redeploy,
    Deallocate,
}

impl Power {
    /// The order that the last segment of a `POST` names, in lower case.
    pub(crate) fn named(order: &str) -> Option<Self> {
        match order {
            "poweroff" => Some(Self::Off),
            "start" => Some(Self::Start),
            "restart" => Some(Self::Restart),
            "redeploy" => Some(Self::Redeploy),
            "deallocate" => Some(Self::Deallocate),
            _ => None,
        }
    }

    pub(crate) fn meanwhile(self) -> PowerState {
        match self {
            Self::Off => PowerState::Stopping,
            Self::Start | Self::Restart | Self::Redeploy => PowerState::Starting,
            Self::Deallocate => PowerState::Deallocating,
        }
    }

    pub(crate) fn after(self) -> PowerState {
        match self {
            Self::Off => PowerState::Stopped,
            Self::Start | Self::Restart | Self::Redeploy => PowerState::Running,
            Self::Deallocate => PowerState::Deallocated,
        }
    }

    /// Whether a machine in this state is already in the state that the order leads to.
    pub(crate) fn changes_nothing(self, before: PowerState) -> bool {
        match self {
            Self::Off => matches!(before, PowerState::Stopped | PowerState::Deallocated),
            Self::Start => before == PowerState::Running,
            Self::Deallocate => before == PowerState::Deallocated,
            Self::Restart | Self::Redeploy => false,
        }
    }
}

impl Work {
    /// Whether a newer operation on this machine takes over from it.
    pub(crate) fn is_on(&self, key: &str) -> bool {
        match self {
            Self::Power { machine, .. } | Self::Delete { machine } | Self::Script { machine, .. } => {
                machine == key
            }
            _ => false,
        }
    }
}
