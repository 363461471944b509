//! Every operation of the crate, once, and its requests to Azure.

use std::{sync::Arc, time::Duration};

use chaos_azure::{RebootMode, StopMode};
use chaos_core::{
    BlastRadius, ChaosEvent, MemoryJournal, Monkey, Provider, RunReport, TargetId, capability::Script,
    clock::SystemClock, steady_state::Probe,
};
use chaos_events::{Reboot, Stop, Terminate};
use fake_azure::{FakeArm, NewAvailabilitySet, NewScaleSet, Recorded, SecurityGroups, Trouble};
use futures_util::future::{join, join_all};

use crate::{
    cloud::{SUBSCRIPTION, list, machine, scale_sets, sets},
    isolation::isolate,
    metrics::cpu,
    studio::{minutes, shutdown},
};

pub(crate) fn world() -> Arc<FakeArm> {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(2));
    fake.add(NewAvailabilitySet::new("shop", "bare").machines(2).security_groups(SecurityGroups::None));
    fake.add(NewScaleSet::new("shop", "api").capacity(3).security_groups(SecurityGroups::Shared));
    fake.add(NewScaleSet::new("shop", "flex").capacity(3).flexible());
    let long = shutdown("PT1H", &[machine("web-0")]).lasting(Duration::from_secs(3600));
    fake.add(long);
    Arc::new(fake)
}

/// Does everything, and returns each request that was sent for it, without those that only poll the status of an order.
pub(crate) async fn sweep(fake: &Arc<FakeArm>) -> Vec<Recorded> {
    let provider = sets(fake).build().unwrap();
    for group in list(&provider).await.unwrap() {
        provider.group(&group.id).await.unwrap();
    }
    let target = |id: &str| id.replace("SUB", SUBSCRIPTION).parse::<TargetId>().unwrap();
    let web = target("azure-avset:SUB/shop/web/web-0");
    let of_sets = |stop, reboot| sets(fake).stop_mode(stop).reboot_mode(reboot).build().unwrap();
    let of_scale_sets = |stop, reboot| scale_sets(fake).stop_mode(stop).reboot_mode(reboot).build().unwrap();
    let scaled = list(&scale_sets(fake).build().unwrap()).await.unwrap();
    let instances = scaled.iter().map(|group| on_machine(group.members[0].target.id(), of_scale_sets));
    join(on_machine(&web, of_sets), join_all(instances)).await;
    let _ = isolate(provider.clone(), &target("azure-avset:SUB/shop/bare/bare-0"), || ()).await;
    // Two minutes: a question in the first second of a minute does not reach the newest.
    fake.set_metric(&machine("web-0"), "Percentage CPU", [12.5, 12.5]);
    let reading = cpu(fake).look(&SystemClock::default()).await.unwrap();
    assert_eq!(reading, 12.5.into());
    // Its answer is lost, so it is cancelled at once.
    fake.trouble(Trouble::cut_after().on("POST", "*/experiments/drill/start"));
    let report = monkey(provider).inject(minutes(90), &web).await.unwrap();
    assert!(report.is_recovered() && report.faults.len() == 1, "{report:?}");

    let provider = scale_sets(fake).build().unwrap();
    for group in list(&provider).await.unwrap() {
        provider.group(&group.id).await.unwrap();
        let target = group.members[0].target.id().clone();
        let _ = inject(provider.clone(), Terminate::default().even_without_replacement(), &target).await;
    }
    fake.requests().into_iter().filter(|request| !request.is_poll()).collect()
}

async fn on_machine<P: Provider>(target: &TargetId, build: impl Fn(StopMode, RebootMode) -> P) {
    for (stop, reboot) in [
        (StopMode::Orderly, RebootMode::Restart),
        (StopMode::Abrupt, RebootMode::Redeploy),
        (StopMode::Deallocate, RebootMode::Restart),
    ] {
        let halt = Stop::lasting(Duration::from_secs(5)).unwrap();
        let _ = inject(build(stop, reboot), halt, target).await;
        let _ = inject(build(stop, reboot), Reboot::default(), target).await;
    }
    let provider = build(StopMode::Orderly, RebootMode::Restart);
    let found = provider.resolve(target).await.unwrap().expect("it is there");
    let shell = found.capabilities().shell.expect("it has a shell");
    assert_eq!(shell.inspect(&Script::new("printf here")).await.unwrap().stdout, "here");
    let report = isolate(provider, target, || ()).await;
    assert!(report.is_recovered() && report.faults[0].failure.is_none(), "{report:?}");
}

async fn inject(provider: impl Provider, event: impl ChaosEvent, target: &TargetId) -> RunReport {
    let report = monkey(provider).inject(event, target).await.unwrap();
    assert!(report.is_recovered() && report.faults.len() == 1, "{report:?}");
    assert!(report.faults[0].failure.is_none(), "{report:?}");
    report
}

fn monkey(provider: impl Provider) -> Monkey {
    Monkey::builder()
        .provider(provider)
        .settle(Duration::from_millis(50))
        .blast_radius(BlastRadius::default().min_healthy(0))
        .unleash(MemoryJournal::new(), chaos_events::registry())
        .build()
        .unwrap()
}
