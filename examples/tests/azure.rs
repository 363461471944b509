//! The drill of a rack, against the fake of Azure.

use std::process::Command;

use fake_azure::{FakeArm, NewAvailabilitySet, PowerState};

use crate::program::printed;

#[test]
fn a_rack_fails_and_comes_back() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(4));
    let place = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_azure_rack"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AZURE_")) {
        command.env_remove(name);
    }
    command
        .arg(place.path().join("chaos.journal"))
        .args(["shop", "2"])
        .env("AZURE_RESOURCE_MANAGER_ENDPOINT", fake.endpoint())
        .env("AZURE_SUBSCRIPTION_ID", FakeArm::SUBSCRIPTION)
        .env("IDENTITY_ENDPOINT", format!("{}/msi/token", fake.endpoint()))
        .env("IDENTITY_HEADER", FakeArm::SECRET)
        .env("HOME", place.path());
    let printed = printed(&mut command);

    let hit = printed.lines().filter(|line| line.contains("chosen: stop")).count();
    assert!((1..=2).contains(&hit), "one rack of two or three: {printed}");
    assert!(printed.contains("completed (run"), "{printed}");
    let orders = |end: &str| fake.requests().iter().filter(|request| request.path.ends_with(end)).count();
    assert_eq!((orders("/powerOff"), orders("/start")), (hit, hit));
    assert!(fake.machines().iter().all(|id| fake.power_state(id) == Some(PowerState::Running)));
}
