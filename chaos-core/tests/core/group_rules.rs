//! Rules for some groups: the first that fits decides, and what it does not say is as for the whole monkey.

use std::{sync::Arc, time::Duration};

use chaos_core::{
    BlastRadius, BusinessHours, CapabilitySet, ChaosEvent, GroupId, Hold, Journal, MemoryJournal, Monkey,
    MonkeyBuilder, Observer, Prepared, Quota, Result, Scope, async_trait,
    clock::Clock,
    group::Labels,
    journal::FaultQuery,
    monkey::GroupRule,
    observer::{Activity, Intended},
    plan::{Plan, Reason},
    schedule::Schedule,
    testing::{ManualClock, MemoryProvider, PowerOff},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::support::{builder, clock};

/// As [`PowerOff`], under another name.
#[derive(Debug)]
struct PullPlug;

#[async_trait]
impl ChaosEvent for PullPlug {
    fn name(&self) -> &'static str {
        "pull-plug"
    }

    fn requires(&self) -> CapabilitySet {
        PowerOff::default().requires()
    }

    fn hold(&self) -> Hold {
        Hold::lasting(Duration::from_secs(60)).unwrap()
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        PowerOff::default().prepare(scope).await
    }
}

fn of(pattern: &str) -> GroupRule {
    GroupRule::matching(pattern.parse().unwrap())
}

fn id(name: &str) -> GroupId {
    format!("memory:{name}").parse().unwrap()
}

fn world(names: &[&str]) -> MemoryProvider {
    names.iter().fold(MemoryProvider::default(), |world, name| world.with_group(name, 6).unwrap())
}

fn everywhere() -> BlastRadius {
    BlastRadius::default().targets_per_run(Quota::ALL).min_healthy(0)
}

fn planning(world: MemoryProvider) -> MonkeyBuilder {
    Monkey::builder().provider(world).event(PowerOff::default()).event(PullPlug).blast_radius(everywhere())
}

async fn planned(builder: MonkeyBuilder) -> Plan {
    builder.seed(7).clock(clock()).build().unwrap().plan().await.unwrap()
}

/// The number of chosen targets in a group, and their events.
fn chosen<'a>(plan: &'a Plan, group: &str) -> Vec<&'a str> {
    plan.chosen().filter(|(target, _)| target.group().path() == group).map(|(_, event)| event).collect()
}

#[tokio::test(start_paused = true)]
async fn the_first_rule_that_fits_decides_and_the_rest_is_as_for_all() {
    let world = world(&["a", "b", "c", "d"]);
    world.set_labels(&id("b"), Labels::from([("team".into(), "shop".into())])).unwrap();
    let builder = planning(world)
        .group_rule(of("a").targets_per_group(3))
        .group_rule(of("tag:team=shop").or_matching("c".parse().unwrap()).events(["pull-plug"]))
        .group_rule(of("*").targets_per_group(2).events(["power-off"]));
    let plan = planned(builder).await;
    assert_eq!(chosen(&plan, "a").len(), 3, "{plan}");
    for shop in ["b", "c"] {
        assert_eq!(chosen(&plan, shop), ["pull-plug"], "one per group, as for all: {plan}");
    }
    assert_eq!(chosen(&plan, "d"), ["power-off"; 2], "{plan}");
}

/// An order by hand names its event.
#[tokio::test(start_paused = true)]
async fn events_of_a_rule_are_those_that_are_drawn() {
    let journal = MemoryJournal::new();
    let monkey = builder(&world(&["a"]), &journal)
        .event(PowerOff::default())
        .event(PullPlug)
        .group_rule(of("a").events(["pull-plug"]))
        .build()
        .unwrap();
    for _ in 0..4 {
        let report = monkey.run_once().await.unwrap();
        assert_eq!(report.faults[0].event, "pull-plug", "{report}");
    }
    let by_hand = monkey.inject(PowerOff::default(), &"memory:a/machine-0".parse().unwrap()).await.unwrap();
    assert_eq!(by_hand.faults[0].event, "power-off", "{by_hand}");
}

/// Before and after `from` o'clock.
#[tokio::test(start_paused = true)]
async fn hours_of_a_group_narrow_those_of_all_and_open_nothing() {
    let hours = |from, to| BusinessHours::new("UTC").unwrap().hours(from, to);
    let builder = |clock| {
        planning(world(&["early", "late", "any"]))
            .calendar(hours(9, 15))
            .group_rule(of("early").calendar(hours(6, 10)))
            .group_rule(of("late").calendar(hours(14, 20)))
            .clock(clock)
    };
    for (now, expected) in [
        ("2026-03-02T07:00:00Z", [0, 0, 0]),
        ("2026-03-02T09:30:00Z", [1, 0, 1]),
        ("2026-03-02T12:00:00Z", [0, 0, 1]),
        ("2026-03-02T14:30:00Z", [0, 1, 1]),
        ("2026-03-02T16:00:00Z", [0, 0, 0]),
    ] {
        let monkey = builder(ManualClock::starting_at(now.parse().unwrap())).build().unwrap();
        let plan = monkey.plan().await.unwrap();
        let counts = ["early", "late", "any"].map(|group| chosen(&plan, group).len());
        assert_eq!(counts, expected, "{now}: {plan}");
    }
    let monkey = builder(ManualClock::starting_at("2026-03-02T12:00:00Z".parse().unwrap())).build().unwrap();
    let plan = monkey.plan().await.unwrap();
    let late = plan.groups.iter().find(|group| group.id.path() == "late").unwrap();
    let opens = "2026-03-02T14:00:00Z".parse().unwrap();
    assert_eq!(late.reason, Some(Reason::calendar_closed(Some(opens), None)));
}

/// Closes the calendar of a group, or tags it, while observers are asked.
struct Meanwhile(Box<dyn Fn() + Send + Sync>);

impl std::fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meanwhile")
    }
}

#[async_trait]
impl Observer for Meanwhile {
    fn observe(&self, _: Timestamp, _: &Activity) {}

    async fn before_injection(&self, _: Timestamp, _: &Intended) -> Result<()> {
        (self.0)();
        Ok(())
    }
}

/// The limits of the plan were those of the other rule.
#[tokio::test(start_paused = true)]
async fn a_group_that_another_rule_fits_meanwhile_is_left_alone() {
    let (world, journal) = (world(&["a"]), MemoryJournal::new());
    let tagged = world.clone();
    let monkey = builder(&world, &journal)
        .event(PowerOff::default())
        .group_rule(of("tag:tier=critical").min_healthy(6))
        .observer(Meanwhile(Box::new(move || {
            tagged.set_labels(&id("a"), Labels::from([("tier".into(), "critical".into())])).unwrap();
        })))
        .build()
        .unwrap();
    let report = monkey.run_once().await.unwrap();
    assert!(report.faults.is_empty(), "{report}");
    let why = report.skipped[0].reason.to_string();
    assert!(why.contains("another rule fits the group"), "{why}");
}

/// Observers may take until the group's own hours are over.
#[tokio::test(start_paused = true)]
async fn the_hours_of_a_group_are_asked_again_before_the_arming() {
    #[derive(Debug)]
    struct Slow(Arc<ManualClock>);

    #[async_trait]
    impl Observer for Slow {
        fn observe(&self, _: Timestamp, _: &Activity) {}

        async fn before_injection(&self, _: Timestamp, _: &Intended) -> Result<()> {
            self.0.sleep(Duration::from_secs(20)).await;
            Ok(())
        }
    }

    let clock = Arc::new(ManualClock::starting_at("2026-03-02T09:53:50Z".parse().unwrap()));
    let (world, journal) = (world(&["a"]), MemoryJournal::new());
    let monkey = builder(&world, &journal)
        .event(PullPlug)
        .clock(Arc::clone(&clock))
        .group_rule(of("a").calendar(BusinessHours::new("UTC").unwrap().hours(9, 10)))
        .observer(Slow(Arc::clone(&clock)))
        .build()
        .unwrap();
    let report = monkey.run_once().await.unwrap();
    assert!(report.faults.is_empty(), "{report}");
    assert!(matches!(report.skipped[0].reason, Reason::ClosesTooSoon { .. }), "{report}");
}

/// Four weeks: each group by its own mean, least and hours.
#[tokio::test(start_paused = true)]
async fn each_group_is_due_by_its_own_mean_least_and_hours() {
    let clock = Arc::new(ManualClock::starting_at("2026-03-02T06:00:00Z".parse().unwrap()));
    let (world, journal) = (world(&["daily", "second", "noon", "all"]), MemoryJournal::new());
    let hours = |from, to| BusinessHours::new("UTC").unwrap().hours(from, to);
    let monkey = builder(&world, &journal)
        .event(PullPlug)
        .clock(Arc::clone(&clock))
        .calendar(hours(9, 15))
        .schedule(Schedule::new("UTC").unwrap().mean(6.0).unwrap().least(3).unwrap())
        .group_rule(of("daily").mean(1.0).unwrap().least(1).unwrap())
        .group_rule(of("second").mean(2.0).unwrap().least(2).unwrap())
        .group_rule(of("noon").mean(3.0).unwrap().calendar(hours(12, 13)))
        .seed(42)
        .build()
        .unwrap();
    let end: Timestamp = "2026-03-28T00:00:00Z".parse().unwrap();
    monkey.run(clock.sleep(end.duration_since(clock.now()).unsigned_abs())).await.unwrap();
    let faults = journal.find(&FaultQuery::all()).await.unwrap().faults;
    let times = |group: &str| -> Vec<_> {
        let of_group = faults.iter().filter(|fault| fault.group == id(group));
        of_group.map(|fault| fault.armed_at.to_zoned(TimeZone::UTC)).collect()
    };
    assert_eq!(times("daily").len(), 20, "on each open day");
    assert_eq!(times("second").len(), 10, "on each second open day");
    let noon = times("noon");
    assert!(noon.len() >= 5 && noon.iter().all(|at| at.hour() == 12), "{noon:?}");
    let all: Vec<Date> = times("all").iter().map(|at| at.date()).collect();
    assert!((1..=6).contains(&all.len()), "{all:?}");
    assert!(all.windows(2).all(|pair| pair[1].duration_since(pair[0]).as_hours() >= 3 * 24), "{all:?}");
}

#[test]
fn a_rule_that_makes_no_sense_is_refused_by_its_pattern() {
    let build = |rule: GroupRule| planning(world(&["a"])).group_rule(rule).build().unwrap_err().to_string();
    let scheduled = |rule: GroupRule| {
        let schedule = Schedule::new("UTC").unwrap().mean(5.0).unwrap().least(2).unwrap();
        let builder = planning(world(&["a"])).seed(1).schedule(schedule).group_rule(rule);
        builder.build().unwrap_err().to_string()
    };
    for (error, expected) in [
        (
            build(of("a*").events(["power-of"])),
            "invalid events of the rule for a*: \"power-of\"; expected power-off",
        ),
        (
            build(of("a*").events(["x"])),
            "invalid events of the rule for a*: \"x\"; expected one of the monkey's events",
        ),
        (
            build(of("a*").events(Vec::<String>::new())),
            "invalid events of the rule for a*: none; expected at least one",
        ),
        (build(of("a*").targets_per_group(0)), "invalid targets_per_group of the rule for a*: 0"),
        (
            build(of("a*").mean(2.0).unwrap()),
            "invalid mean of the rule for a*: given; expected a monkey with a schedule",
        ),
        (
            build(of("a").calendar(BusinessHours::new("UTC").unwrap().hours(9, 25))),
            "invalid closing time of the rule for a: 25",
        ),
        (scheduled(of("a").least(6).unwrap()), "invalid least of the rule for a: 6; expected"),
        (scheduled(of("a").mean(1.5).unwrap()), "invalid least of the rule for a: 2; expected"),
        (of("a").mean(f64::NAN).unwrap_err().to_string(), "invalid mean: NaN; expected"),
        (of("a").mean(0.5).unwrap_err().to_string(), "invalid mean: 0.5; expected"),
        (of("a").least(0).unwrap_err().to_string(), "invalid least: 0; expected"),
    ] {
        assert!(error.starts_with(expected), "{error}\n{expected}");
    }
}
