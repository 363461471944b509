//! Groups as platforms list them: without a size, with members out of service, with weights, one group twice.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::support::{clock, registry};
use chaos_core::{
    BlastRadius, ChaosEvent, ErrorKind, Group, GroupId, Health, Journal, MemoryJournal, Monkey, Provider,
    Quota, Result, Target, TargetId, async_trait,
    capability::Remains,
    fault::FaultState,
    group::Member,
    plan::{Percent, Plan, Reason},
    provider::{BoxStream, GroupFilter},
    testing::{MemoryProvider, PowerOff},
};
use futures_util::{StreamExt, stream};
use proptest::prelude::*;

/// The groups of a world in memory, shown differently.
#[derive(Clone)]
struct Told {
    world: MemoryProvider,
    tell: Arc<dyn Fn(Group) -> Vec<Group> + Send + Sync>,
}

impl Told {
    fn of(world: MemoryProvider, tell: impl Fn(Group) -> Vec<Group> + Send + Sync + 'static) -> Self {
        Self { world, tell: Arc::new(tell) }
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Told")
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Provider for Told {
    fn scheme(&self) -> &'static str {
        self.world.scheme()
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        let told = self.world.groups(filter).flat_map(|group| match group {
            Ok(group) => stream::iter((self.tell)(group).into_iter().map(Ok).collect::<Vec<_>>()),
            Err(error) => stream::iter(vec![Err(error)]),
        });
        told.boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        Ok((self.tell)(self.world.group(id).await?).remove(0))
    }

    async fn group_in_recovery(&self, id: &GroupId) -> Result<Group> {
        Ok((self.tell)(self.world.group_in_recovery(id).await?).remove(0))
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        self.world.resolve(id).await
    }

    async fn remains(&self, id: &TargetId) -> Result<Remains> {
        self.world.remains(id).await
    }
}

fn world(size: usize) -> MemoryProvider {
    MemoryProvider::default().with_group("web", size).unwrap()
}

async fn plan(provider: impl Provider, blast_radius: BlastRadius, seed: u64) -> Plan {
    let monkey = Monkey::builder()
        .provider(provider)
        .event(PowerOff::default())
        .blast_radius(blast_radius)
        .clock(clock())
        .seed(seed)
        .build()
        .unwrap();
    monkey.plan().await.unwrap()
}

/// `group` without the size that its provider has set.
fn unsaid(group: Group) -> Group {
    Group::new(group.id).replaces_members(group.replaces_members).members(group.members)
}

fn whole() -> BlastRadius {
    BlastRadius::default().targets_per_group(Quota::ALL).targets_per_run(Quota::ALL).max_active(1_000)
}

#[tokio::test(start_paused = true)]
async fn a_size_that_nobody_said_is_that_of_the_members() {
    let told = Told::of(world(6), |group| vec![unsaid(group)]);
    let plan = plan(told, whole(), 1).await;
    assert_eq!((plan.groups[0].desired, plan.chosen().count()), (6, 3), "{plan}");
}

#[test]
fn a_size_is_counted_until_it_is_said() {
    let group = |world: &MemoryProvider| {
        let found = futures_util::FutureExt::now_or_never(world.group(&"memory:web".parse().unwrap()));
        found.unwrap().unwrap()
    };
    let two = unsaid(group(&world(2)));
    assert_eq!((two.desired, two.healthy()), (2, 2));
    assert_eq!(two.clone().members(group(&world(5)).members).desired, 5, "who is there now counts");
    assert_eq!(Group::new(two.id.clone()).desired(7).members(two.members.clone()).desired, 7);
    assert_eq!(
        Group::new(two.id.clone()).members(two.members.clone()).desired(0).desired,
        0,
        "0 may be said"
    );
    let mut by_hand = Group::new(two.id.clone());
    by_hand.desired = 7;
    assert_eq!(by_hand.members(two.members).desired, 7);
}

#[tokio::test(start_paused = true)]
async fn two_groups_of_one_id_are_a_doubt_and_neither_is_touched() {
    let world = world(5).with_group("shop", 5).unwrap();
    let told = Told::of(world, |group| match group.id.path() {
        "web" => vec![group.clone(), group],
        _ => vec![group],
    });
    let plan = plan(told.clone(), BlastRadius::default().targets_per_run(10), 1).await;

    assert!(plan.chosen().all(|(target, _)| target.group().path() == "shop"), "{plan}");
    assert_eq!((plan.chosen().count(), plan.doubts.len()), (1, 1), "{plan}");
    assert!(plan.to_string().contains("memory:web: the provider listed the group more than once"), "{plan}");
    let of_web = plan.groups.iter().filter(|group| group.id.path() == "web");
    assert!(of_web.clone().all(|group| matches!(group.reason, Some(Reason::Doubt { .. }))), "{plan:?}");
    assert_eq!(of_web.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_empty_list_of_groups_is_nobody_and_nothing_listed_says_so() {
    let monkey = |filter, world| {
        Monkey::builder().provider(world).event(PowerOff::default()).groups(filter).clock(clock()).build()
    };
    let nobody = GroupFilter::only(Vec::<String>::new());
    let none = monkey(nobody, world(5)).unwrap().plan().await.unwrap();
    assert_eq!((none.groups.len(), none.why_nothing()), (0, vec!["no group passes the filter".to_owned()]));

    let unknown = monkey(GroupFilter::all().name("wbe"), world(5)).unwrap().plan().await.unwrap();
    assert_eq!(unknown.why_nothing()[0], "no group passes the filter", "{unknown}");
    assert!(
        unknown.why_nothing()[1].starts_with("wbe: no provider lists a group with this name"),
        "{unknown}"
    );

    let empty = monkey(GroupFilter::all(), MemoryProvider::default()).unwrap().plan().await.unwrap();
    assert_eq!(empty.to_string(), "no provider listed a group");

    let everybody = monkey(GroupFilter::all(), world(5)).unwrap().plan().await.unwrap();
    assert_eq!((everybody.chosen().count(), everybody.refused), (1, None));
}

#[test]
fn a_limit_of_nothing_is_refused_and_a_floor_of_nothing_is_not() {
    let build = |blast_radius| Monkey::builder().provider(world(1)).blast_radius(blast_radius).build();
    for nothing in [
        BlastRadius::default().targets_per_group(0),
        BlastRadius::default().targets_per_run(Percent(0)),
        BlastRadius::default().max_active(0),
    ] {
        assert_eq!(build(nothing).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    build(BlastRadius::default().min_healthy(0)).unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_is_out_of_service_on_purpose_is_neither_hit_nor_counted() {
    let standby = |group: Group| {
        let members = group
            .members
            .into_iter()
            .enumerate()
            .map(|(at, member)| if at < 4 { member.out_of_service("in standby") } else { member });
        Group::new(group.id).members(members.collect::<Vec<_>>())
    };
    for seed in 0..20 {
        let plan = plan(Told::of(world(6), move |group| vec![standby(group)]), whole(), seed).await;
        let web = &plan.groups[0];
        // Half of the two that are in service must stay. Half of six would spare no member.
        assert_eq!((web.desired, web.healthy, plan.chosen().count()), (2, 2, 1), "{plan}");
        for target in &web.targets[..4] {
            let reason = Reason::excluded("out of service: in standby");
            assert_eq!(target.decision, chaos_core::plan::Decision::not_chosen(reason));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_merely_unhealthy_still_raises_the_floor() {
    let world = world(6);
    for number in 0..3 {
        let id = format!("memory:web/machine-{number}").parse().unwrap();
        world.set_health(&id, Health::Unhealthy).unwrap();
    }
    let plan = plan(Told::of(world, |group| vec![unsaid(group)]), whole(), 1).await;
    assert_eq!(plan.groups[0].reason, Some(Reason::too_few_healthy(2, 3)), "{plan}");
}

/// On some platforms a stopped member counts as out of service, such as a deallocated machine. Consecutive runs, each
/// of which measures by the rest of the one before, must not empty such a group.
#[tokio::test(start_paused = true)]
async fn what_a_fault_has_taken_out_of_service_still_counts() {
    let out_where_stopped = |group: Group| {
        let members = group.members.into_iter().map(|member| match member.health {
            Health::Stopped => member.out_of_service("deallocated"),
            _ => member,
        });
        vec![Group::new(group.id).members(members.collect::<Vec<_>>())]
    };
    let told = Told::of(world(10), out_where_stopped);
    let journal = MemoryJournal::new();
    let monkey = |seed| {
        let builder = Monkey::builder().provider(told.clone()).event(PowerOff::default()).clock(clock());
        builder.unleash(journal.clone(), registry()).blast_radius(whole()).seed(seed).build().unwrap()
    };
    let first = monkey(1);
    assert_eq!(first.plan().await.unwrap().chosen().count(), 5);
    let run = tokio::spawn(async move { first.run_once().await });
    while journal
        .find(&chaos_core::journal::FaultQuery::all().state(FaultState::Active))
        .await
        .unwrap()
        .faults
        .len()
        < 5
    {
        tokio::task::yield_now().await;
    }
    let second = monkey(2).plan().await.unwrap();
    assert_eq!(second.groups[0].reason, Some(Reason::too_few_healthy(4, 5)), "{second}");
    run.abort();
}

/// Between the plan and the injection somebody takes the victim out of service.
#[tokio::test(start_paused = true)]
async fn the_last_look_sees_who_was_taken_out_of_service_meanwhile() {
    let is_out = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&is_out);
    let told = Told::of(world(4), move |group| {
        let out = seen.load(Ordering::SeqCst);
        let members = group.members.into_iter().map(|member| match out {
            true => member.out_of_service("draining"),
            false => member,
        });
        vec![Group::new(group.id).desired(4).members(members.collect::<Vec<_>>())]
    });
    let journal = MemoryJournal::new();
    let monkey = Monkey::builder()
        .provider(told)
        .event(Leaving(Arc::clone(&is_out)))
        .clock(clock())
        .unleash(journal, registry())
        .build()
        .unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!(report.skipped[0].reason, Reason::excluded("out of service: draining"), "{report}");
}

/// Prepared, its group has gone out of service.
#[derive(Debug)]
struct Leaving(Arc<AtomicBool>);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChaosEvent for Leaving {
    fn name(&self) -> &'static str {
        "leaving"
    }

    fn requires(&self) -> chaos_core::CapabilitySet {
        PowerOff::default().requires()
    }

    fn hold(&self) -> chaos_core::Hold {
        PowerOff::default().hold()
    }

    fn suits(&self, group: &Group) -> Result<(), String> {
        PowerOff::default().suits(group)
    }

    fn caveat(&self, group: &Group) -> Option<String> {
        PowerOff::default().caveat(group)
    }

    async fn prepare(&self, scope: &chaos_core::Scope) -> Result<chaos_core::Prepared> {
        self.0.store(true, Ordering::SeqCst);
        PowerOff::default().prepare(scope).await
    }
}

#[tokio::test(start_paused = true)]
async fn doubts_stand_beside_whoever_is_chosen_and_forge_no_line() {
    let monkey = Monkey::builder()
        .provider(world(5))
        .event(PowerOff::default())
        .groups(GroupFilter::only(["web", "shop\nall is well\u{202e}"]))
        .clock(clock())
        .build()
        .unwrap();
    let plan = monkey.plan().await.unwrap();
    let shown = plan.to_string();
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len(), 2, "{shown}");
    assert!(lines[0].starts_with("power-off memory:web/machine-"), "{shown}");
    assert!(lines[1].starts_with(r"left alone: shop\nall is well\u{202e}: no provider lists"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn a_share_that_is_less_than_one_target_says_so() {
    let plan = plan(world(9), whole().targets_per_group(Percent(10)), 1).await;
    assert_eq!(plan.chosen().count(), 0, "{plan}");
    assert_eq!(plan.groups[0].reason, Some(Reason::limit_of_none("10%", 9)));
    assert!(plan.to_string().contains("10% of 9 rounds down to no target"), "{plan}");
}

#[tokio::test(start_paused = true)]
async fn who_is_more_of_the_capacity_than_may_be_hit_says_so() {
    let heavy = |group: Group| {
        let members = group.members.into_iter().map(|member| member.weight(4));
        vec![Group::new(group.id).members(members.collect::<Vec<_>>())]
    };
    let plan =
        plan(Told::of(world(5), heavy), BlastRadius::default().targets_per_group(Percent(15)), 1).await;
    // 15 % of 20 are 3.
    let why = "memory:web: it is 4 of the group's capacity, and only 3 may still be hit";
    assert_eq!((plan.groups[0].desired, plan.to_string().as_str()), (20, why));
}

#[derive(Clone, Debug)]
struct Fate {
    health: Health,
    is_out: bool,
    weight: u32,
}

fn fate() -> impl Strategy<Value = Fate> {
    let health =
        prop_oneof![4 => Just(Health::Healthy), 1 => Just(Health::Unhealthy), 1 => Just(Health::Stopped)];
    (health, prop::bool::weighted(0.2), 1_u32..6).prop_map(|(health, is_out, weight)| Fate {
        health,
        is_out,
        weight,
    })
}

fn quota() -> impl Strategy<Value = Quota> {
    prop_oneof![(1_usize..5).prop_map(Quota::from), (1_u8..=100).prop_map(|share| Percent(share).into())]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// A member out of service is never hit. Limits and floors hold; those that are shares hold by capacity.
    #[test]
    fn limits_and_floors_hold_whatever_the_members_weigh(
        fates in prop::collection::vec(fate(), 1..12),
        (limit, floor) in (quota(), quota()),
        said in prop::option::of(0_usize..40),
        seed in 0_u64..1_000,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let told_fates = fates.clone();
        let told = Told::of(world(fates.len()), move |group| {
            let members = group.members.into_iter().zip(&told_fates).map(|(member, fate)| {
                let member = Member::new(member.target, fate.health).weight(fate.weight);
                if fate.is_out { member.out_of_service("in standby") } else { member }
            });
            let group = Group::new(group.id).members(members.collect::<Vec<_>>());
            vec![match said { Some(said) => group.desired(said), None => group }]
        });
        let blast_radius = whole().targets_per_group(limit).min_healthy(floor);
        let plan = runtime.block_on(plan(told, blast_radius, seed));

        // Up to eleven, so that the order of the ids differs from the order of the numbers.
        let fate_of = |target: &TargetId| {
            let number: usize = target.name().trim_start_matches("machine-").parse().unwrap();
            fates[number].clone()
        };
        let chosen: Vec<Fate> = plan.chosen().map(|(target, _)| fate_of(target)).collect();
        prop_assert!(chosen.iter().all(|fate| !fate.is_out && fate.health == Health::Healthy));

        let in_service = || fates.iter().filter(|fate| !fate.is_out);
        let measure = |quota: Quota, fates: &mut dyn Iterator<Item = &Fate>| -> usize {
            let is_share = quota.to_string().ends_with('%');
            fates.map(|fate| if is_share { usize::try_from(fate.weight).unwrap() } else { 1 }).sum()
        };
        let capacity: usize = in_service().map(|fate| usize::try_from(fate.weight).unwrap()).sum();
        let desired = said.unwrap_or(capacity);
        let hit = measure(limit, &mut chosen.iter());
        prop_assert!(hit <= limit.at_most(desired.min(capacity)), "{} hit of {}", hit, limit);

        let sound = measure(floor, &mut in_service().filter(|fate| fate.health == Health::Healthy));
        let left = sound - measure(floor, &mut chosen.iter());
        prop_assert!(chosen.is_empty() || left >= floor.at_least(desired.max(capacity)));
    }
}
