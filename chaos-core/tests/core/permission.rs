//! Which targets are never touched: patterns over ids, paths and tags, and consent.

use std::{sync::Arc, time::Duration};

use chaos_core::{
    BlastRadius, ErrorKind, Hold, Journal, MemoryJournal, Monkey, Outcome, Provider, Quota,
    clock::Clock,
    group::Labels,
    journal::FaultQuery,
    listing::ENABLED_TAG,
    plan::{Decision, Plan, Reason},
    provider::{GroupFilter, TargetPattern},
    schedule::Schedule,
    testing::{ManualClock, MemoryProvider, PowerOff},
};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::support::{builder, clock};

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
    let all = plan.groups.iter().flat_map(|group| &group.targets);
    match &all.filter(|planned| planned.id.as_str() == target).next()?.decision {
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
