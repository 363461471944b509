//! Machines with reused names, and the one that a fault concerns.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use chaos_core::{
    BlastRadius, Capability, CapabilitySet, ChaosEvent, ErrorKind, FaultId, Hold, Journal, MemoryJournal,
    Monkey, Observer, Permit, Prepared, Provider, Recovery, RecoveryScope, Registry, Result, Scope, Target,
    TargetId, Verdict, async_trait, capability::Change, fault::FaultState, observer::Activity,
};
use chaos_events::Stop;
use chaos_testkit::{Connect, CutOff};
use fake_azure::{FakeArm, NewAvailabilitySet, PowerState, SecurityGroups};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    cloud::{count, machine, only_group, sets, until_stopped},
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

/// Deletes the machine and creates another one with its name, which its owner has stopped.
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
    until_stopped(&fake, "web-0").await;
    make_anew(&fake, SecurityGroups::Shared);
    let report = holding.await.unwrap().unwrap();
    let fault = &report.faults[0];
    assert_eq!(fault.state, FaultState::Recovered, "{report:?}");
    assert!(fault.note.as_deref().unwrap_or_default().contains("another target has its name"), "{report:?}");
    assert_eq!(count(&fake, "POST", "/start"), 0, "{report:?}");
    assert_eq!(fake.power_state(&machine("web-0")), Some(PowerState::Stopped), "its owner has stopped it");
    assert!(journal.pending().await.unwrap().faults.is_empty());
}

/// Starts the target that it was given when the fault was prepared, even if another machine has its name by now.
#[derive(Debug, Default, Serialize, Deserialize)]
struct StartsTheOldOne {
    #[serde(skip)]
    target: Arc<Mutex<Option<Arc<dyn Target>>>>,
    #[serde(skip)]
    answer: Arc<Mutex<Option<Result<()>>>>,
}

#[async_trait]
impl Recovery for StartsTheOldOne {
    const KIND: &'static str = "tests/starts-the-old-one/1";

    async fn recover(&self, _: &RecoveryScope, permit: &Permit) -> Result<()> {
        let target = self.target.lock().unwrap().clone().unwrap();
        let answer = target.capabilities().lifecycle()?.start(permit).await;
        *self.answer.lock().unwrap() = Some(answer);
        Ok(())
    }

    async fn verify(&self, _: &RecoveryScope) -> Result<Verdict> {
        let is_tried = self.answer.lock().unwrap().is_some();
        Ok(if is_tried { Verdict::Gone("tried".to_owned()) } else { Verdict::NotYet("untried".to_owned()) })
    }

    fn by_hand(&self, _: &TargetId, _: FaultId) -> String {
        "nothing".to_owned()
    }
}

/// Keeps its target and stops it.
#[derive(Debug)]
struct StopsAndKeeps(Arc<Mutex<Option<Arc<dyn Target>>>>);

#[async_trait]
impl ChaosEvent for StopsAndKeeps {
    fn name(&self) -> &'static str {
        "stops-and-keeps"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::of([Capability::Stop, Capability::Start])
    }

    fn hold(&self) -> Hold {
        Hold::lasting(Duration::from_secs(3)).unwrap()
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let target = scope.target();
        *self.0.lock().unwrap() = Some(Arc::clone(target));
        let lifecycle = target.capabilities().lifecycle()?.clone();
        Ok(Prepared::new(StartsTheOldOne::default(), move |permit| {
            Box::pin(async move { lifecycle.stop(permit).await })
        }))
    }
}

/// Capabilities of a target that were kept do not act on the next machine with its name.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_for_the_one_that_is_gone_does_not_reach_the_other() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(2));
    let (target, answer) = (Arc::<Mutex<_>>::default(), Arc::<Mutex<_>>::default());
    let given = (Arc::clone(&target), Arc::clone(&answer));
    let registry = Registry::default().register_with::<StartsTheOldOne>(move |_| StartsTheOldOne {
        target: Arc::clone(&given.0),
        answer: Arc::clone(&given.1),
    });
    let monkey = Monkey::builder()
        .provider(sets(&fake).build().unwrap())
        .blast_radius(BlastRadius::default().min_healthy(0))
        .unleash(MemoryJournal::new(), registry)
        .build()
        .unwrap();
    let holding = tokio::spawn(async move { monkey.inject(StopsAndKeeps(target), &web()).await });
    until_stopped(&fake, "web-0").await;
    make_anew(&fake, SecurityGroups::Shared);
    let report = holding.await.unwrap().unwrap();
    assert!(report.faults[0].gone, "{report}");
    let refused = answer.lock().unwrap().take().unwrap().unwrap_err();
    assert!(refused.to_string().contains("vmId") || refused.kind() == ErrorKind::NotFound, "{refused}");
    assert_eq!(count(&fake, "POST", "/start"), 0);
    assert_eq!(fake.power_state(&machine("web-0")), Some(PowerState::Stopped), "its owner has stopped it");
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
        let settings = provider.remains(&web()).await.unwrap().settings().unwrap().unwrap();
        let snapshot = settings.snapshot(&Change::Isolate).await;
        assert!(
            snapshot.is_ok(),
            "{groups:?}: it is not isolated, or there would be no snapshot: {snapshot:?}"
        );
    }
}

/// Creates the machine again at the last moment, after the last look before the isolation.
#[derive(Debug)]
struct AtTheLastMoment(Arc<FakeArm>);

impl Observer for AtTheLastMoment {
    fn observe(&self, _: Timestamp, activity: &Activity) {
        if matches!(activity, Activity::Injecting { .. }) {
            make_anew(&self.0, SecurityGroups::Shared);
        }
    }
}

/// Between the snapshot and the isolation, an address may pass to another machine.
#[tokio::test(flavor = "multi_thread")]
async fn another_machine_than_the_one_of_the_snapshot_is_not_cut_off() {
    let fake = Arc::new(FakeArm::start().unwrap());
    fake.add(NewAvailabilitySet::new("shop", "web").machines(2).security_groups(SecurityGroups::Shared));
    let cut_off = CutOff::looking(|| async { panic!("another machine was cut off") });
    let monkey = Monkey::builder()
        .provider(sets(&fake).build().unwrap())
        .blast_radius(BlastRadius::default().min_healthy(0))
        .settle(Duration::from_millis(200))
        .observer(AtTheLastMoment(Arc::clone(&fake)))
        .unleash(MemoryJournal::new(), registry())
        .build()
        .unwrap();
    let report = monkey.inject(cut_off, &web()).await.unwrap();
    let failure = report.faults[0].failure.as_ref().expect("it was not injected");
    assert_eq!(failure.kind, ErrorKind::Conflict, "{failure}");
    assert_eq!(left_behind(&fake).await, [""; 0]);
    assert_eq!(count(&fake, "PUT", ""), 0, "nothing was written: {report:?}");
}
