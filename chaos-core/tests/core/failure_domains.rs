//! Runs that are kept within one failure domain.

use std::{collections::BTreeSet, time::Duration};

use crate::support::{builder, until_state};
use chaos_core::{
    BlastRadius, CapabilitySet, ChaosEvent, Group, Health, Hold, Journal, MemoryJournal, MonkeyBuilder,
    Outcome, Prepared, Provider, Quota, Result, Scope, TargetId, async_trait,
    fault::FaultState,
    plan::{Decision, FailureDomain, Plan, Reason},
    testing::{MemoryProvider, PowerOff},
};

const ZONE: &str = "zone";

fn world(groups: &[(&str, usize, &[&str])]) -> MemoryProvider {
    let add = |world: MemoryProvider, (name, size, zones): &(&str, usize, &[&str])| {
        world.with_spread_group(name, *size, ZONE, zones.iter().copied()).unwrap()
    };
    groups.iter().fold(MemoryProvider::default(), add)
}

/// Everything that one zone allows.
fn zone_drill() -> BlastRadius {
    BlastRadius::default()
        .within(FailureDomain::by_label(ZONE))
        .targets_per_group(Quota::ALL)
        .targets_per_run(Quota::ALL)
        .max_active(usize::MAX)
        .min_healthy(0)
}

fn monkey(world: &MemoryProvider, blast_radius: BlastRadius) -> MonkeyBuilder {
    builder(world, &MemoryJournal::new()).event(PowerOff::default()).blast_radius(blast_radius)
}

async fn zone_of(world: &MemoryProvider, target: &TargetId) -> String {
    world.resolve(target).await.unwrap().unwrap().labels()[ZONE].clone()
}

async fn zones(world: &MemoryProvider, plan: &Plan) -> BTreeSet<String> {
    let mut zones = BTreeSet::new();
    for (target, _) in plan.chosen() {
        zones.insert(zone_of(world, target).await);
    }
    zones
}

fn reason_of(plan: &Plan, target: &str) -> Option<Reason> {
    let mut targets = plan.groups.iter().flat_map(|group| &group.targets);
    match &targets.find(|plan| plan.id.as_str() == target).unwrap().decision {
        Decision::NotChosen { reason, .. } => Some(reason.clone()),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_zone_fails_in_every_group_and_no_other_zone_does() {
    let world = world(&[("api", 6, &["a", "b", "c"]), ("db", 4, &["a", "b"]), ("web", 9, &["c", "b", "a"])]);
    let mut drawn = BTreeSet::new();
    for seed in 0..40 {
        let plan = monkey(&world, zone_drill()).seed(seed).build().unwrap().plan().await.unwrap();
        let zones = zones(&world, &plan).await;
        assert_eq!(zones.len(), 1, "seed {seed}: {plan}");
        let zone = zones.first().unwrap().clone();
        let expected = if zone == "c" { 2 + 3 } else { 2 + 2 + 3 };
        assert_eq!(plan.chosen().count(), expected, "all of {zone}, seed {seed}");
        drawn.insert(zone);
    }
    assert_eq!(drawn.len(), 3, "the seed draws the zone: {drawn:?}");

    let report = monkey(&world, zone_drill()).seed(1).build().unwrap().run_once().await.unwrap();
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    assert!(report.faults.len() >= 5);
}

#[tokio::test(start_paused = true)]
async fn the_zone_that_is_named_is_the_one_and_the_rest_says_why_not() {
    let world = world(&[("web", 6, &["a", "b", "c"])]);
    let named = |name: &'static str| zone_drill().within(FailureDomain::by_label(ZONE).named(name));
    let plan = monkey(&world, named("b")).build().unwrap().plan().await.unwrap();
    let chosen: Vec<&str> = plan.chosen().map(|(target, _)| target.name()).collect();
    assert_eq!(chosen, ["machine-1", "machine-4"]);
    let outside = Reason::outside_domain(ZONE, "b");
    assert_eq!(reason_of(&plan, "memory:web/machine-0"), Some(outside.clone()));
    assert_eq!(outside.to_string(), "only zone b is hit");

    let plan = monkey(&world, named("z")).build().unwrap().plan().await.unwrap();
    assert_eq!(plan.chosen().count(), 0);
    assert!(plan.to_string().contains("only zone z is hit"), "{plan}");
}

#[tokio::test(start_paused = true)]
async fn how_many_of_a_zone_is_said_as_ever() {
    let world = world(&[("web", 9, &["a", "b", "c"])]);
    for (blast_radius, expected) in [
        (zone_drill(), 3),
        (zone_drill().targets_per_group(2), 2),
        (zone_drill().targets_per_run(1), 1),
        (zone_drill().min_healthy(8), 1),
    ] {
        let plan = monkey(&world, blast_radius).seed(3).build().unwrap().plan().await.unwrap();
        assert_eq!(plan.chosen().count(), expected);
        assert_eq!(zones(&world, &plan).await.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn never_all_zones_of_a_group() {
    // One zone alone; and two zones, one of which is already down.
    let single = world(&[("web", 4, &["a"])]);
    let half_down = world(&[("web", 4, &["a", "b"])]);
    for machine in ["memory:web/machine-1", "memory:web/machine-3"] {
        half_down.set_health(&machine.parse().unwrap(), Health::Unhealthy).unwrap();
    }
    for world in [single, half_down] {
        let report = monkey(&world, zone_drill()).build().unwrap().run_once().await.unwrap();
        assert_eq!(report.outcome(), Outcome::Skipped, "{report}");
        let reason = report.plan.groups[0].reason.clone().unwrap();
        assert_eq!(reason, Reason::no_other_domain(ZONE, "a"));
        assert!(report.to_string().contains("no other zone of the group would be left"), "{report}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_zone_that_another_monkey_has_hit_is_not_the_one_that_is_left() {
    let world = world(&[("web", 4, &["a", "b"])]);
    let journal = MemoryJournal::new();
    let hold = Hold::lasting(Duration::from_secs(3600)).unwrap();
    let first = builder(&world, &journal).event(PowerOff::lasting(hold)).build().unwrap();
    let running = tokio::spawn(async move { first.run_once().await });
    until_state(&journal, FaultState::Active).await;
    let hit = zone_of(&world, &journal.pending().await.unwrap().faults[0].target).await;
    let other = if hit == "a" { "b" } else { "a" };

    let second = |name: &str| {
        let domain = FailureDomain::by_label(ZONE).named(name.to_owned());
        let builder = builder(&world, &journal).event(PowerOff::default());
        builder.blast_radius(zone_drill().within(domain)).build().unwrap()
    };
    let report = second(other).run_once().await.unwrap();
    assert_eq!(report.outcome(), Outcome::Skipped, "{report}");
    let report = second(&hit).run_once().await.unwrap();
    assert_eq!(report.outcome(), Outcome::Completed, "more of the same zone: {report}");
    running.abort();
}

/// Before a machine is switched off, everything in zone b goes down by itself.
#[derive(Debug)]
struct ZoneGoesDown(MemoryProvider);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChaosEvent for ZoneGoesDown {
    fn name(&self) -> &'static str {
        PowerOff::default().name()
    }

    fn requires(&self) -> CapabilitySet {
        PowerOff::default().requires()
    }

    fn hold(&self) -> Hold {
        Hold::DEFAULT
    }

    fn suits(&self, group: &Group) -> Result<(), String> {
        PowerOff::default().suits(group)
    }

    fn caveat(&self, group: &Group) -> Option<String> {
        PowerOff::default().caveat(group)
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        for machine in ["memory:web/machine-1", "memory:web/machine-3"] {
            self.0.set_health(&machine.parse()?, Health::Unhealthy)?;
        }
        PowerOff::default().prepare(scope).await
    }
}

#[tokio::test(start_paused = true)]
async fn the_other_zone_may_go_down_after_the_plan() {
    let world = world(&[("web", 4, &["a", "b"])]);
    let journal = MemoryJournal::new();
    let named =
        zone_drill().within(FailureDomain::by_label(ZONE).named("a")).targets_per_run(1).max_active(9);
    let monkey =
        builder(&world, &journal).event(ZoneGoesDown(world.clone())).blast_radius(named).build().unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!(report.outcome(), Outcome::Skipped, "{report}");
    assert!(matches!(report.skipped[0].reason, Reason::NoOtherDomain { .. }), "{report}");
    assert!(report.faults.is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_does_not_tell_its_zone_is_left_alone() {
    let world = MemoryProvider::default().with_group("web", 5).unwrap();
    let plan = monkey(&world, zone_drill()).build().unwrap().plan().await.unwrap();
    assert_eq!(plan.chosen().count(), 0);
    let unknown = Reason::unknown_domain(ZONE);
    assert_eq!(unknown.to_string(), "it has no label zone");
    assert_eq!(reason_of(&plan, "memory:web/machine-0"), Some(unknown));
}

#[test]
fn a_domain_without_a_name_is_refused() {
    let world = world(&[("web", 4, &["a", "b"])]);
    for (domain, told) in [
        (FailureDomain::by_label(""), "a label without a name"),
        (FailureDomain::by_label(ZONE).named(""), "\"\""),
    ] {
        let error = monkey(&world, zone_drill().within(domain)).build().unwrap_err().to_string();
        assert!(error.starts_with("invalid failure domain: ") && error.contains(told), "{error}");
    }
}
