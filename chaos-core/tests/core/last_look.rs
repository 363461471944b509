//! The last look before an injection asks everything again, and a recovery knows which machine it broke.

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::support::{builder, clock, health, orphan, registry};
use chaos_core::{
    BlastRadius, CapabilitySet, ChaosEvent, Error, ErrorKind, Group, GroupId, Health, Hold, Journal,
    MemoryJournal, Monkey, MonkeyBuilder, Observer, Outcome, Prepared, Provider, Result, RunReport, Scope,
    Target, TargetId, async_trait,
    capability::{Capabilities, Remains, Undo},
    clock::Clock,
    fault::FaultState,
    group::Labels,
    journal::FaultQuery,
    observer::{Activity, Intended},
    plan::{Decision, Reason, TargetPlan},
    provider::{BoxStream, GroupFilter},
    testing::{MemoryProvider, PowerOff},
};
use futures_util::StreamExt;
use jiff::Timestamp;

fn world() -> MemoryProvider {
    MemoryProvider::default().with_group("web", 5).unwrap()
}

fn third() -> TargetId {
    "memory:web/machine-2".parse().unwrap()
}

/// The changes to the world as it is shown.
#[derive(Default)]
struct Shown {
    /// How often the group was looked at.
    looks: AtomicUsize,
    /// Whether the group no longer replaces its members.
    is_suspended: Mutex<bool>,
    /// Whether the group does not tell the incarnations of its members.
    lists_no_incarnation: Mutex<bool>,
    /// The platform's answer to the question whether a fault may be undone.
    undo: Mutex<Option<Error>>,
    /// What it was asked.
    asked: Mutex<Vec<Undo>>,
}

/// The world in memory, shown like that.
#[derive(Clone)]
struct Changing {
    world: MemoryProvider,
    shown: Arc<Shown>,
}

impl fmt::Debug for Changing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Changing")
    }
}

impl Changing {
    fn over(world: &MemoryProvider) -> Self {
        Self { world: world.clone(), shown: Arc::default() }
    }

    fn show(&self, group: Group) -> Group {
        let replaces = group.replaces_members && !*self.shown.is_suspended.lock().unwrap();
        let mut group = group.replaces_members(replaces);
        group.labels.insert("look".to_owned(), self.shown.looks.load(Ordering::SeqCst).to_string());
        for member in &mut group.members {
            member.target = self.asked(Arc::clone(&member.target));
            if *self.shown.lists_no_incarnation.lock().unwrap() {
                member.incarnation = None;
            }
        }
        group
    }

    fn asked(&self, inner: Arc<dyn Target>) -> Arc<dyn Target> {
        Arc::new(Asked { inner, shown: Arc::clone(&self.shown) })
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Provider for Changing {
    fn scheme(&self) -> &'static str {
        self.world.scheme()
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        self.world.groups(filter).map(|group| group.map(|group| self.show(group))).boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        self.shown.looks.fetch_add(1, Ordering::SeqCst);
        Ok(self.show(self.world.group(id).await?))
    }

    async fn group_in_recovery(&self, id: &GroupId) -> Result<Group> {
        self.shown.looks.fetch_add(1, Ordering::SeqCst);
        Ok(self.show(self.world.group_in_recovery(id).await?))
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        Ok(self.world.resolve(id).await?.map(|target| self.asked(target)))
    }

    async fn remains(&self, id: &TargetId) -> Result<Remains> {
        self.world.remains(id).await
    }
}

struct Asked {
    inner: Arc<dyn Target>,
    shown: Arc<Shown>,
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Target for Asked {
    fn id(&self) -> &TargetId {
        self.inner.id()
    }

    fn labels(&self) -> &Labels {
        self.inner.labels()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn health(&self) -> Result<Health> {
        self.inner.health().await
    }

    async fn incarnation(&self) -> Result<Option<Arc<str>>> {
        self.inner.incarnation().await
    }

    async fn may_undo(&self, undo: &Undo) -> Result<()> {
        self.shown.asked.lock().unwrap().push(*undo);
        self.shown.undo.lock().unwrap().clone().map_or(Ok(()), Err)
    }
}

/// Halts a machine of a group that replaces its members.
#[derive(Debug)]
struct OnlyIfReplaced;

#[async_trait]
#[deny(clippy::missing_trait_methods)]
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

    fn caveat(&self, group: &Group) -> Option<String> {
        group.labels.get("caveat").cloned()
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        PowerOff::default().prepare(scope).await
    }
}

/// Does something while it is asked for its approval, between the preparation and the last look.
struct Meanwhile<F>(F);

impl<F> fmt::Debug for Meanwhile<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meanwhile")
    }
}

#[async_trait]
impl<F: Fn(&Intended) + Send + Sync + 'static> Observer for Meanwhile<F> {
    fn observe(&self, _: Timestamp, _: &Activity) {}

    async fn before_injection(&self, _: Timestamp, intended: &Intended) -> Result<()> {
        (self.0)(intended);
        Ok(())
    }
}

fn only_reason(report: &RunReport) -> &Reason {
    assert_eq!((report.faults.len(), report.skipped.len()), (0, 1), "{report}");
    &report.skipped[0].reason
}

async fn everybody_is_well(world: &MemoryProvider) -> bool {
    let group = world.group(&"memory:web".parse().unwrap()).await.unwrap();
    group.healthy() == group.members.len()
}

async fn nothing_was_armed(journal: &MemoryJournal) -> bool {
    journal.find(&FaultQuery::all()).await.unwrap().faults.is_empty()
}

fn monkey(provider: Changing, journal: &MemoryJournal) -> MonkeyBuilder {
    Monkey::builder().provider(provider).clock(clock()).unleash(journal.clone(), registry())
}

#[tokio::test(start_paused = true)]
async fn an_event_that_suits_the_group_no_more_is_not_injected() {
    let (world, journal) = (world(), MemoryJournal::new());
    let provider = Changing::over(&world);
    let shown = Arc::clone(&provider.shown);
    let meanwhile = Meanwhile(move |_: &Intended| *shown.is_suspended.lock().unwrap() = true);
    let monkey = monkey(provider, &journal).event(OnlyIfReplaced).observer(meanwhile).build().unwrap();
    let report = monkey.run_once().await.unwrap();
    assert!(
        matches!(only_reason(&report), Reason::Unsuitable { why, .. } if why.contains("nobody would replace it"))
    );
    assert!(everybody_is_well(&world).await);
    assert!(nothing_was_armed(&journal).await);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_replaces_otherwise_than_the_recovery_expects_is_a_doubt() {
    let (world, journal) = (world(), MemoryJournal::new());
    let provider = Changing::over(&world);
    let shown = Arc::clone(&provider.shown);
    let meanwhile = Meanwhile(move |_: &Intended| *shown.is_suspended.lock().unwrap() = true);
    // It suits both.
    let monkey = monkey(provider, &journal).event(PowerOff::default()).observer(meanwhile).build().unwrap();
    let report = monkey.run_once().await.unwrap();
    assert!(
        matches!(only_reason(&report), Reason::Doubt { failure, .. } if failure.kind == ErrorKind::Conflict)
    );
    assert!(everybody_is_well(&world).await);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_another_one_of_its_name_has_replaced_is_a_doubt() {
    let (world, journal) = (world(), MemoryJournal::new());
    let made_anew = world.clone();
    let meanwhile = Meanwhile(move |intended: &Intended| made_anew.make_anew(&intended.target).unwrap());
    let monkey = builder(&world, &journal).event(PowerOff::default()).observer(meanwhile).build().unwrap();
    let report = monkey.run_once().await.unwrap();
    assert!(
        matches!(only_reason(&report), Reason::Doubt { failure, .. } if failure.kind == ErrorKind::Conflict)
    );
    assert!(everybody_is_well(&world).await);
}

/// The group as an event received it: the number of the look, and the number of healthy members.
type Given = Arc<Mutex<Vec<(String, usize)>>>;

/// Halts a machine for half a minute, and remembers the group that it received.
#[derive(Debug)]
struct Remembering(Given);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChaosEvent for Remembering {
    fn name(&self) -> &'static str {
        "remembering"
    }

    fn requires(&self) -> CapabilitySet {
        PowerOff::default().requires()
    }

    fn hold(&self) -> Hold {
        Hold::lasting(Duration::from_secs(30)).unwrap()
    }

    fn suits(&self, group: &Group) -> Result<(), String> {
        PowerOff::default().suits(group)
    }

    fn caveat(&self, group: &Group) -> Option<String> {
        PowerOff::default().caveat(group)
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let group = scope.group();
        self.0.lock().unwrap().push((group.labels["look"].clone(), group.healthy()));
        PowerOff::lasting(self.hold()).prepare(scope).await
    }
}

#[tokio::test(start_paused = true)]
async fn the_event_is_given_the_group_as_it_is_now() {
    let (world, given) = (world(), Given::default());
    let monkey = monkey(Changing::over(&world), &MemoryJournal::new())
        .event(Remembering(Arc::clone(&given)))
        .blast_radius(BlastRadius::default().targets_per_group(2).targets_per_run(2))
        .concurrency(1)
        .build()
        .unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    let given = given.lock().unwrap().clone();
    assert_eq!(given[0], ("0".to_owned(), 5), "the plan is a moment old");
    // The second has waited for the first, and does not share its looks.
    assert!(given[1].0.parse::<usize>().unwrap() >= 2, "{given:?}");
    assert_eq!(given[1].1, 5, "both are measured against the same whole");
}

/// Two victims at a time of three: the third is hit when the first has ended, while the second is held. Meanwhile,
/// `meddle` receives the world and the machine that is no victim.
async fn given_to_the_third(meddle: impl Fn(&MemoryProvider, &TargetId)) -> usize {
    let (world, given, clock) = (world(), Given::default(), clock());
    let monkey = monkey(Changing::over(&world), &MemoryJournal::new())
        .event(Remembering(Arc::clone(&given)))
        .blast_radius(BlastRadius::default().targets_per_group(3).targets_per_run(3).min_healthy(1))
        .concurrency(2)
        .build()
        .unwrap();
    let plan = monkey.plan().await.unwrap();
    let is_bystander = |target: &&TargetPlan| matches!(target.decision, Decision::NotChosen { .. });
    let bystander = plan.groups[0].targets.iter().find(is_bystander).unwrap().id.clone();
    let running = tokio::spawn(async move { monkey.run_once().await.unwrap() });
    clock.sleep(Duration::from_secs(10)).await;
    let group = world.group(&"memory:web".parse().unwrap()).await.unwrap();
    let held: Vec<_> = group.members.iter().filter(|member| member.health == Health::Stopped).collect();
    assert_eq!(held.len(), 2);
    // Somebody undoes the first fault, which is seen in the middle of its hold.
    world.set_health(held[0].target.id(), Health::Healthy).unwrap();
    meddle(&world, &bystander);
    let report = running.await.unwrap();
    assert_eq!(report.faults.len(), 3, "{report}");
    let given = given.lock().unwrap();
    given[2].1
}

#[tokio::test(start_paused = true)]
async fn all_victims_of_a_run_are_measured_against_the_same_whole() {
    assert_eq!(given_to_the_third(|_, _| {}).await, 5, "the second, which is held, counts as it was");
}

#[tokio::test(start_paused = true)]
async fn what_breaks_by_itself_meanwhile_is_not_waited_for() {
    let broken = |world: &MemoryProvider, bystander: &TargetId| {
        world.set_health(bystander, Health::Unhealthy).unwrap();
    };
    assert_eq!(given_to_the_third(broken).await, 4);
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_undone_is_neither_planned_nor_injected() {
    let (world, journal) = (world(), MemoryJournal::new());
    let provider = Changing::over(&world);
    let shown = Arc::clone(&provider.shown);
    *shown.undo.lock().unwrap() =
        Some(Error::new(ErrorKind::Denied, "access denied").with("missing", "start"));
    let unleashed = monkey(provider.clone(), &journal).event(PowerOff::default()).build().unwrap();
    let leashed =
        Monkey::builder().provider(provider).clock(clock()).event(PowerOff::default()).build().unwrap();

    let plan = unleashed.plan().await.unwrap();
    let dry_run = leashed.run_once().await.unwrap().plan;
    for plan in [plan, dry_run] {
        let decisions = plan.groups.iter().flat_map(|group| &group.targets).map(|target| &target.decision);
        let doubts: Vec<&Decision> = decisions
            .filter(|decision| {
                let reason = match decision {
                    Decision::NotChosen { reason, .. } => reason,
                    _ => return false,
                };
                matches!(reason, Reason::Doubt { failure, .. } if failure.message.contains("missing=\"start\""))
            })
            .collect();
        assert_eq!(doubts.len(), 1, "{plan:?}");
        assert!(!plan.why_nothing().is_empty());
    }
    let report = unleashed.run_once().await.unwrap();
    assert!(
        matches!(only_reason(&report), Reason::Doubt { failure, .. } if failure.kind == ErrorKind::Denied)
    );
    assert!(everybody_is_well(&world).await);
    assert!(nothing_was_armed(&journal).await);

    *shown.undo.lock().unwrap() = None;
    shown.asked.lock().unwrap().clear();
    assert_eq!(unleashed.run_once().await.unwrap().outcome(), Outcome::Completed);
    let asked = shown.asked.lock().unwrap().clone();
    assert_eq!(
        asked,
        [Undo::new(PowerOff::default().requires(), Duration::from_secs(30 + 60 + 300))],
        "asked once"
    );
}

#[tokio::test(start_paused = true)]
async fn a_machine_made_anew_under_the_name_is_left_alone() {
    let (world, journal, clock) = (world(), MemoryJournal::new(), clock());
    let monkey = builder(&world, &journal).build().unwrap();
    let running = tokio::spawn(async move { monkey.inject(PowerOff::default(), &third()).await.unwrap() });
    clock.sleep(Duration::from_secs(20)).await;
    assert_eq!(health(&world, &third()).await, Health::Stopped);
    world.make_anew(&third()).unwrap();
    // Its owner has stopped it.
    world.set_health(&third(), Health::Stopped).unwrap();
    let report = running.await.unwrap();
    assert_eq!(report.faults[0].state, FaultState::Recovered, "{report}");
    assert!(report.faults[0].note.as_ref().unwrap().contains("another target has its name"), "{report}");
    assert_eq!(health(&world, &third()).await, Health::Stopped, "nobody has started it");
}

#[tokio::test(start_paused = true)]
async fn a_target_alone_may_tell_which_it_is() {
    let (world, journal, clock) = (world(), MemoryJournal::new(), clock());
    let provider = Changing::over(&world);
    *provider.shown.lists_no_incarnation.lock().unwrap() = true;
    let monkey = monkey(provider, &journal).build().unwrap();
    let running = tokio::spawn(async move { monkey.inject(PowerOff::default(), &third()).await.unwrap() });
    clock.sleep(Duration::from_secs(20)).await;
    world.make_anew(&third()).unwrap();
    world.set_health(&third(), Health::Stopped).unwrap();
    let report = running.await.unwrap();
    assert!(report.faults[0].incarnation.is_some() && report.faults[0].gone, "{report}");
    assert_eq!(health(&world, &third()).await, Health::Stopped, "nobody has started it");
}

#[tokio::test]
async fn one_that_a_later_process_finds_is_left_alone_too() {
    let (world, journal) = (world(), MemoryJournal::new());
    let (_, target) = orphan(&world, &journal).await;
    world.make_anew(&target).unwrap();
    world.set_health(&target, Health::Stopped).unwrap();
    let found = builder(&world, &journal).build().unwrap().recover_pending().await.unwrap();
    assert_eq!(found.faults[0].state, FaultState::Recovered, "{:?}", found.faults);
    assert!(found.faults[0].note.as_ref().unwrap().contains("another target has its name"));
    assert_eq!(health(&world, &target).await, Health::Stopped);
}

#[tokio::test(start_paused = true)]
async fn victims_of_one_moment_share_their_looks() {
    let world = MemoryProvider::default().with_group("web", 40).unwrap();
    let provider = Changing::over(&world);
    let shown = Arc::clone(&provider.shown);
    let monkey = monkey(provider, &MemoryJournal::new())
        .event(PowerOff::default())
        .blast_radius(BlastRadius::default().targets_per_group(10).targets_per_run(10))
        .concurrency(10)
        .build()
        .unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!((report.outcome(), report.faults.len()), (Outcome::Completed, 10), "{report}");
    assert!(shown.looks.load(Ordering::SeqCst) <= 3, "{:?} looks at one group", shown.looks);
}
