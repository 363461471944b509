//! For each rule that forbids a target, the planner and the last look give the same reason.

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chaos_core::{
    BlastRadius, Calendar, CapabilitySet, ChaosEvent, FaultId, Group, GroupId, Health, Hold, Journal,
    MemoryJournal, Monkey, Observer, Prepared, Provider, Result, Scope, Target, TargetId, async_trait,
    calendar::CalendarState,
    capability::{Capabilities, Remains},
    clock::Clock,
    fault::{FaultRecord, FaultState, Magnitude, Mark},
    group::{Labels, Member},
    journal::{Arming, Halt, Lease, Limits},
    listing::ENABLED_TAG,
    monkey::GroupRule,
    observer::{Activity, Intended},
    plan::{Decision, FailureDomain, Percent, Reason},
    provider::{BoxStream, GroupFilter, TargetPattern},
    recovery::RecoveryRecord,
    testing::{MemoryProvider, PowerOff},
};
use futures_util::StreamExt;
use jiff::Timestamp;

use crate::support::{clock, registry};

const ZONE: &str = "zone";

/// One rule, and a change of the group, the calendar or the journal that makes it forbid the target.
#[derive(Clone)]
struct Rule {
    blast_radius: BlastRadius,
    filter: GroupFilter,
    /// Of the group, which is that of the monkey otherwise.
    group_rule: Option<GroupRule>,
    /// The group as it is in any case.
    always: fn(&mut Group),
    change: fn(&mut Group),
    closes: Option<Timestamp>,
    halt: bool,
    faults: Vec<FaultRecord>,
    is_over: bool,
    expected: Reason,
}

impl Rule {
    fn expecting(expected: Reason) -> Self {
        Self {
            blast_radius: BlastRadius::default(),
            filter: GroupFilter::all(),
            group_rule: None,
            always: |_| {},
            change: |_| {},
            closes: Some(at(24 * 3600)),
            halt: false,
            faults: Vec::new(),
            is_over: false,
            expected,
        }
    }
}

/// The world. It goes wrong before or after the plan.
struct World {
    memory: MemoryProvider,
    journal: MemoryJournal,
    rule: Rule,
    is_wrong: AtomicBool,
    leases: Mutex<Vec<Lease>>,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("World")
    }
}

impl World {
    async fn go_wrong(&self) {
        for fault in &self.rule.faults {
            let Arming::Armed(lease) = self.journal.arm(fault, &Limits::none()).await.unwrap() else {
                panic!()
            };
            self.leases.lock().unwrap().push(lease);
            if self.rule.is_over {
                for state in [FaultState::Injecting, FaultState::Recovering, FaultState::Recovered] {
                    self.journal.mark(fault.id, &Mark::new(state, at(0))).await.unwrap();
                }
            }
        }
        if self.rule.halt {
            self.journal.set_halt(Some(Halt::new("the pager rings", at(0)))).await.unwrap();
        }
        self.is_wrong.store(true, Ordering::SeqCst);
    }

    fn show(&self, mut group: Group) -> Group {
        (self.rule.always)(&mut group);
        if self.is_wrong.load(Ordering::SeqCst) {
            (self.rule.change)(&mut group);
        }
        group
    }
}

#[derive(Clone, Debug)]
struct Shown(Arc<World>);

#[async_trait]
impl Provider for Shown {
    fn scheme(&self) -> &'static str {
        self.0.memory.scheme()
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        self.0.memory.groups(filter).map(|group| group.map(|group| self.0.show(group))).boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        Ok(self.0.show(self.0.memory.group(id).await?))
    }

    async fn remains(&self, id: &TargetId) -> Result<Remains> {
        self.0.memory.remains(id).await
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        self.0.memory.resolve(id).await
    }
}

impl Calendar for Shown {
    fn state(&self, _: Timestamp) -> CalendarState {
        let is_wrong = self.0.is_wrong.load(Ordering::SeqCst);
        let closes = if is_wrong { self.0.rule.closes } else { Some(at(24 * 3600)) };
        closes.map_or_else(|| CalendarState::closed_until(Timestamp::MAX), CalendarState::open_until)
    }
}

#[async_trait]
impl Observer for Shown {
    fn observe(&self, _: Timestamp, _: &Activity) {}

    async fn before_injection(&self, _: Timestamp, _: &Intended) -> Result<()> {
        self.0.go_wrong().await;
        Ok(())
    }
}

/// A target with other labels or capabilities than it has.
struct Altered {
    inner: Arc<dyn Target>,
    labels: Labels,
    capabilities: Capabilities,
}

impl fmt::Debug for Altered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Altered")
    }
}

#[async_trait]
impl Target for Altered {
    fn id(&self) -> &TargetId {
        self.inner.id()
    }

    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities.clone()
    }

    async fn health(&self) -> Result<Health> {
        self.inner.health().await
    }

    async fn incarnation(&self) -> Result<Option<Arc<str>>> {
        self.inner.incarnation().await
    }
}

/// Halts a machine of a group that replaces its members.
#[derive(Debug)]
struct OnlyIfReplaced;

#[async_trait]
impl ChaosEvent for OnlyIfReplaced {
    fn name(&self) -> &'static str {
        "only-if-replaced"
    }

    fn requires(&self) -> CapabilitySet {
        PowerOff::default().requires()
    }

    fn hold(&self) -> Hold {
        PowerOff::default().hold()
    }

    fn suits(&self, group: &Group) -> Result<(), String> {
        if group.replaces_members { Ok(()) } else { Err("nobody would replace it".to_owned()) }
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        PowerOff::default().prepare(scope).await
    }
}

fn at(seconds: u64) -> Timestamp {
    clock().now() + Duration::from_secs(seconds)
}

fn target() -> TargetId {
    "memory:web/machine-3".parse().unwrap()
}

fn member(group: &mut Group) -> &mut Member {
    group.members.iter_mut().find(|member| *member.target.id() == target()).unwrap()
}

fn of_web() -> GroupRule {
    GroupRule::matching(pattern("web"))
}

fn pattern(text: &str) -> TargetPattern {
    text.parse().unwrap()
}

fn tag(group: &mut Group, key: &str, value: &str) {
    group.labels.insert(key.to_owned(), value.to_owned());
}

fn tag_member(group: &mut Group, key: &str, value: &str) {
    let (inner, mut labels) = (Arc::clone(&member(group).target), member(group).target.labels().clone());
    labels.insert(key.to_owned(), value.to_owned());
    let capabilities = inner.capabilities();
    member(group).target = Arc::new(Altered { inner, labels, capabilities });
}

fn id() -> FaultId {
    "00000000000000aa".parse().unwrap()
}

fn fault(target: &str) -> FaultRecord {
    let recovery = RecoveryRecord::new("nobody/reads-it/1", serde_json::json!({}));
    let target = target.parse().unwrap();
    FaultRecord::armed(id(), 1, target, "only-if-replaced", recovery, Magnitude::default(), at(0), at(60))
}

fn unhealthy(group: &mut Group, places: &[usize]) {
    for place in places {
        group.members[*place].health = Health::Unhealthy;
    }
}

/// Every rule that the last look asks again.
fn rules() -> Vec<Rule> {
    let zone = || BlastRadius::default().within(FailureDomain::by_label(ZONE)).min_healthy(0);
    let reason = |json: serde_json::Value| -> Reason { serde_json::from_value(json).unwrap() };
    vec![
        Rule {
            change: |group| member(group).health = Health::Unhealthy,
            ..Rule::expecting(Reason::not_healthy(Health::Unhealthy))
        },
        Rule {
            change: |group| member(group).excluded = Some("protected".into()),
            ..Rule::expecting(Reason::excluded("protected"))
        },
        Rule {
            change: |group| member(group).out_of_service = Some("in standby".into()),
            ..Rule::expecting(Reason::excluded("out of service: in standby"))
        },
        // Of two reasons, both give the same one.
        Rule {
            change: |group| {
                member(group).health = Health::Stopped;
                member(group).excluded = Some("protected".into());
            },
            ..Rule::expecting(Reason::excluded("protected"))
        },
        Rule { change: |group| unhealthy(group, &[0, 1]), ..Rule::expecting(Reason::too_few_healthy(2, 3)) },
        Rule {
            blast_radius: zone(),
            change: |group| unhealthy(group, &[0, 2, 4]),
            ..Rule::expecting(Reason::no_other_domain(ZONE, "b"))
        },
        Rule {
            blast_radius: zone(),
            change: |group| {
                let (inner, labels) = (Arc::clone(&member(group).target), Labels::new());
                let capabilities = inner.capabilities();
                member(group).target = Arc::new(Altered { inner, labels, capabilities });
            },
            ..Rule::expecting(Reason::unknown_domain(ZONE))
        },
        Rule {
            change: |group| {
                let (inner, capabilities) = (Arc::clone(&member(group).target), Capabilities::default());
                let labels = inner.labels().clone();
                member(group).target = Arc::new(Altered { inner, labels, capabilities });
            },
            ..Rule::expecting(reason(serde_json::json!({
                "kind": "lacks-capability", "missing": PowerOff::default().requires(),
            })))
        },
        Rule {
            change: |group| group.replaces_members = false,
            ..Rule::expecting(reason(serde_json::json!({
                "kind": "unsuitable", "why": "only-if-replaced: nobody would replace it",
            })))
        },
        // In a group with weights; two fifths of its capacity may be hit.
        Rule {
            blast_radius: BlastRadius::default().targets_per_group(Percent(40)).min_healthy(0),
            always: |group| {
                group.desired = 10;
                group.members.iter_mut().for_each(|member| member.weight = 2);
            },
            change: |group| member(group).weight = 5,
            ..Rule::expecting(reason(serde_json::json!({ "kind": "too-heavy", "weight": 5, "room": 4 })))
        },
        Rule {
            filter: GroupFilter::all().deny(pattern("tag:tier=critical")),
            change: |group| tag(group, "tier", "critical"),
            ..Rule::expecting(Reason::denied("tag:tier=critical"))
        },
        Rule {
            filter: GroupFilter::all().allow(pattern("web")).deny(pattern("tag:tier=critical")),
            change: |group| tag_member(group, "tier", "critical"),
            ..Rule::expecting(Reason::denied("tag:tier=critical"))
        },
        Rule {
            filter: GroupFilter::all().allow(pattern("tag:tier=low")),
            always: |group| tag(group, "tier", "low"),
            change: |group| tag(group, "tier", "high"),
            ..Rule::expecting(Reason::NotAllowed)
        },
        Rule {
            filter: GroupFilter::all().opt_in(true),
            always: |group| tag_member(group, ENABLED_TAG, "true"),
            change: |group| tag_member(group, ENABLED_TAG, ""),
            ..Rule::expecting(Reason::excluded(
                "in doubt: the tag chaos:enabled of the target is \"\"; expected true or false",
            ))
        },
        Rule {
            filter: GroupFilter::all().opt_in(true),
            always: |group| tag(group, ENABLED_TAG, "true"),
            change: |group| group.labels.clear(),
            ..Rule::expecting(Reason::NotOptedIn)
        },
        // A refusal outweighs the pattern that allows.
        Rule {
            filter: GroupFilter::all().allow(pattern("*")),
            change: |group| tag(group, ENABLED_TAG, "false"),
            ..Rule::expecting(Reason::excluded("opted out: the tag chaos:enabled of the group is false"))
        },
        Rule {
            change: |group| group.deployment = Some("refresh 7 is 40 % complete".into()),
            ..Rule::expecting(Reason::deployment_in_progress("refresh 7 is 40 % complete"))
        },
        Rule {
            change: |group| member(group).began_at = Some(at(0)),
            ..Rule::expecting(Reason::too_young(at(0), at(600)))
        },
        // By a rule of the group alone.
        Rule {
            group_rule: Some(of_web().min_healthy(4)),
            change: |group| unhealthy(group, &[0]),
            ..Rule::expecting(Reason::too_few_healthy(3, 4))
        },
        Rule {
            group_rule: Some(of_web().cool_down(Duration::from_secs(7200))),
            faults: vec![fault("memory:web/machine-3")],
            is_over: true,
            ..Rule::expecting(Reason::cooling_down(at(7200)))
        },
        Rule { closes: None, ..Rule::expecting(Reason::calendar_closed(None, None)) },
        Rule {
            closes: Some(at(100)),
            ..Rule::expecting(reason(serde_json::json!({
                "kind": "closes-too-soon", "closes": at(100), "undone_by": at(360),
            })))
        },
        Rule { halt: true, ..Rule::expecting(Reason::halted("the pager rings")) },
        Rule {
            faults: vec![fault("memory:web/machine-3")],
            ..Rule::expecting(Reason::under_fault(id(), FaultState::Armed))
        },
        Rule { faults: vec![fault("memory:web/machine-0")], ..Rule::expecting(Reason::group_limit(1, 1)) },
        Rule {
            blast_radius: BlastRadius::default().max_active(1),
            faults: vec![fault("memory:db/machine-0")],
            ..Rule::expecting(Reason::active_limit(1, 1))
        },
        Rule {
            faults: vec![fault("memory:web/machine-3")],
            is_over: true,
            ..Rule::expecting(Reason::cooling_down(at(3600)))
        },
    ]
}

#[tokio::test(start_paused = true)]
async fn the_planner_and_the_last_look_give_the_same_reason() {
    for rule in rules() {
        for is_wrong_from_the_beginning in [true, false] {
            let memory = MemoryProvider::default().with_spread_group("web", 5, ZONE, ["a", "b"]).unwrap();
            let world = Shown(Arc::new(World {
                memory,
                journal: MemoryJournal::new(),
                rule: rule.clone(),
                is_wrong: AtomicBool::new(false),
                leases: Mutex::default(),
            }));
            if is_wrong_from_the_beginning {
                world.0.go_wrong().await;
            }
            let builder = match &rule.group_rule {
                Some(rule) => Monkey::builder().group_rule(rule.clone()),
                None => Monkey::builder(),
            };
            let monkey = builder
                .provider(world.clone())
                .calendar(world.clone())
                .observer(world.clone())
                .clock(clock())
                .blast_radius(rule.blast_radius.clone())
                .groups(rule.filter.clone())
                .cool_down(Duration::from_secs(3600))
                .min_age(Duration::from_secs(600))
                .unleash(world.0.journal.clone(), registry())
                .build()
                .unwrap();
            let report = monkey.inject(OnlyIfReplaced, &target()).await.unwrap();
            assert!(report.faults.is_empty(), "{:?}: {report}", rule.expected);
            let planned = report.plan.groups.iter().flat_map(|group| &group.targets);
            let planned = planned.filter(|planned| planned.id == target()).map(|planned| &planned.decision);
            let reasons: Vec<&Reason> = match is_wrong_from_the_beginning {
                false => report.skipped.iter().map(|skip| &skip.reason).collect(),
                true => planned
                    .filter_map(|decision| match decision {
                        Decision::NotChosen { reason, .. } => Some(reason),
                        _ => None,
                    })
                    .collect(),
            };
            let who = if is_wrong_from_the_beginning { "the planner" } else { "the last look" };
            assert_eq!(reasons, [&rule.expected], "{who}: {report}");
        }
    }
}
