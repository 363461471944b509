//! Common parts of the tests of the monkey.

use std::{
    cell::Cell,
    sync::{Arc, Mutex},
    time::Duration,
};

use chaos_core::{
    Calendar, Capability, CapabilitySet, ChaosEvent, Error, ErrorKind, FaultId, Group, GroupId, Health, Hold,
    Journal, MemoryJournal, Monkey, MonkeyBuilder, Observer, Permit, Prepared, Provider, Recovery,
    RecoveryScope, Registry, Result, Scope, Target, TargetId, Verdict, async_trait,
    calendar::CalendarState,
    capability::Remains,
    fault::{FaultRecord, FaultState, Mark},
    journal::{
        Arming, DueNote, DueQuery, FaultQuery, Forget, Forgotten, FoundDues, Halt, KeptSchedule, Lease,
        Limits,
    },
    observer::Activity,
    provider::{BoxStream, GroupFilter},
    testing::{ManualClock, MemoryProvider, PowerOff, PowerOn},
};
use futures_util::StreamExt;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A Monday morning.
pub(crate) fn clock() -> ManualClock {
    ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap())
}

/// An unleashed monkey over `world` and `journal`.
pub(crate) fn builder(world: &MemoryProvider, journal: &MemoryJournal) -> MonkeyBuilder {
    Monkey::builder().provider(world.clone()).clock(clock()).unleash(journal.clone(), registry())
}

pub(crate) async fn health(world: &MemoryProvider, id: &TargetId) -> Health {
    match world.resolve(id).await.unwrap() {
        Some(target) => target.health().await.unwrap(),
        None => Health::Gone,
    }
}

/// Returns when the journal holds a fault in `state`. Paused time moves on while it waits.
pub(crate) async fn until_state(journal: &MemoryJournal, state: FaultState) {
    while journal.find(&FaultQuery::all().state(state)).await.unwrap().faults.is_empty() {
        tokio::task::yield_now().await;
    }
}

/// A stopped machine and its fault, left behind by a runtime that ended in the middle of the hold.
pub(crate) async fn orphan(world: &MemoryProvider, journal: &MemoryJournal) -> (FaultId, TargetId) {
    let (world, journal) = (world.clone(), journal.clone());
    let lost = std::thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let monkey = builder(&world, &journal).event(PowerOff::default()).build().unwrap();
            tokio::spawn(async move { monkey.run_once().await });
            until_state(&journal, FaultState::Active).await;
            let pending = journal.pending().await.unwrap().faults;
            (pending[0].id, pending[0].target.clone())
        })
    });
    lost.join().unwrap()
}

/// Open until the coming midnight, UTC.
#[derive(Debug)]
pub(crate) struct UntilMidnight;

impl Calendar for UntilMidnight {
    fn state(&self, _: Timestamp) -> CalendarState {
        CalendarState::open_until("2026-03-03T00:00:00Z".parse().unwrap())
    }
}

/// A provider whose listing breaks off after the first group.
#[derive(Debug)]
pub(crate) struct HalfRead(pub(crate) MemoryProvider);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Provider for HalfRead {
    fn scheme(&self) -> &'static str {
        self.0.scheme()
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        let broken =
            async { Err(Error::new(ErrorKind::Unavailable, "page 2 of the listing did not arrive")) };
        self.0.groups(filter).take(1).chain(futures_util::stream::once(broken)).boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        self.0.group(id).await
    }

    async fn group_in_recovery(&self, id: &GroupId) -> Result<Group> {
        self.0.group_in_recovery(id).await
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        self.0.resolve(id).await
    }

    async fn remains(&self, id: &TargetId) -> Result<Remains> {
        self.0.remains(id).await
    }
}

/// Remembers the name of every activity.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<String>>>);

impl Recorder {
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Observer for Recorder {
    fn observe(&self, _: Timestamp, activity: &Activity) {
        let value = serde_json::to_value(activity).unwrap();
        self.0.lock().unwrap().push(value["activity"].as_str().unwrap().to_owned());
    }
}

/// The stage at which a [`Fragile`] event breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    PrepareFails,
    PreparePanics,
    InjectionFailsBefore,
    InjectionFailsAfter,
    InjectionPanics,
    InjectionHangs,
}

impl Stage {
    pub(crate) const ALL: [Self; 6] = [
        Self::PrepareFails,
        Self::PreparePanics,
        Self::InjectionFailsBefore,
        Self::InjectionFailsAfter,
        Self::InjectionPanics,
        Self::InjectionHangs,
    ];
}

/// Stops a machine, and breaks at one stage on one target.
#[derive(Debug)]
pub(crate) struct Fragile {
    stage: Option<Stage>,
    target: Option<TargetId>,
}

impl Fragile {
    pub(crate) fn failing_at(stage: Stage, target: &str) -> Self {
        Self { stage: Some(stage), target: Some(target.parse().unwrap()) }
    }

    /// Breaks nowhere; its recovery fails while [`break_recovery`] says so.
    pub(crate) fn unrecoverable() -> Self {
        Self { stage: None, target: None }
    }
}

#[async_trait]
impl ChaosEvent for Fragile {
    fn name(&self) -> &'static str {
        "fragile"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::of([Capability::Stop, Capability::Start])
    }

    fn hold(&self) -> Hold {
        Hold::lasting(Duration::from_secs(10)).unwrap()
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let stage =
            self.stage.filter(|_| self.target.as_ref().is_some_and(|target| target == scope.target_id()));
        match stage {
            Some(Stage::PrepareFails) => return Err(Error::new(ErrorKind::Unavailable, "no answer")),
            Some(Stage::PreparePanics) => panic!("prepare panics"),
            _ => {}
        }
        let lifecycle = scope.target().capabilities().lifecycle()?.clone();
        Ok(Prepared::new(Fickle {}, move |permit| {
            Box::pin(async move {
                if stage == Some(Stage::InjectionFailsBefore) {
                    return Err(Error::new(ErrorKind::Denied, "not allowed"));
                }
                lifecycle.stop(permit).await?;
                match stage {
                    Some(Stage::InjectionFailsAfter) => {
                        Err(Error::new(ErrorKind::Timeout, "the reply was lost"))
                    }
                    Some(Stage::InjectionPanics) => panic!("the injection panics"),
                    Some(Stage::InjectionHangs) => std::future::pending().await,
                    _ => Ok(()),
                }
            })
        }))
    }
}

/// Does nothing for this long; this function makes its recovery.
#[derive(Debug)]
pub(crate) struct Nothing<R>(pub(crate) Hold, pub(crate) fn() -> R);

#[async_trait]
impl<R: Recovery> ChaosEvent for Nothing<R> {
    fn name(&self) -> &'static str {
        "nothing"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::default()
    }

    fn hold(&self) -> Hold {
        self.0
    }

    async fn prepare(&self, _: &Scope) -> Result<Prepared> {
        Ok(Prepared::new((self.1)(), |_| Box::pin(async { Ok(()) })))
    }
}

thread_local! {
    static RECOVERY_IS_BROKEN: Cell<bool> = const { Cell::new(false) };
}

/// Makes every [`Fickle`] recovery of this test fail, or work again.
pub(crate) fn break_recovery(broken: bool) {
    RECOVERY_IS_BROKEN.set(broken);
}

/// Starts a machine again, unless it is broken.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Fickle {}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Recovery for Fickle {
    const KIND: &'static str = "tests/fickle/1";

    async fn recover(&self, scope: &RecoveryScope, permit: &Permit) -> Result<()> {
        if RECOVERY_IS_BROKEN.get() {
            return Err(Error::new(ErrorKind::Unavailable, "the machine does not answer"));
        }
        PowerOn::default().recover(scope, permit).await
    }

    async fn verify(&self, scope: &RecoveryScope) -> Result<Verdict> {
        PowerOn::default().verify(scope).await
    }

    fn by_hand(&self, target: &TargetId, fault: FaultId) -> String {
        format!("mend {target} of {fault}")
    }
}

/// Reads every recovery of the tests back.
pub(crate) fn registry() -> Registry {
    Registry::default().register::<PowerOn>().register::<Fickle>()
}

/// One thread, paused time.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

/// Stops a machine in several steps, with a hold of any length or none.
#[derive(Debug)]
pub(crate) struct PowerCycle(pub(crate) Hold);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChaosEvent for PowerCycle {
    fn name(&self) -> &'static str {
        "power-cycle"
    }

    fn requires(&self) -> CapabilitySet {
        PowerOff::default().requires()
    }

    fn hold(&self) -> Hold {
        self.0
    }

    fn suits(&self, group: &Group) -> Result<(), String> {
        PowerOff::default().suits(group)
    }

    fn caveat(&self, group: &Group) -> Option<String> {
        PowerOff::default().caveat(group)
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        tokio::task::yield_now().await;
        Ok(PowerOff::default().prepare(scope).await?.around(|inject| {
            Box::new(move |permit| {
                Box::pin(async move {
                    tokio::task::yield_now().await;
                    inject(permit).await?;
                    tokio::task::yield_now().await;
                    Ok(())
                })
            })
        }))
    }
}

/// A journal that yields before and after every call.
#[derive(Debug)]
pub(crate) struct Busy(pub(crate) MemoryJournal);

macro_rules! busy {
    ($call:expr) => {{
        tokio::task::yield_now().await;
        let result = $call.await;
        tokio::task::yield_now().await;
        result
    }};
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Journal for Busy {
    async fn arm(&self, fault: &FaultRecord, limits: &Limits) -> Result<Arming<Lease>> {
        busy!(self.0.arm(fault, limits))
    }

    async fn mark(&self, fault: FaultId, mark: &Mark) -> Result<()> {
        busy!(self.0.mark(fault, mark))
    }

    async fn find(&self, query: &FaultQuery) -> Result<chaos_core::journal::Found> {
        busy!(self.0.find(query))
    }

    async fn pending(&self) -> Result<chaos_core::journal::Found> {
        busy!(self.0.pending())
    }

    async fn orphans(&self, now: Timestamp) -> Result<chaos_core::journal::Found> {
        busy!(self.0.orphans(now))
    }

    async fn set_halt(&self, halt: Option<Halt>) -> Result<()> {
        busy!(self.0.set_halt(halt))
    }

    async fn halt(&self) -> Result<Option<Halt>> {
        busy!(self.0.halt())
    }

    async fn note_due(&self, note: &DueNote) -> Result<()> {
        busy!(self.0.note_due(note))
    }

    async fn dues(&self, query: &DueQuery) -> Result<FoundDues> {
        busy!(self.0.dues(query))
    }

    async fn keep_schedule(&self, proposed: &KeptSchedule) -> Result<KeptSchedule> {
        busy!(self.0.keep_schedule(proposed))
    }

    async fn forget(&self, forget: &Forget) -> Result<Forgotten> {
        busy!(self.0.forget(forget))
    }
}

/// A provider that yields before and after every call.
#[derive(Debug)]
pub(crate) struct BusyProvider(pub(crate) MemoryProvider);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Provider for BusyProvider {
    fn scheme(&self) -> &'static str {
        self.0.scheme()
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        self.0
            .groups(filter)
            .then(|group| async {
                tokio::task::yield_now().await;
                group
            })
            .boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        busy!(self.0.group(id))
    }

    async fn group_in_recovery(&self, id: &GroupId) -> Result<Group> {
        busy!(self.0.group_in_recovery(id))
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        busy!(self.0.resolve(id))
    }

    async fn remains(&self, id: &TargetId) -> Result<Remains> {
        busy!(self.0.remains(id))
    }
}
