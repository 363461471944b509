//! The check before a fault whether this program may recover it.

use std::{sync::Arc, time::Duration};

use chaos_core::{BlastRadius, ChaosEvent, MemoryJournal, Monkey, Provider, RunReport, TargetId};
use chaos_events::{CpuBurn, Reboot, Stop};
use chaos_testkit::{Connect, CutOff};
use fake_azure::{FakeArm, NewAvailabilitySet, NewScaleSet, PowerState, Role, SecurityGroups};

use crate::{
    cloud::{count, list, machine, scale_sets, sets, until, until_stopped},
    studio::{minutes, shutdown},
};

fn monkey(provider: impl Provider, event: impl ChaosEvent) -> Monkey {
    Monkey::builder()
        .provider(provider)
        .event(event)
        .blast_radius(BlastRadius::default().min_healthy(0))
        .settle(Duration::from_millis(100))
        .unleash(MemoryJournal::new(), chaos_events::registry().register::<Connect>())
        .build()
        .unwrap()
}

fn stop() -> Stop {
    Stop::lasting(Duration::from_secs(3)).unwrap()
}

fn web() -> TargetId {
    format!("azure-avset:{}/shop/web/web-0", FakeArm::SUBSCRIPTION).parse().unwrap()
}

fn without(action: &str) -> Role {
    Role::owner().without(action)
}

/// Checks that nothing was done, and the reason.
fn is_refused(report: &RunReport, fake: &FakeArm, missing: &str) {
    assert!(report.faults.is_empty(), "{report:?}");
    let told = format!("{report:?}");
    assert!(told.contains("would not be permitted to bring the target back"), "{told}");
    assert!(told.contains(missing) && told.contains("scope"), "{missing}: {told}");
    let changes: Vec<_> = fake.requests().into_iter().filter(|request| request.method != "GET").collect();
    assert!(changes.iter().all(|request| request.path.ends_with("/runCommand")), "{changes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_power_off_and_not_start_is_refused_before_the_injection_and_by_the_plan() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(2));
    fake.add(NewScaleSet::new("shop", "api").capacity(2));
    fake.add(NewScaleSet::new("shop", "flex").capacity(2).flexible());
    let mut targets = vec![(Arc::new(sets(&fake).build().unwrap()) as Arc<dyn Provider>, web())];
    for group in list(&scale_sets(&fake).build().unwrap()).await.unwrap() {
        let name = group.id.path().rsplit('/').next().unwrap();
        let provider = Arc::new(scale_sets(&fake).group(name).build().unwrap());
        targets.push((provider, group.members[0].target.id().clone()));
    }
    for (provider, target) in targets {
        let is_instance = target.group().path().ends_with("/api");
        let kind = if is_instance { "virtualMachineScaleSets/virtualMachines" } else { "virtualMachines" };
        let action = format!("Microsoft.Compute/{kind}/start/action");
        fake.assign(without(&action));
        fake.forget_requests();
        let monkey = monkey(Arc::clone(&provider), stop());
        let report = monkey.inject(stop(), &target).await.unwrap();
        is_refused(&report, &fake, &action);
        // A machine that does not come up after a reboot is started.
        is_refused(&monkey.inject(Reboot::default(), &target).await.unwrap(), &fake, &action);
        let plan = monkey.plan().await.unwrap();
        let own = plan.groups.iter().find(|group| group.id == target.group()).unwrap();
        assert!(format!("{own:?}").contains(&action), "{own:?}");
        // It may also be excluded from a pattern, and a role at another scope does not help here.
        fake.assign(Role::owner().without("Microsoft.Compute/*/start/*"));
        is_refused(&monkey.inject(stop(), &target).await.unwrap(), &fake, &action);
        fake.assign(Role::new(["*/read", "Microsoft.Compute/*"]));
        assert_eq!(monkey.inject(stop(), &target).await.unwrap().faults.len(), 1, "{target}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_told_what_is_allowed_does_nothing() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(2));
    fake.assign(without("Microsoft.Authorization/permissions/read"));
    let monkey = monkey(sets(&fake).build().unwrap(), stop());
    let report = monkey.inject(stop(), &web()).await.unwrap();
    let told = format!("{report:?}");
    assert!(report.faults.is_empty() && told.contains("Microsoft.Authorization/permissions/read"), "{told}");
    assert_eq!(count(&fake, "POST", "/powerOff"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_taken_away_and_given_back_in_the_hold_comes_back_in_time() {
    let fake = Arc::new(FakeArm::start().unwrap());
    fake.add(NewAvailabilitySet::new("shop", "web").machines(2));
    let monkey = monkey(sets(&fake).build().unwrap(), stop());
    let holding = tokio::spawn(async move { monkey.inject(stop(), &web()).await });
    until_stopped(&fake, "web-0").await;
    // Both reads and orders, until the recovery was refused more than once.
    fake.assign(Role::new(["Microsoft.Nothing/read"]));
    fake.forget_requests();
    until("its recovery is refused", || {
        fake.requests().iter().filter(|request| request.status == Some(403)).count() >= 6
    })
    .await;
    fake.assign(Role::owner());
    let report = holding.await.unwrap().unwrap();
    assert!(report.is_recovered() && report.faults[0].failure.is_none(), "{report:?}");
    assert_eq!(fake.power_state(&machine("web-0")), Some(PowerState::Running));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_a_script_an_isolation_or_an_experiment_is_asked_too() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(2).security_groups(SecurityGroups::Shared));
    fake.add(NewAvailabilitySet::new("shop", "bare").machines(2).security_groups(SecurityGroups::None));
    fake.add(shutdown("PT1H", &[machine("web-0")]).lasting(Duration::from_secs(3600)));
    let bare: TargetId = format!("azure-avset:{}/shop/bare/bare-0", FakeArm::SUBSCRIPTION).parse().unwrap();
    let monkey = monkey(sets(&fake).build().unwrap(), stop());

    let burn = CpuBurn::default().lasting(Duration::from_secs(30)).unwrap();
    let action = "Microsoft.Compute/virtualMachines/runCommand/action";
    fake.assign(Role::new(["*"]).without(action));
    let report = monkey.inject(burn, &web()).await.unwrap();
    assert!(report.faults.is_empty() && format!("{report:?}").contains(action), "{report:?}");

    for (target, action) in [
        (web(), "Microsoft.Network/networkSecurityGroups/securityRules/delete"),
        (bare.clone(), "Microsoft.Network/networkSecurityGroups/delete"),
        (bare, "Microsoft.Network/networkInterfaces/write"),
    ] {
        fake.assign(without(action));
        fake.forget_requests();
        let report = monkey.inject(CutOff::looking(|| async {}), &target).await.unwrap();
        is_refused(&report, &fake, action);
    }

    let action = "Microsoft.Chaos/experiments/cancel/action";
    fake.assign(without(action));
    fake.forget_requests();
    let report = monkey.inject(minutes(90), &web()).await.unwrap();
    let told = format!("{report:?}");
    assert!(report.faults.is_empty() && told.contains(action), "{told}");
    assert_eq!(count(&fake, "POST", "/start"), 0);
}
