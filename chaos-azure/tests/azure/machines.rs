//! Machines that are started outside of faults.

use std::{sync::Arc, time::Duration};

use chaos_azure::{Machines, StartOutcome};
use chaos_core::{
    ErrorKind,
    clock::{Clock, SystemClock},
};
use fake_azure::{FakeArm, NewAvailabilitySet, NewScaleSet, Pace, PowerState, Role, Trouble};

use crate::cloud::{KnownToken, SUBSCRIPTION, count, machine};

const LONG: Duration = Duration::from_secs(120);

fn world() -> FakeArm {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(2));
    fake.add(NewScaleSet::new("shop", "api").capacity(2));
    fake
}

fn machines(fake: &FakeArm) -> Machines {
    let builder = Machines::builder().endpoint(fake.endpoint()).credential(Arc::new(KnownToken));
    builder.build().unwrap()
}

fn instance(number: u32) -> String {
    let base = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.Compute");
    format!("{base}/virtualMachineScaleSets/api/virtualMachines/{number}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_is_down_is_started_and_seen_running() {
    let fake = world();
    let machines = machines(&fake);
    for id in [machine("web-0"), instance(1)] {
        for state in [PowerState::Stopped, PowerState::Deallocated] {
            fake.set_power_state(&id, state);
            fake.forget_requests();
            assert_eq!(machines.start(&id, LONG).await.unwrap(), StartOutcome::Started, "{id} {state:?}");
            assert_eq!(fake.power_state(&id), Some(PowerState::Running), "{id} {state:?}");
            assert_eq!(count(&fake, "POST", "/start"), 1, "{id} {state:?}");
        }
    }
    assert_eq!(fake.boots(&machine("web-1")), Some(1), "no other machine is started");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_runs_is_left_alone_in_either_spelling() {
    let fake = world();
    let outcome = machines(&fake).start(&machine("web-0").to_uppercase(), LONG).await.unwrap();
    assert_eq!(outcome, StartOutcome::AlreadyRunning);
    assert_eq!((fake.requests().len(), count(&fake, "POST", "")), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_in_progress_is_not_ordered_twice() {
    let fake = world();
    fake.configure(|settings| settings.pace = Pace::Milliseconds(4_000));
    fake.set_power_state(&machine("web-0"), PowerState::Stopped);
    let outcome = machines(&fake).start(&machine("web-0"), LONG).await.unwrap();
    assert_eq!((outcome, count(&fake, "POST", "/start")), (StartOutcome::Started, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_that_passes_only_costs_time() {
    let fake = world();
    for trouble in [
        Trouble::forbid().on("POST", "*/start"),
        Trouble::forbid().on("GET", "*/virtualMachines/*"),
        Trouble::cut_after().on("POST", "*/start"),
        Trouble::fail_operation("AllocationFailed", "No host is free.").on("POST", "*/start"),
    ] {
        fake.set_power_state(&machine("web-0"), PowerState::Deallocated);
        fake.trouble(trouble.clone());
        let outcome = machines(&fake).start(&machine("web-0"), LONG).await;
        assert_eq!(
            outcome.unwrap_or_else(|error| panic!("{trouble:?}: {}", error.chain())),
            StartOutcome::Started
        );
        assert_eq!(fake.power_state(&machine("web-0")), Some(PowerState::Running), "{trouble:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_does_not_come_up_is_told_with_the_reason_and_the_command() {
    let fake = world();
    fake.set_power_state(&machine("web-0"), PowerState::Stopped);
    fake.assign(Role::owner().without("Microsoft.Compute/virtualMachines/start/action"));
    let clock = SystemClock::default();
    let begun = clock.monotonic();
    let error = machines(&fake).start(&machine("web-0"), Duration::from_secs(2)).await.unwrap_err();
    assert!(clock.monotonic() - begun >= Duration::from_secs(2));
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    let told = error.chain();
    for words in [
        "the machine was not seen running in time",
        "machine=\"shop/web-0\"",
        "limit=\"2s\"",
        "az vm start --ids /subscriptions/",
        "missing=\"Microsoft.Compute/virtualMachines/start/action\"",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert_eq!(fake.power_state(&machine("web-0")), Some(PowerState::Stopped));

    // With no time at all, it is ordered once, and nobody waits.
    fake.assign(Role::owner());
    fake.configure(|settings| settings.pace = Pace::Never);
    fake.forget_requests();
    let error = machines(&fake).start(&machine("web-0"), Duration::ZERO).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(count(&fake, "POST", "/start") <= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_machine_and_what_does_not_exist_ends_at_once() {
    let fake = world();
    let machines = machines(&fake);
    for id in ["web-0", &instance(0).replace("/virtualMachines/0", ""), &format!("{}/x", machine("web-0"))] {
        let error = machines.start(id, LONG).await.unwrap_err();
        assert_eq!((error.kind(), fake.requests().len()), (ErrorKind::InvalidInput, 0), "{error}");
    }
    for id in [machine("web-9"), instance(9)] {
        let error = machines.start(&id, LONG).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(error.to_string().contains("machine=\"shop/"), "{error}");
    }
}
