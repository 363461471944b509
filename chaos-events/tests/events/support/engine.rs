//! An engine that runs experiments on machines in memory, in the manners of real ones.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use chaos_core::{
    Error, ErrorKind, FaultId, Group, GroupId, Health, Permit, Provider, Result, Target, TargetId,
    async_trait,
    capability::{Capabilities, Remains, Undo},
    clock::Clock,
    engine::{
        Engine, EngineDefinition, EngineExperiment, EngineExperimentId, EngineExtent, EngineRun,
        EngineRunState,
    },
    group::Labels,
    provider::{BoxStream, GroupFilter},
    testing::{ManualClock, MemoryProvider},
};
use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};

/// Its experiment: `lab:freeze` stops machine 0 of `memory:web` for a while.
pub(crate) const FREEZE: &str = "lab:freeze";

const TO_BEGIN: SignedDuration = SignedDuration::from_secs(5);
const TO_UNDO: SignedDuration = SignedDuration::from_secs(8);

/// Machines in memory, and the engine that their targets offer. Clones share both.
#[derive(Clone, Debug)]
pub(crate) struct Lab {
    pub(crate) world: MemoryProvider,
    pub(crate) clock: Arc<ManualClock>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    definition: EngineDefinition,
    lasts: Duration,
    /// Runs have the id of their fault; without it, they are told apart by their start time.
    tags: bool,
    /// How a run ends instead of completing, after it has come to run or before.
    fails: Option<(&'static str, bool)>,
    loses_replies: bool,
    /// Whether the machine's health tells that it is hit.
    shows: bool,
    runs: Vec<Ran>,
    orders: Vec<String>,
}

#[derive(Clone, Debug)]
struct Ran {
    fault: Option<FaultId>,
    created: Timestamp,
    stopped: Option<Timestamp>,
    hit: bool,
    undone: bool,
}

impl Lab {
    /// `memory:web` with this many machines, in a group that replaces them. The experiment lasts five minutes.
    pub(crate) fn of(size: usize) -> Self {
        Self::over(MemoryProvider::default().with_group("web", size).unwrap())
    }

    pub(crate) fn over(world: MemoryProvider) -> Self {
        let lasts = Duration::from_secs(300);
        let definition = EngineDefinition::new(EngineExperiment::new(FREEZE.parse().unwrap()))
            .longest(Ok(lasts))
            .extent(EngineExtent::Members(1))
            .notes(["an alarm ends it early".to_owned()]);
        let state = State {
            definition,
            lasts,
            tags: true,
            fails: None,
            loses_replies: false,
            shows: true,
            runs: Vec::new(),
            orders: Vec::new(),
        };
        let clock = Arc::new(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()));
        Self { world, clock, state: Arc::new(Mutex::new(state)) }
    }

    /// Changes the definition of the experiment.
    pub(crate) fn defined(self, change: impl FnOnce(EngineDefinition) -> EngineDefinition) -> Self {
        {
            let mut state = self.state();
            state.definition = change(state.definition.clone());
        }
        self
    }

    /// Makes the experiment shorter than its definition allows.
    pub(crate) fn lasting(self, duration: Duration) -> Self {
        self.state().lasts = duration;
        self
    }

    pub(crate) fn lasting_an_hour(self) -> Self {
        self.lasting(Duration::from_secs(3600))
    }

    /// An engine with no place for the id of a fault, which runs an experiment once at a time.
    pub(crate) fn without_tags(self) -> Self {
        self.state().tags = false;
        self
    }

    /// Every run fails for this reason, before it hits anything or in the middle.
    pub(crate) fn failing(self, reason: &'static str, has_begun: bool) -> Self {
        self.state().fails = Some((reason, has_begun));
        self
    }

    /// Starts every requested run, but never replies.
    pub(crate) fn losing_replies(self) -> Self {
        self.state().loses_replies = true;
        self
    }

    /// Hits machines in a way that their health does not show, such as with work for their processors.
    pub(crate) fn unseen(self) -> Self {
        self.state().shows = false;
        self
    }

    /// Somebody else starts a run.
    pub(crate) fn start_by_somebody_else(&self) {
        let created = self.clock.now();
        self.state().runs.push(Ran { fault: None, created, stopped: None, hit: false, undone: false });
    }

    /// What it was told so far.
    pub(crate) fn orders(&self) -> Vec<String> {
        self.state().orders.clone()
    }

    /// How every run stands.
    pub(crate) fn states(&self) -> Vec<EngineRunState> {
        self.settle();
        let state = self.state();
        state.runs.iter().map(|run| run.state(&state, self.clock.now()).0).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Applies the events since the last look to the machines.
    fn settle(&self) {
        let now = self.clock.now();
        let mut state = self.state();
        let victim: TargetId = "memory:web/machine-0".parse().unwrap();
        let mut runs = std::mem::take(&mut state.runs);
        for run in &mut runs {
            let (seen, _) = run.state(&state, now);
            let has_begun = now.duration_since(run.created) >= TO_BEGIN;
            let is_refused = matches!(state.fails, Some((_, false)));
            if !run.hit
                && has_begun
                && !is_refused
                && run.stopped.is_none_or(|at| at >= run.created + TO_BEGIN)
            {
                run.hit = true;
                if state.shows {
                    let _ = self.world.set_health(&victim, Health::Stopped);
                }
            }
            if run.hit && !run.undone && seen.has_ended() {
                run.undone = true;
                if state.shows {
                    let _ = self.world.set_health(&victim, Health::Healthy);
                }
            }
        }
        state.runs = runs;
    }

    fn told(&self, state: &State, run: &Ran, number: usize) -> EngineRun {
        let (seen, reason) = run.state(state, self.clock.now());
        let mut told = EngineRun::new(format!("run-{number}"), seen);
        if let Some(reason) = reason {
            told = told.reason(reason);
        }
        if let Some(fault) = run.fault.filter(|_| state.tags) {
            told = told.fault(fault);
        }
        told
    }
}

impl Ran {
    fn state(&self, lab: &State, now: Timestamp) -> (EngineRunState, Option<&'static str>) {
        let begins = self.created + TO_BEGIN;
        let ends = begins + SignedDuration::try_from(lab.lasts).unwrap();
        if let Some((reason, has_begun)) = lab.fails {
            let fails = if has_begun { begins + SignedDuration::from_secs(10) } else { begins };
            if now >= fails {
                return (EngineRunState::Failed, Some(reason));
            }
        }
        match self.stopped {
            Some(at) if at < ends => match now < at + TO_UNDO {
                true => (EngineRunState::Stopping, None),
                false => (EngineRunState::Stopped, None),
            },
            _ if now < begins => (EngineRunState::Starting, None),
            _ if now < ends => (EngineRunState::Running, None),
            _ => (EngineRunState::Completed, None),
        }
    }
}

#[async_trait]
impl Engine for Lab {
    async fn look_up(&self, id: &EngineExperimentId) -> Result<EngineDefinition> {
        self.settle();
        let state = self.state();
        if id != state.definition.experiment.id() {
            return Err(Error::new(ErrorKind::NotFound, "there is no such experiment").with("experiment", id));
        }
        let runs = state.runs.iter().enumerate();
        let told = runs.map(|(number, run)| self.told(&state, run, number));
        let mut definition =
            state.definition.clone().under_way(told.filter(|run| !run.state.has_ended()).collect::<Vec<_>>());
        if !state.tags {
            definition.experiment = definition.experiment.marked(&state.runs.len())?;
        }
        Ok(definition)
    }

    async fn start(&self, _: &EngineExperiment, permit: &Permit) -> Result<()> {
        self.settle();
        let now = self.clock.now();
        let mut state = self.state();
        state.orders.push("start".to_owned());
        let is_own = |run: &Ran| state.tags && run.fault == Some(permit.fault());
        let is_busy = state.runs.iter().any(|run| !run.state(&state, now).0.has_ended());
        if !state.tags && is_busy {
            return Err(Error::new(ErrorKind::Conflict, "it runs already"));
        }
        if !state.runs.iter().any(is_own) {
            let fault = Some(permit.fault());
            state.runs.push(Ran { fault, created: now, stopped: None, hit: false, undone: false });
        }
        if state.loses_replies {
            return Err(Error::new(ErrorKind::Timeout, "the reply was lost"));
        }
        Ok(())
    }

    async fn runs(&self, experiment: &EngineExperiment, fault: FaultId) -> Result<Vec<EngineRun>> {
        self.settle();
        let state = self.state();
        let before = if state.tags { 0 } else { experiment.mark::<usize>()? };
        let runs = state.runs.iter().enumerate().skip(before);
        let own = runs.filter(|(_, run)| !state.tags || run.fault == Some(fault));
        Ok(own.map(|(number, run)| self.told(&state, run, number)).collect())
    }

    async fn stop(&self, _: &EngineExperiment, run: &EngineRun, _: &Permit) -> Result<()> {
        self.settle();
        let now = self.clock.now();
        let mut state = self.state();
        state.orders.push(format!("stop {}", run.id));
        let number: usize = run.id["run-".len()..].parse().unwrap();
        let seen = state.runs[number].state(&state, now).0;
        if !seen.has_ended() {
            state.runs[number].stopped.get_or_insert(now);
        }
        Ok(())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Provider for Lab {
    fn scheme(&self) -> &'static str {
        self.world.scheme()
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        self.settle();
        self.world.groups(filter).map(|group| group.map(|group| self.equip(group))).boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        self.settle();
        self.world.group(id).await.map(|group| self.equip(group))
    }

    async fn group_in_recovery(&self, id: &GroupId) -> Result<Group> {
        self.settle();
        self.world.group_in_recovery(id).await.map(|group| self.equip(group))
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        self.settle();
        let found = self.world.resolve(id).await?;
        Ok(found.map(|inner| Arc::new(Equipped { inner, lab: self.clone() }) as Arc<dyn Target>))
    }

    async fn remains(&self, id: &TargetId) -> Result<Remains> {
        Ok(self.world.remains(id).await?.with_engine(Arc::new(self.clone())))
    }
}

impl Lab {
    fn equip(&self, mut group: Group) -> Group {
        for member in &mut group.members {
            member.target = Arc::new(Equipped { inner: Arc::clone(&member.target), lab: self.clone() });
        }
        group
    }
}

/// A machine by which the engine is found.
#[derive(Debug)]
struct Equipped {
    inner: Arc<dyn Target>,
    lab: Lab,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Target for Equipped {
    fn id(&self) -> &TargetId {
        self.inner.id()
    }

    fn labels(&self) -> &Labels {
        self.inner.labels()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities().with_engine(Arc::new(self.lab.clone()))
    }

    async fn health(&self) -> Result<Health> {
        self.lab.settle();
        self.inner.health().await
    }

    async fn incarnation(&self) -> Result<Option<Arc<str>>> {
        self.inner.incarnation().await
    }

    async fn may_undo(&self, undo: &Undo) -> Result<()> {
        self.inner.may_undo(undo).await
    }
}
