//! The number of requests for a look, a victim and a recovery.

use std::{sync::Arc, time::Duration};

use chaos_core::{BlastRadius, ErrorKind, MemoryJournal, Monkey, Provider, Quota, TargetId};
use chaos_events::{Stop, Terminate};
use fake_azure::{FakeArm, NewAvailabilitySet, NewScaleSet, Trouble};
use futures_util::future::join_all;

use crate::cloud::{count, scale_sets, sets, until};

/// A set of three among 2,003 machines, in pages of 50.
fn crowded() -> FakeArm {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "few").machines(3));
    for number in 0..100 {
        fake.add(NewAvailabilitySet::new("crowd", format!("many-{number}")).machines(20));
    }
    fake.configure(|settings| settings.page_size = 50);
    fake
}

fn few(number: u32) -> TargetId {
    format!("azure-avset:{}/shop/few/few-{number}", FakeArm::SUBSCRIPTION).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_at_few_asks_for_few_however_many_there_are_beside() {
    let fake = crowded();
    let provider = sets(&fake).build().unwrap();
    let group = provider.group(&few(0).group()).await.unwrap();
    assert_eq!((group.members.len(), group.healthy(), group.desired), (3, 3, 3));
    assert_eq!(fake.requests().len(), 4, "the set, and each of its machines");
    // The members are the same as in a listing.
    let large = format!("azure-avset:{}/crowd/many-7", FakeArm::SUBSCRIPTION).parse().unwrap();
    assert_eq!(provider.group(&large).await.unwrap().healthy(), 20);
    fake.forget_requests();
    fake.configure(|settings| settings.page_size = 200);
    provider.remains(&few(0)).await.unwrap().engine().unwrap().unwrap();
    assert_eq!(fake.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn victims_of_one_moment_share_their_looks() {
    let fake = crowded();
    let monkey = |targets: Quota| {
        Monkey::builder()
            .provider(sets(&fake).group("few").build().unwrap())
            .event(Stop::lasting(Duration::from_secs(4)).unwrap())
            .blast_radius(
                BlastRadius::default()
                    .min_healthy(0)
                    .targets_per_group(targets)
                    .targets_per_run(targets)
                    .max_active(9),
            )
            .unleash(MemoryJournal::new(), chaos_events::registry())
            .build()
            .unwrap()
    };
    let mut figures = Vec::new();
    for targets in [Quota::from(1), Quota::ALL] {
        fake.forget_requests();
        let report = monkey(targets).run_once().await.unwrap();
        assert!(
            report.is_recovered() && report.faults.iter().all(|fault| fault.failure.is_none()),
            "{report:?}"
        );
        // The number of looks at one machine during the hold and the recovery depends on their duration.
        let of_looks = |request: &&fake_azure::Recorded| {
            request.path.ends_with("/few")
                || request.path.ends_with("/availabilitySets")
                || request.path.ends_with("/virtualMachines")
        };
        let requests = fake.requests();
        let lists = requests.iter().filter(of_looks).count();
        figures.push((report.faults.len(), lists, count(&fake, "GET", "/permissions")));
    }
    // The plan lists the subscription once: 1 page of sets of 3, 41 of machines, 41 of their instance views. Then each
    // look is one at few machines.
    let (one, three) = (figures[0], figures[1]);
    assert_eq!((one.0, three.0), (1, 3), "{figures:?}");
    assert!(one.1 <= 3 + 41 + 41 + 3, "{figures:?}");
    assert!(three.1 <= one.1 + 9, "{figures:?}");
    assert!(one.2 == 1 && three.2 <= 3, "{figures:?}");
}

/// A recovery does not request data that only a plan needs.
#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_termination_does_not_depend_on_autoscale_settings() {
    let fake = Arc::new(FakeArm::start().unwrap());
    fake.add(NewScaleSet::new("shop", "api").capacity(4).held_at(4));
    fake.configure(|settings| settings.repair_milliseconds = 2_500);
    let provider = scale_sets(&fake).build().unwrap();
    let monkey = Monkey::builder()
        .provider(provider)
        .event(Terminate::default())
        .unleash(MemoryJournal::new(), chaos_events::registry())
        .build()
        .unwrap();
    let running = tokio::spawn(async move { monkey.run_once().await });
    until("it is terminated", || count(&fake, "DELETE", "") > 0).await;
    fake.forget_requests();
    fake.trouble(Trouble::forbid().on("GET", "*/autoscalesettings").for_ever());
    let report = running.await.unwrap().unwrap();
    assert!(report.is_recovered() && report.faults[0].failure.is_none(), "{report:?}");
    assert_eq!(count(&fake, "GET", "/autoscalesettings"), 0, "nor is it asked while it is known");
    let set = format!(
        "/subscriptions/{}/resourceGroups/shop/providers/Microsoft.Compute/virtualMachineScaleSets/api",
        FakeArm::SUBSCRIPTION
    );
    assert_eq!(fake.capacity(&set), Some(4), "it was waited for the replacement: {report:?}");

    // Another process, which has not planned it, does not either: it relies on the journal.
    let elsewhere = scale_sets(&fake).build().unwrap();
    let id = &report.faults[0].group;
    assert_eq!(elsewhere.group(id).await.unwrap_err().kind(), ErrorKind::Denied);
    let group = elsewhere.group_in_recovery(id).await.unwrap();
    assert_eq!((group.healthy(), group.desired), (4, usize::MAX));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_autoscale_settings_at_one_moment_shares_a_listing() {
    let fake = FakeArm::start().unwrap();
    for number in 0..6 {
        fake.add(NewScaleSet::new("shop", format!("api-{number}")).capacity(2).held_at(2));
    }
    fake.trouble(Trouble::delay(200).on("GET", "*/autoscalesettings").for_ever());
    let provider = scale_sets(&fake).build().unwrap();
    let groups: Vec<_> = (0..6)
        .map(|number| format!("azure-vmss:{}/shop/api-{number}", FakeArm::SUBSCRIPTION).parse().unwrap())
        .collect();
    let found = join_all(groups.iter().map(|id| provider.group(id))).await;
    assert!(found.into_iter().all(|group| group.unwrap().replaces_members));
    assert!(count(&fake, "GET", "/autoscalesettings") <= 3, "{}", count(&fake, "GET", "/autoscalesettings"));
}
