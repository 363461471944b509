//! Which targets are never touched: patterns over ids, paths and tags, and consent.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use chaos_core::{
    BlastRadius, ErrorKind, Hold, Journal, MemoryJournal, Monkey, MonkeyBuilder, Observer, Outcome, Provider,
    Quota,
    clock::Clock,
    group::Labels,
    journal::FaultQuery,
    listing::ENABLED_TAG,
    monkey::GroupRule,
    observer::Activity,
    plan::{Decision, PatternRole, Plan, Reason, UnmatchedPattern},
    provider::{GroupFilter, TargetPattern},
    schedule::Schedule,
    testing::{ManualClock, MemoryProvider, PowerOff},
};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::support::{HalfRead, builder, clock};

const TIER: &str = "tier";

fn pattern(text: &str) -> TargetPattern {
    text.parse().unwrap()
}

fn labels(key: &str, value: &str) -> Labels {
    Labels::from([(key.to_owned(), value.to_owned())])
}

/// As many as it may.
fn everything() -> BlastRadius {
    BlastRadius::default().targets_per_group(Quota::ALL).targets_per_run(Quota::ALL).min_healthy(0)
}

fn reason_of<'a>(plan: &'a Plan, target: &str) -> Option<&'a Reason> {
    let mut all = plan.groups.iter().flat_map(|group| &group.targets);
    match &all.find(|planned| planned.id.as_str() == target)?.decision {
        Decision::NotChosen { reason, .. } => Some(reason),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn the_plan_says_which_pattern_denies() {
    let world =
        MemoryProvider::default().with_group("web", 3).unwrap().with_group("payments-api", 3).unwrap();
    let filter = GroupFilter::all().deny(pattern("payments-*")).deny(pattern("*/machine-1"));
    let builder = Monkey::builder().provider(world).event(PowerOff::default()).groups(filter);
    let plan = builder.blast_radius(everything()).build().unwrap().plan().await.unwrap();
    let payments = plan.groups.iter().find(|group| group.id.path() == "payments-api").unwrap();
    assert_eq!(payments.reason, Some(Reason::denied("payments-*")));
    assert_eq!(reason_of(&plan, "memory:payments-api/machine-0"), Some(&Reason::denied("payments-*")));
    assert_eq!(reason_of(&plan, "memory:web/machine-1"), Some(&Reason::denied("*/machine-1")));
    assert_eq!(plan.chosen().count(), 2, "{plan}");
}

/// Whatever the provider: this one knows nothing of consent.
#[tokio::test(start_paused = true)]
async fn with_opt_in_only_what_has_agreed_is_touched() {
    let names = ["agreed", "silent", "unwilling", "listed"];
    let world =
        names.into_iter().fold(MemoryProvider::default(), |world, name| world.with_group(name, 2).unwrap());
    world.set_labels(&"memory:agreed".parse().unwrap(), labels(ENABLED_TAG, "true")).unwrap();
    world.set_labels(&"memory:unwilling".parse().unwrap(), labels(ENABLED_TAG, "false")).unwrap();
    let journal = MemoryJournal::new();
    let monkey = builder(&world, &journal)
        .event(PowerOff::default())
        .blast_radius(everything())
        .groups(GroupFilter::all().opt_in(true).allow(pattern("list*")).allow(pattern("unwilling")))
        .build()
        .unwrap();
    let report = monkey.run_once().await.unwrap();
    let hit: Vec<&str> = report.faults.iter().map(|fault| fault.group.path()).collect();
    assert_eq!(hit, ["agreed", "agreed", "listed", "listed"], "{report}");
    assert_eq!(reason_of(&report.plan, "memory:silent/machine-0"), Some(&Reason::NotOptedIn));
    let why = "opted out: the tag chaos:enabled of the group is false";
    assert_eq!(reason_of(&report.plan, "memory:unwilling/machine-0"), Some(&Reason::excluded(why)));
}

/// A due is a run in one group. What is denied stays so.
#[tokio::test(start_paused = true)]
async fn a_due_and_an_order_by_hand_touch_nothing_that_is_denied() {
    let clock = Arc::new(clock());
    let world = MemoryProvider::default().with_group("web", 3).unwrap().with_group("shop", 3).unwrap();
    let journal = MemoryJournal::new();
    let monkey = builder(&world, &journal)
        .event(PowerOff::lasting(Hold::lasting(Duration::from_secs(60)).unwrap()))
        .clock(Arc::clone(&clock))
        .groups(GroupFilter::all().deny(pattern("memory:shop")))
        .schedule(Schedule::new("UTC").unwrap())
        .seed(1)
        .build()
        .unwrap();
    let target = "memory:shop/machine-0".parse().unwrap();
    let report = monkey.inject(PowerOff::default(), &target).await.unwrap();
    assert_eq!(report.outcome(), Outcome::Skipped, "{report}");
    assert_eq!(reason_of(&report.plan, target.as_str()), Some(&Reason::denied("memory:shop")));
    let end: jiff::Timestamp = "2026-03-04T18:00:00Z".parse().unwrap();
    monkey.run(clock.sleep(end.duration_since(clock.now()).unsigned_abs())).await.unwrap();
    let faults = journal.find(&FaultQuery::all()).await.unwrap().faults;
    assert!(faults.len() >= 2 && faults.iter().all(|fault| fault.group.path() == "web"), "{faults:?}");
}

#[tokio::test(start_paused = true)]
async fn a_young_member_waits_and_one_of_unknown_age_does_not() {
    let (clock, world) = (Arc::new(clock()), MemoryProvider::default().with_group("web", 3).unwrap());
    let began = |number: usize, seconds: i64| {
        let target = format!("memory:web/machine-{number}").parse().unwrap();
        world.set_began_at(&target, clock.now() - jiff::SignedDuration::from_secs(seconds)).unwrap();
    };
    began(0, 3599);
    began(1, 3600);
    let builder = || {
        let builder = Monkey::builder().provider(world.clone()).event(PowerOff::default());
        builder.clock(Arc::clone(&clock)).blast_radius(everything())
    };
    let chosen = async |monkey: Monkey| {
        let plan = monkey.plan().await.unwrap();
        let chosen: Vec<_> = plan.chosen().map(|(target, _)| target.name().to_owned()).collect();
        (chosen, plan)
    };
    let careful = builder().min_age(Duration::from_secs(3600)).build().unwrap();
    let (old, plan) = chosen(careful.clone()).await;
    assert_eq!(old, ["machine-1", "machine-2"]);
    let began_at = clock.now() - jiff::SignedDuration::from_secs(3599);
    let until = clock.now() + Duration::from_secs(1);
    let young = Reason::too_young(began_at, until);
    assert_eq!(reason_of(&plan, "memory:web/machine-0"), Some(&young));
    let diagnosis = careful.diagnose().await;
    let listed = diagnosis.checks.iter().find(|check| check.subject == "provider memory").unwrap();
    let finding = listed.finding.as_ref().unwrap();
    assert!(finding.contains("not known when 1 of them began"), "{finding}");
    clock.sleep(Duration::from_secs(1)).await;
    assert_eq!(chosen(careful).await.0.len(), 3);
    assert_eq!(chosen(builder().build().unwrap()).await.0.len(), 3, "without a minimum");
}

#[tokio::test(start_paused = true)]
async fn a_group_under_deployment_is_left_alone_until_it_is_over() {
    let world = MemoryProvider::default().with_group("web", 3).unwrap();
    let (id, journal) = ("memory:web".parse().unwrap(), MemoryJournal::new());
    world.set_deployment(&id, Some("refresh 7")).unwrap();
    let monkey = builder(&world, &journal).event(PowerOff::default()).build().unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!(report.plan.groups[0].reason, Some(Reason::deployment_in_progress("refresh 7")));
    assert_eq!(report.why_nothing(), ["memory:web: a deployment is in progress: refresh 7"]);
    world.set_deployment(&id, None).unwrap();
    assert_eq!(monkey.run_once().await.unwrap().outcome(), Outcome::Completed);
}

/// The patterns that observers were told of.
#[derive(Clone, Debug, Default)]
struct Told(Arc<Mutex<Vec<Vec<UnmatchedPattern>>>>);

impl Observer for Told {
    fn observe(&self, _: jiff::Timestamp, activity: &Activity) {
        if let Activity::PatternsUnmatched { patterns, .. } = activity {
            self.0.lock().unwrap().push(patterns.clone());
        }
    }
}

fn unmatched() -> Vec<UnmatchedPattern> {
    vec![
        UnmatchedPattern::new(PatternRole::Allow, "shop*"),
        UnmatchedPattern::new(PatternRole::Deny, "tag:teir=critical"),
        UnmatchedPattern::new(PatternRole::GroupRule, "we?"),
        UnmatchedPattern::new(PatternRole::GroupRule, "wbe"),
    ]
}

/// Of each kind one that fits, and one that fits nothing; a rule behind one that fits the same fits nothing either.
fn with_patterns(builder: MonkeyBuilder) -> MonkeyBuilder {
    let filter = GroupFilter::all().allow(pattern("web")).allow(pattern("shop*"));
    builder
        .groups(filter.deny(pattern("*/machine-0")).deny(pattern("tag:teir=critical")))
        .group_rule(GroupRule::matching(pattern("web")))
        .group_rule(GroupRule::matching(pattern("we?")).or_matching(pattern("wbe")))
}

#[tokio::test(start_paused = true)]
async fn a_pattern_that_fits_nothing_is_told_in_plans_and_diagnoses_and_once_to_observers() {
    let world = MemoryProvider::default().with_group("web", 3).unwrap();
    let (journal, told) = (MemoryJournal::new(), Told::default());
    let monkey = with_patterns(builder(&world, &journal).event(PowerOff::default()));
    let monkey = monkey.observer(told.clone()).build().unwrap();
    let plan = monkey.plan().await.unwrap();
    assert_eq!(plan.unmatched_patterns, unmatched());
    for text in [plan.to_string(), plan.explain().to_string()] {
        assert!(text.contains("the deny pattern tag:teir=critical fits nothing"), "{text}");
    }
    let diagnosis = monkey.diagnose().await;
    let wrong: Vec<&str> = diagnosis
        .checks
        .iter()
        .filter(|check| check.finding.is_err())
        .map(|check| check.subject.as_str())
        .collect();
    assert_eq!(wrong, ["pattern shop*", "pattern tag:teir=critical", "pattern we?", "pattern wbe"]);
    assert!(told.0.lock().unwrap().is_empty(), "nothing has run");
    for _ in 0..2 {
        monkey.run_once().await.unwrap().ensure_completed().unwrap();
    }
    assert_eq!(*told.0.lock().unwrap(), [unmatched()]);
}

/// A due is a run in one group, where most patterns fit nothing.
#[tokio::test(start_paused = true)]
async fn a_scheduled_monkey_tells_of_patterns_by_its_look_at_all_groups() {
    let clock = Arc::new(clock());
    let world = MemoryProvider::default().with_group("web", 3).unwrap();
    let (journal, told) = (MemoryJournal::new(), Told::default());
    let monkey = with_patterns(builder(&world, &journal).event(PowerOff::default()))
        .clock(Arc::clone(&clock))
        .schedule(Schedule::new("UTC").unwrap())
        .seed(1)
        .observer(told.clone())
        .build()
        .unwrap();
    monkey.run(clock.sleep(Duration::from_secs(3 * 24 * 3600))).await.unwrap();
    assert_eq!(*told.0.lock().unwrap(), [unmatched()]);
}

/// What could not be listed may be what it fits.
#[tokio::test(start_paused = true)]
async fn no_pattern_is_blamed_for_a_listing_in_doubt() {
    let world = MemoryProvider::default().with_group("web", 3).unwrap().with_group("x", 3).unwrap();
    let monkey = with_patterns(Monkey::builder().provider(HalfRead(world)).event(PowerOff::default()));
    let monkey = monkey.build().unwrap();
    assert_eq!(monkey.plan().await.unwrap().unmatched_patterns, []);
    let diagnosis = monkey.diagnose().await;
    assert!(diagnosis.checks.iter().all(|check| !check.subject.starts_with("pattern ")), "{diagnosis:?}");
}

#[test]
fn a_pattern_in_settings_is_read_or_refused_by_its_value() {
    let read: Vec<TargetPattern> = serde_json::from_str(r#"["*/payments-*", "tag:tier=critical"]"#).unwrap();
    assert_eq!(read, [pattern("*/payments-*"), pattern("tag:tier=critical")]);
    let error = serde_json::from_str::<TargetPattern>(r#""tag:tier=""#).unwrap_err().to_string();
    assert!(error.starts_with(r#"invalid pattern: "tag:tier="; expected a value after the ="#), "{error}");
    assert_eq!("".parse::<TargetPattern>().unwrap_err().kind(), ErrorKind::InvalidInput);
}

/// Another way to match, straight from the definition.
fn fits(pattern: &[char], text: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some(('*', rest)), None) => fits(rest, text),
        (Some(('*', rest)), Some((_, left))) => fits(rest, text) || fits(pattern, left),
        (Some((wanted, rest)), Some((found, left))) => {
            (*wanted == '?' || wanted == found) && fits(rest, left)
        }
        _ => false,
    }
}

fn glob(pattern: &str, text: &str) -> bool {
    fits(&pattern.chars().collect::<Vec<_>>(), &text.chars().collect::<Vec<_>>())
}

/// Whether a pattern of these tests fits a group or one of its targets.
fn is_fit(pattern: &str, group: &str, name: &str, tags: [&str; 2]) -> bool {
    match pattern.strip_prefix("tag:tier=") {
        Some(value) => tags.iter().any(|tag| !tag.is_empty() && glob(value, tag)),
        None => {
            let start = if pattern.starts_with("memory:") { "memory:" } else { "" };
            glob(pattern, &format!("{start}{group}")) || glob(pattern, &format!("{start}{group}/{name}"))
        }
    }
}

fn some_pattern() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ab*?]{1,3}",
        "memory:[ab*?]{1,3}",
        "[ab*?]{1,2}/(machine-[0-3]|m*[0-9]|\\*|\\?{9})",
        "tag:tier=[xy*?]{1,2}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn deny_wins_and_without_agreement_nothing_is_touched(
        names in vec("[ab]{1,2}", 1..4),
        group_tags in vec(select(vec!["", "x", "y", "xy"]), 4),
        target_tags in vec(select(vec!["x", "y", "yx"]), 1..4),
        denied in vec(some_pattern(), 0..3),
        allowed in vec(some_pattern(), 0..3),
        opt_in in any::<bool>(),
        willing in vec(select(vec!["", "true", "false"]), 4),
        seed in 0..u64::from(u32::MAX),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let groups: std::collections::BTreeMap<&str, usize> =
            names.iter().enumerate().map(|(index, name)| (name.as_str(), index)).collect();
        let world = groups.keys().fold(MemoryProvider::default(), |world, name| {
            world.with_spread_group(name, 4, TIER, target_tags.iter().copied()).unwrap()
        });
        for (name, index) in &groups {
            let mut labels = Labels::new();
            for (key, value) in [(TIER, group_tags[*index]), (ENABLED_TAG, willing[*index])] {
                if !value.is_empty() {
                    labels.insert(key.to_owned(), value.to_owned());
                }
            }
            world.set_labels(&format!("memory:{name}").parse().unwrap(), labels).unwrap();
        }
        let filter = denied.iter().fold(GroupFilter::all().opt_in(opt_in), |filter, text| filter.deny(pattern(text)));
        let filter = allowed.iter().fold(filter, |filter, text| filter.allow(pattern(text)));
        runtime.unwrap().block_on(async {
            let monkey = Monkey::builder()
                .provider(world.clone())
                .event(PowerOff::default())
                .blast_radius(everything())
                .groups(filter.clone())
                .seed(seed)
                .clock(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()))
                .build()
                .unwrap();
            let plan = monkey.plan().await.unwrap();
            let chosen: Vec<_> = plan.chosen().map(|(target, _)| target.clone()).collect();
            for (name, index) in groups {
                let group = world.group(&format!("memory:{name}").parse().unwrap()).await.unwrap();
                for member in &group.members {
                    let id = member.target.id();
                    let tags = [group_tags[index], member.target.labels()[TIER].as_str()];
                    let has = |patterns: &[String]| {
                        patterns.iter().any(|pattern| is_fit(pattern, name, id.name(), tags))
                    };
                    let agrees = has(&allowed) || (opt_in && willing[index] == "true");
                    let may = !has(&denied)
                        && willing[index] != "false"
                        && (agrees || (!opt_in && allowed.is_empty()));
                    assert_eq!(chosen.contains(id), may, "{id}: {plan}");
                    assert_eq!(filter.permits(&group, member).is_ok(), may, "{id}");
                    if has(&denied) {
                        assert!(matches!(reason_of(&plan, id.as_str()), Some(Reason::Denied { .. })), "{id}: {plan}");
                    }
                }
            }
        });
    }
}
