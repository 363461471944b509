//! The suite of chaos events: sound ones pass, and each check is violated by a liar.

use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    time::Duration,
};

use crate::support::{Coverage, paused, world::World};
use chaos_core::{
    Capability, CapabilitySet, ChaosEvent, FaultId, Group, Health, Hold, Permit, Prepared, Provider,
    Recovery, RecoveryScope, Registry, Result, Scope, TargetId, Verdict, async_trait,
    testing::{MemoryProvider, PowerOff, PowerOn},
};
use chaos_testkit::{
    CheckResult, ContractReport, Subject, contract,
    faulty::{EventCall, Failing, Times},
};
use serde::{Deserialize, Serialize};

fn power_off() -> PowerOff {
    PowerOff::lasting(Hold::lasting(Duration::from_millis(200)).unwrap())
}

fn registry() -> Registry {
    Registry::default().register::<PowerOn>().register::<Shrug>()
}

async fn check_with(event: impl ChaosEvent, registry: Registry) -> ContractReport {
    contract::event::check(&paused(), event, registry, async || {
        let world = MemoryProvider::default().with_group("web", 3)?;
        World::enter(&world);
        Ok(Subject::new(world.clone(), World::machine(0)).fingerprint(move || {
            let world = world.clone();
            Box::pin(async move {
                let health = world.resolve(&World::machine(0)).await?.unwrap().health().await?;
                Ok(format!("{health}, {} left behind", World::litter_count()))
            })
        }))
    })
    .await
}

/// Like [`check`], but the fixture has no fingerprint.
async fn check_without_fingerprint(lie: Lie) -> ContractReport {
    contract::event::check(&paused(), LyingEvent::telling(lie), registry(), async || {
        let world = MemoryProvider::default().with_group("web", 3)?;
        World::enter(&world);
        Ok(Subject::new(world, World::machine(0)))
    })
    .await
}

async fn check(lie: Lie) -> ContractReport {
    check_with(LyingEvent::telling(lie), registry()).await
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    None,
    BadName,
    HoldChanges,
    TouchesInPrepare,
    LittersInPrepare,
    LeavesLitter,
    RecoversNothing,
    StopsANeighbour,
    RequiresNothing,
    RequiresTooMuch,
    RequiresLessOfThePlanner,
    SuitsInTheEnd,
}

#[derive(Debug)]
struct LyingEvent {
    lie: Lie,
    flag: AtomicBool,
}

impl LyingEvent {
    fn telling(lie: Lie) -> Self {
        Self { lie, flag: AtomicBool::new(false) }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChaosEvent for LyingEvent {
    fn name(&self) -> &'static str {
        if self.lie == Lie::BadName { "Power Off!" } else { "power-off" }
    }

    fn requires(&self) -> CapabilitySet {
        let honest = power_off().requires();
        match self.lie {
            Lie::RequiresNothing => CapabilitySet::default(),
            Lie::RequiresTooMuch => honest.union(CapabilitySet::of([Capability::Terminate])),
            // A planner asks for the caveat after it has asked whether the group suits.
            Lie::RequiresLessOfThePlanner if self.flag.swap(false, SeqCst) => CapabilitySet::default(),
            _ => honest,
        }
    }

    fn hold(&self) -> Hold {
        match self.lie {
            Lie::HoldChanges if self.flag.fetch_xor(true, SeqCst) => Hold::DEFAULT,
            _ => power_off().hold(),
        }
    }

    fn suits(&self, group: &Group) -> Result<(), String> {
        match self.lie {
            Lie::RequiresLessOfThePlanner => self.flag.store(true, SeqCst),
            Lie::SuitsInTheEnd if !group.replaces_members && !self.flag.swap(true, SeqCst) => {
                return Err("it replaces no member".to_owned());
            }
            _ => {}
        }
        Ok(())
    }

    fn caveat(&self, group: &Group) -> Option<String> {
        power_off().caveat(group)
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let lie = self.lie;
        if lie == Lie::TouchesInPrepare {
            World::set(1, Health::Unhealthy);
        }
        if lie == Lie::LittersInPrepare {
            World::litter();
        }
        let prepared = match lie {
            Lie::RecoversNothing => {
                let lifecycle = scope.target().capabilities().lifecycle()?.clone();
                Prepared::new(Shrug {}, |permit| Box::pin(async move { lifecycle.stop(permit).await }))
            }
            _ => power_off().prepare(scope).await?,
        };
        if !matches!(lie, Lie::StopsANeighbour | Lie::LeavesLitter) {
            return Ok(prepared);
        }
        Ok(prepared.around(move |inject| {
            Box::new(move |permit| {
                Box::pin(async move {
                    match lie {
                        Lie::StopsANeighbour => World::set(1, Health::Stopped),
                        _ => World::litter(),
                    }
                    inject(permit).await
                })
            })
        }))
    }
}

/// Leaves the machine as it is, and says that it is back.
#[derive(Debug, Serialize, Deserialize)]
struct Shrug {}

#[async_trait]
impl Recovery for Shrug {
    const KIND: &'static str = "tests/shrug/1";

    async fn recover(&self, _: &RecoveryScope, _: &Permit) -> Result<()> {
        Ok(())
    }

    async fn verify(&self, _: &RecoveryScope) -> Result<Verdict> {
        Ok(Verdict::Back)
    }

    fn by_hand(&self, _: &TargetId, _: FaultId) -> String {
        "shrug".to_owned()
    }
}

/// Suits only groups that replace their members.
#[derive(Debug)]
struct Choosy(PowerOff);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChaosEvent for Choosy {
    fn name(&self) -> &'static str {
        "choosy"
    }

    fn requires(&self) -> CapabilitySet {
        self.0.requires()
    }

    fn hold(&self) -> Hold {
        self.0.hold()
    }

    fn suits(&self, group: &Group) -> Result<(), String> {
        if group.replaces_members { Ok(()) } else { Err("it replaces no member".to_owned()) }
    }

    fn caveat(&self, group: &Group) -> Option<String> {
        self.0.caveat(group)
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        self.0.prepare(scope).await
    }
}

#[tokio::test(start_paused = true)]
async fn the_event_of_the_core_passes() {
    let report = check_with(power_off(), registry()).await;
    report.assert_kept();
    assert_eq!(report.not_applicable(), 1, "{report}");
    let report = check_with(Choosy(power_off()), registry()).await;
    report.assert_kept();
    assert_eq!(report.not_applicable(), 0, "{report}");
}

#[tokio::test(start_paused = true)]
async fn every_check_sees_its_liar() {
    let mut coverage = Coverage::of_sound(&check(Lie::None).await);
    for (lie, expected) in [
        (Lie::BadName, &["the name is well-formed"][..]),
        (Lie::HoldChanges, &["it describes itself the same at every call"]),
        (
            Lie::RecoversNothing,
            &["it is injected and the target comes back", "its recovery puts the fingerprint back"],
        ),
        (Lie::RequiresNothing, &["it uses what it requires and nothing else"]),
        (Lie::RequiresTooMuch, &["it uses what it requires and nothing else"]),
        (
            Lie::RequiresLessOfThePlanner,
            &[
                "it describes itself the same at every call",
                "a target that lacks what it requires is left alone",
            ],
        ),
        (Lie::SuitsInTheEnd, &["a group that it does not suit is left alone"]),
        (Lie::TouchesInPrepare, &["preparing touches nothing", "it leaves the rest of its group alone"]),
        (
            Lie::LittersInPrepare,
            &["preparing leaves the fingerprint as it was", "its recovery puts the fingerprint back"],
        ),
        (Lie::LeavesLitter, &["its recovery puts the fingerprint back"]),
        (Lie::StopsANeighbour, &["it leaves the rest of its group alone"]),
    ] {
        coverage.caught(&format!("{lie:?}"), &check(lie).await, expected);
    }
    let unread = check_with(power_off(), Registry::default()).await;
    coverage.caught_among_others("not registered", &unread, &["the registry reads its recovery back"]);
    let failing = Failing::event(power_off(), EventCall::Injection, Times::ALWAYS);
    let failing = check_with(failing, registry()).await;
    coverage.caught_among_others(
        "an injection that fails",
        &failing,
        &["it is injected and the target comes back"],
    );
    coverage.assert_complete();
}

#[tokio::test(start_paused = true)]
async fn damage_beyond_the_health_of_the_members_is_seen_by_a_fingerprint_alone() {
    for lie in [Lie::LittersInPrepare, Lie::LeavesLitter] {
        let unseen = check_without_fingerprint(lie).await;
        unseen.assert_kept();
        assert_eq!(unseen.not_applicable(), 3, "{unseen}");
        assert!(check(lie).await.violations().next().is_some(), "{lie:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_fingerprint_that_does_not_see_the_fault_proves_nothing() {
    let blind = contract::event::check(&paused(), power_off(), registry(), async || {
        let world = MemoryProvider::default().with_group("web", 3)?;
        Ok(Subject::new(world, World::machine(0)).fingerprint(|| Box::pin(async { Ok(String::new()) })))
    })
    .await;
    let found =
        blind.checks.iter().find(|check| check.name == "its recovery puts the fingerprint back").unwrap();
    let never = "the fingerprint never differed while the fault was held";
    assert_eq!(found.result, CheckResult::NotApplicable(never.to_owned()));
}
