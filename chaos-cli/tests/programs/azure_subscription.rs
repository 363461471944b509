//! A subscription of the fake of Azure, and programs that reach it.

use fake_azure::{FakeArm, NewAvailabilitySet, PowerState};
use tempfile::TempDir;
use tokio::process::Command;

use crate::support::command;

/// A subscription with the availability set `web` of four machines, and a folder for journals.
pub(crate) struct Subscription {
    pub(crate) fake: FakeArm,
    pub(crate) place: TempDir,
}

impl Subscription {
    pub(crate) fn new() -> Self {
        let fake = FakeArm::start().unwrap();
        fake.add(NewAvailabilitySet::new("shop", "web").machines(4).tag("team", "shop"));
        let place = tempfile::Builder::new().prefix("chaos-azure-drill-").tempdir().unwrap();
        Self { fake, place }
    }

    /// With a managed identity and a subscription, and nothing else of the machine's own settings.
    pub(crate) fn program(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = command(program, arguments);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AZURE_"))
        {
            command.env_remove(name);
        }
        command
            .env("AZURE_RESOURCE_MANAGER_ENDPOINT", self.fake.endpoint())
            .env("AZURE_SUBSCRIPTION_ID", FakeArm::SUBSCRIPTION)
            .env("IDENTITY_ENDPOINT", format!("{}/msi/token", self.fake.endpoint()))
            .env("IDENTITY_HEADER", FakeArm::SECRET)
            .env("HOME", self.place.path())
            .env_remove("XDG_STATE_HOME");
        command
    }

    /// The orders that change something, by the ends of their paths.
    pub(crate) fn orders(&self) -> Vec<String> {
        let orders = self.fake.requests().into_iter().filter(|request| request.method == "POST");
        orders.map(|request| request.path.rsplit('/').next().unwrap().to_owned()).collect()
    }

    pub(crate) fn all_run(&self) -> bool {
        self.fake.machines().iter().all(|id| self.fake.power_state(id) == Some(PowerState::Running))
    }
}
