//! Names are used again: which machine a fault is about.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use chaos_core::{
    BlastRadius, FaultState, Isolation, Journal, MemoryJournal, Monkey, Provider, Registry, TargetId,
};
use chaos_events::Stop;
use chaos_testkit::{
    Connect, CutOff,
    azure::{FakeArm, NewAvailabilitySet, PowerState, SecurityGroups},
};

use crate::{
    cloud::{count, machine, only_group, sets},
    isolation::left_behind,
};

fn web() -> TargetId {
    format!("azure-avset:{}/shop/web/web-0", FakeArm::SUBSCRIPTION).parse().unwrap()
}

fn registry() -> Registry {
    chaos_events::registry().register::<Connect>()
}

fn monkey(provider: impl Provider, journal: MemoryJournal) -> Monkey {
    Monkey::builder()
        .provider(provider)
        .blast_radius(BlastRadius::default().min_healthy(0))
        .settle(Duration::from_millis(200))
        .unleash(journal, registry())
        .build()
        .unwrap()
}

/// Deletes the machine and makes another one of its name, which its owner has stopped.
fn make_anew(fake: &FakeArm, groups: SecurityGroups) {
    fake.delete_machine(&machine("web-0"));
    fake.add(NewAvailabilitySet::new("shop", "web").machines(2).security_groups(groups));
    fake.set_power_state(&machine("web-0"), PowerState::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_is_told_from_another_one_of_its_name_wherever_it_is_looked_at() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(2));
    let provider = sets(&fake).build().unwrap();
    let mut seen = BTreeSet::new();
    let before = only_group(&provider).await.member(&web()).unwrap().clone();
    for _ in 0..2 {
        let of_listing = only_group(&provider).await.member(&web()).unwrap().incarnation.clone().unwrap();
        let of_group =
            provider.group(&web().group()).await.unwrap().member(&web()).unwrap().incarnation.clone();
        let found = provider.resolve(&web()).await.unwrap().unwrap();
        let told = [found.incarnation().await.unwrap(), found.incarnation().await.unwrap(), of_group];
        assert!(told.iter().all(|told| told.as_deref() == Some(&*of_listing)), "{told:?}");
        assert_eq!(*of_listing, of_listing.to_lowercase());
        assert_eq!(
            before.target.incarnation().await.unwrap(),
            Some(Arc::clone(&of_listing)),
            "it looks anew"
        );
        seen.insert(of_listing);
        make_anew(&fake, SecurityGroups::Shared);
    }
    assert_eq!(seen.len(), 2, "{seen:?}");
    fake.delete_machine(&machine("web-0"));
    assert_eq!(before.target.incarnation().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_machine_of_the_name_is_never_started_nor_taken_for_the_one_that_is_gone() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(2));
    let journal = MemoryJournal::new();
    let held = monkey(sets(&fake).build().unwrap(), journal.clone());
    let stop = Stop::lasting(Duration::from_secs(4)).unwrap();
    let holding = tokio::spawn(async move { held.inject(stop, &web()).await });
    while fake.power_state(&machine("web-0")) != Some(PowerState::Stopped) {
        tokio::task::yield_now().await;
    }
    let target = sets(&fake).build().unwrap().resolve(&web()).await.unwrap().unwrap();
    make_anew(&fake, SecurityGroups::Shared);
    let report = holding.await.unwrap().unwrap();
    let fault = &report.faults[0];
    assert_eq!(fault.state, FaultState::Recovered, "{report:?}");
    assert!(fault.note.as_deref().unwrap_or_default().contains("another one bears its name"), "{report:?}");
    assert_eq!(count(&fake, "POST", "/start"), 0, "{report:?}");
    assert_eq!(fake.power_state(&machine("web-0")), Some(PowerState::Stopped), "its owner has stopped it");
    assert!(journal.pending().await.unwrap().faults.is_empty());

    // Neither by who holds the capabilities of the one before.
    assert!(target.capabilities().lifecycle().is_ok());
    let again = monkey(sets(&fake).build().unwrap(), MemoryJournal::new());
    assert!(again.recover_pending().await.unwrap().faults.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_isolates_an_address_goes_when_another_machine_has_it() {
    for groups in [SecurityGroups::Shared, SecurityGroups::None] {
        let fake = Arc::new(FakeArm::start().unwrap());
        fake.add(NewAvailabilitySet::new("shop", "web").machines(2).security_groups(groups));
        let provider = sets(&fake).build().unwrap();
        let meanwhile = Arc::clone(&fake);
        let event = CutOff::looking(move || {
            make_anew(&meanwhile, groups);
            std::future::ready(())
        });
        let report = monkey(provider.clone(), MemoryJournal::new()).inject(event, &web()).await.unwrap();
        assert!(report.is_recovered(), "{groups:?}: {report:?}");
        assert_eq!(left_behind(&fake).await, [""; 0], "{groups:?}");
        let isolation = provider.isolation_beyond(&web()).await.unwrap().unwrap();
        assert!(!is_isolated(isolation.as_ref()).await, "{groups:?}");
    }
}

async fn is_isolated(isolation: &dyn Isolation) -> bool {
    isolation.is_isolated().await.unwrap()
}

/// Between the snapshot and the isolation, an address may pass to somebody else.
#[tokio::test(flavor = "multi_thread")]
async fn another_machine_than_the_one_of_the_snapshot_is_not_cut_off() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(2).security_groups(SecurityGroups::Shared));
    let provider = sets(&fake).build().unwrap();
    let target = only_group(&provider).await.member(&web()).unwrap().target.clone();
    let isolation = target.capabilities().isolation.unwrap();
    let snapshot = isolation.snapshot().await.unwrap();
    let text = serde_json::to_string(&snapshot).unwrap();
    let incarnation = target.incarnation().await.unwrap().unwrap();
    assert!(text.contains(&*incarnation) && text.contains("10."), "{text}");
}
