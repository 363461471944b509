//! A machine as Azure knows it.

use chaos_core::{Health, group::Labels, jiff::Timestamp};

use crate::model::{place::Place, resource_id::ResourceId};

/// The label of a target with its fault domain, a number from 0. The machines of one fault domain share a rack, its
/// power and its switch.
///
/// Azure allows no user's tag to start with `azure`, so this label hides no tag. A deallocated machine is in no fault
/// domain.
pub const FAULT_DOMAIN_LABEL: &str = "azure:fault-domain";
/// The label of a target with its update domain, a number from 0. The machines of one update domain are restarted
/// together when Azure maintains its hosts.
pub const UPDATE_DOMAIN_LABEL: &str = "azure:update-domain";
/// The label of a target with its availability zone, if it has one: `1`, `2` or `3`. Each subscription has its own
/// numbers.
pub const AVAILABILITY_ZONE_LABEL: &str = "azure:availability-zone";

/// A machine, with the data that this crate needs.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) place: Place,
    pub(crate) location: String,
    /// The id that distinguishes it from a later machine with the same name.
    pub(crate) unique_id: Option<String>,
    /// When it was created, if Azure tells.
    pub(crate) created_at: Option<Timestamp>,
    /// Its tags, and its location.
    pub(crate) labels: Labels,
    /// In Azure's words: `Succeeded`, `Updating`, `Failed`, `Deleting`.
    pub(crate) provisioning: String,
    pub(crate) view: View,
    pub(crate) system: Option<System>,
    /// Whether its system disk belongs to its host, and is lost when the machine leaves the host.
    pub(crate) has_ephemeral_disk: bool,
    /// Whether it is a spot machine: if it leaves its host, no other one is guaranteed.
    pub(crate) is_spot: bool,
    pub(crate) availability_set: Option<ResourceId>,
    /// The protection of an instance of a uniform scale set, if it has any.
    pub(crate) protection: Option<&'static str>,
    pub(crate) interfaces: Vec<String>,
    /// The required fields that the answer lacks: nothing is concluded from them.
    pub(crate) doubt: Option<String>,
}

/// The instance view of a machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    pub(crate) power: Option<Power>,
    pub(crate) fault_domain: Option<i32>,
    pub(crate) update_domain: Option<i32>,
    pub(crate) is_agent_ready: bool,
    /// According to the application health extension, or the probe of a load balancer.
    pub(crate) is_application_unhealthy: bool,
    pub(crate) is_in_standby_pool: bool,
}

/// Whether a machine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Power {
    Starting,
    Running,
    Stopping,
    /// Powered off: it keeps its host, and is billed.
    Stopped,
    Deallocating,
    Deallocated,
}

/// What a machine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum System {
    Linux,
    Windows,
}

impl Power {
    /// Reads the code of a status, such as `PowerState/running`, in any case. `None` for any other.
    pub(crate) fn of(code: &str) -> Option<Self> {
        let state = code.to_ascii_lowercase();
        Some(match state.strip_prefix("powerstate/")? {
            "starting" => Self::Starting,
            "running" => Self::Running,
            "stopping" => Self::Stopping,
            "stopped" => Self::Stopped,
            "deallocating" => Self::Deallocating,
            "deallocated" => Self::Deallocated,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Deallocating => "deallocating",
            Self::Deallocated => "deallocated",
        }
    }
}

impl Machine {
    /// Adds the instance view from another answer.
    pub(crate) fn seen(mut self, view: View) -> Self {
        let domains = [(FAULT_DOMAIN_LABEL, view.fault_domain), (UPDATE_DOMAIN_LABEL, view.update_domain)];
        for (key, domain) in domains {
            if let Some(domain) = domain {
                self.labels.insert(key.to_owned(), domain.to_string());
            }
        }
        self.view = view;
        self
    }

    /// Its health. A running machine with an operation in progress or a failed one is not healthy, because its outcome
    /// is unknown.
    pub(crate) fn health(&self) -> Health {
        match self.view.power {
            None => Health::Unknown,
            Some(Power::Stopped | Power::Deallocated) => Health::Stopped,
            Some(Power::Running) if self.is_provisioned() && !self.view.is_application_unhealthy => {
                Health::Healthy
            }
            Some(_) => Health::Unhealthy,
        }
    }

    /// Whether it is the same again after leaving its host.
    pub(crate) fn may_leave_its_host(&self) -> bool {
        !self.has_ephemeral_disk && !self.is_spot
    }

    /// Whether it has no host, or is about to lose it, although its set counts it.
    pub(crate) fn is_deallocated(&self) -> bool {
        matches!(self.view.power, Some(Power::Deallocating | Power::Deallocated))
    }

    /// Whether it is out of service on purpose.
    pub(crate) fn is_out_of_service(&self) -> bool {
        self.is_deallocated()
            || self.view.is_in_standby_pool
            || self.provisioning.eq_ignore_ascii_case("Deleting")
    }

    /// The reason why its own state excludes it, if it does.
    pub(crate) fn unfit(&self) -> Option<String> {
        let state = &self.provisioning;
        if state.eq_ignore_ascii_case("Deleting") {
            return Some("it is being deleted".to_owned());
        }
        if !self.is_provisioned() {
            let what = if state.eq_ignore_ascii_case("Failed") { "has failed" } else { "is under way" };
            return Some(format!("an operation on it {what} (provisioning state {state})"));
        }
        if self.view.is_in_standby_pool {
            return Some("in a standby pool".to_owned());
        }
        match self.view.power {
            Some(Power::Running) => None,
            Some(power) => Some(power.name().to_owned()),
            None => Some("it is unknown whether it runs".to_owned()),
        }
    }

    /// Whether an operation on it is in progress.
    pub(crate) fn is_changing(&self) -> bool {
        !["Succeeded", "Failed", "Canceled"].iter().any(|state| self.provisioning.eq_ignore_ascii_case(state))
    }

    pub(crate) fn is_windows(&self) -> bool {
        self.system == Some(System::Windows)
    }

    pub(crate) fn is_provisioned(&self) -> bool {
        self.provisioning.eq_ignore_ascii_case("Succeeded")
    }
}

#[cfg(test)]
pub(crate) fn example(power: Option<Power>, provisioning: &str) -> Machine {
    Machine {
        place: Place::example(),
        location: "westeurope".to_owned(),
        unique_id: None,
        created_at: None,
        labels: Labels::new(),
        provisioning: provisioning.to_owned(),
        view: View { power, ..View::default() },
        system: Some(System::Linux),
        has_ephemeral_disk: false,
        is_spot: false,
        availability_set: None,
        protection: None,
        interfaces: Vec::new(),
        doubt: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_runs_and_is_provisioned_is_healthy_and_may_be_chosen() {
        for (power, provisioning, health, why) in [
            (Some(Power::Running), "Succeeded", Health::Healthy, None),
            (
                Some(Power::Running),
                "Updating",
                Health::Unhealthy,
                Some("an operation on it is under way (provisioning state Updating)"),
            ),
            (
                Some(Power::Running),
                "Failed",
                Health::Unhealthy,
                Some("an operation on it has failed (provisioning state Failed)"),
            ),
            (Some(Power::Running), "Deleting", Health::Unhealthy, Some("it is being deleted")),
            (Some(Power::Starting), "Succeeded", Health::Unhealthy, Some("starting")),
            (Some(Power::Stopping), "Succeeded", Health::Unhealthy, Some("stopping")),
            (Some(Power::Stopped), "Succeeded", Health::Stopped, Some("stopped")),
            (Some(Power::Deallocating), "Succeeded", Health::Unhealthy, Some("deallocating")),
            (Some(Power::Deallocated), "Succeeded", Health::Stopped, Some("deallocated")),
            (None, "Succeeded", Health::Unknown, Some("it is unknown whether it runs")),
        ] {
            let machine = example(power, provisioning);
            assert_eq!(machine.health(), health, "{power:?} {provisioning}");
            assert_eq!(machine.unfit().as_deref(), why, "{power:?} {provisioning}");
        }
        let out = |power, provisioning| example(power, provisioning).is_out_of_service();
        assert!(out(Some(Power::Deallocated), "Succeeded") && out(Some(Power::Running), "Deleting"));
        assert!(!out(Some(Power::Stopped), "Succeeded") && !out(Some(Power::Running), "Failed"));
        let mut unwell = example(Some(Power::Running), "Succeeded");
        unwell.view.is_application_unhealthy = true;
        assert_eq!(unwell.health(), Health::Unhealthy);
    }

    #[test]
    fn a_power_state_is_read_in_any_case() {
        assert_eq!(Power::of("PowerState/Running"), Some(Power::Running));
        assert_eq!(Power::of("powerstate/deallocated"), Some(Power::Deallocated));
        for code in ["ProvisioningState/succeeded", "PowerState/unknown", "running", ""] {
            assert_eq!(Power::of(code), None, "{code}");
        }
    }

    #[test]
    fn domains_are_labels_where_there_are_any() {
        let view = View { fault_domain: Some(1), update_domain: Some(4), ..View::default() };
        let machine = example(None, "Succeeded").seen(view);
        assert_eq!(machine.labels[FAULT_DOMAIN_LABEL], "1");
        assert_eq!(machine.labels[UPDATE_DOMAIN_LABEL], "4");
        assert!(example(None, "Succeeded").seen(View::default()).labels.is_empty());
    }
}
