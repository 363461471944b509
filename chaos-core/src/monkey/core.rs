use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use jiff::Timestamp;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::{RunId, parts::Parts, retirement::Retirement, sight::Sights, tasks::Tasks, terms::AllTerms};
use crate::{
    chance::{Draw, Entropy, within_json},
    clock::Clock,
    error::{Error, ErrorKind, Result},
    event::ChaosEvent,
    fault::{CutShort, FaultId, Safeguard},
    group::TargetId,
    journal::Journal,
    observer::{Activity, Chosen, Observers},
    plan::{Planner, UnmatchedPattern},
    recovery::Registry,
    schedule::TakenDue,
    steady_state::{Course, Unsteady},
};

/// How long observers may take to allow an injection.
pub(super) const ASK_LIMIT: Duration = Duration::from_secs(30);

/// The run that a victim belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) id: RunId,
    pub(super) seed: u64,
    pub(super) chosen: Chosen,
    /// The due that it carries out.
    pub(super) due: Option<TakenDue>,
}

/// What a leashed monkey that rehearses looks into. Without a [`Safeguard`], nothing can be armed.
#[derive(Debug)]
pub(super) struct Rehearsal {
    pub(super) journal: Arc<dyn Journal>,
    pub(super) registry: Registry,
}

/// The state that a monkey and its guarded tasks share.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) parts: Parts,
    /// What applies to each group.
    pub(super) terms: AllTerms,
    pub(super) observers: Observers,
    /// None while it is leashed.
    pub(super) safeguard: Option<Safeguard>,
    /// Of a leashed monkey that rehearses.
    pub(super) rehearsal: Option<Rehearsal>,
    pub(super) slots: Semaphore,
    pub(super) tasks: Tasks,
    /// Cancelled by [`Monkey::shutdown`](super::Monkey::shutdown), for good.
    pub(super) stop: CancellationToken,
    /// Whether this monkey was told to halt.
    pub(super) halted: watch::Sender<bool>,
    /// Since when the halt is in force that the observers know of.
    pub(super) known_halt: Mutex<Option<Timestamp>>,
    /// See [`Monkey::retire`](super::Monkey::retire).
    pub(super) retirement: Retirement,
    /// The shared looks of victims of one moment.
    pub(super) sights: Sights,
    next_seed: Mutex<Option<u64>>,
    /// The patterns that fit nothing, as far as observers were told.
    told_unmatched: Mutex<BTreeSet<UnmatchedPattern>>,
}

impl Core {
    pub(super) fn new(
        parts: Parts,
        terms: AllTerms,
        observers: Observers,
        safeguard: Option<Safeguard>,
        rehearsal: Option<Rehearsal>,
    ) -> Arc<Self> {
        Arc::new(Self {
            slots: Semaphore::new(parts.concurrency.min(Semaphore::MAX_PERMITS)),
            tasks: Tasks::default(),
            stop: CancellationToken::new(),
            halted: watch::Sender::new(false),
            known_halt: Mutex::default(),
            retirement: Retirement::default(),
            sights: Sights::at(&parts.clock),
            next_seed: Mutex::new(parts.seed),
            told_unmatched: Mutex::default(),
            parts,
            terms,
            observers,
            safeguard,
            rehearsal,
        })
    }

    /// The safeguard, or the error of a leashed monkey.
    pub(super) fn safeguard(&self) -> Result<&Safeguard> {
        self.safeguard.as_ref().ok_or_else(|| {
            let what = match self.rehearses() {
                false => "the monkey is leashed: it has no journal; call `unleash` on its builder",
                true => "the monkey is leashed: it only rehearses; call `unleash` on its builder instead",
            };
            Error::new(ErrorKind::Refused, what)
        })
    }

    /// Whether it is leashed, and writes down what it would do.
    pub(super) fn rehearses(&self) -> bool {
        self.rehearsal.is_some()
    }

    /// The journal, also of a monkey that rehearses; or the error of one that has none.
    pub(super) fn journal(&self) -> Result<&Arc<dyn Journal>> {
        match &self.rehearsal {
            Some(rehearsal) => Ok(&rehearsal.journal),
            None => Ok(&self.safeguard()?.journal),
        }
    }

    /// The seed of the run to come, which stays the same until it is taken.
    pub(super) fn peek_seed(&self) -> Result<u64> {
        self.seed(&mut self.next_seed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn seed(&self, next: &mut Option<u64>) -> Result<u64> {
        match *next {
            Some(seed) => Ok(seed),
            None => Ok(*next.insert(within_json(self.parts.entropy.draw()?))),
        }
    }

    /// A run that begins now.
    pub(super) fn new_run(&self, chosen: Chosen) -> Result<Run> {
        let id = self.parts.entropy.draw().map(RunId::from_entropy)?;
        Ok(Run { id, seed: self.take_seed()?, chosen, due: None })
    }

    /// The seed of a run that begins now.
    fn take_seed(&self) -> Result<u64> {
        let mut next = self.next_seed.lock().unwrap_or_else(PoisonError::into_inner);
        let seed = self.seed(&mut next)?;
        *next = Some(within_json(Draw::for_run(seed).number()));
        Ok(seed)
    }

    pub(super) fn new_fault_id(&self) -> Result<FaultId> {
        self.parts.entropy.draw().map(FaultId::from_entropy)
    }

    pub(super) fn planner<'a>(&'a self, seed: u64, events: &'a [Arc<dyn ChaosEvent>]) -> Planner<'a> {
        let journal = self.journal().ok().map(AsRef::as_ref);
        Planner { parts: &self.parts, terms: &self.terms, events, journal, seed }
    }

    pub(super) fn tell(&self, activity: Activity) {
        self.observers.tell(self.parts.clock.now(), activity);
    }

    /// Tells which patterns fit nothing, each once.
    pub(super) fn tell_unmatched(&self, patterns: Vec<UnmatchedPattern>) {
        let mut told = self.told_unmatched.lock().unwrap_or_else(PoisonError::into_inner);
        let patterns: Vec<_> = patterns.into_iter().filter(|pattern| told.insert(pattern.clone())).collect();
        drop(told);
        if !patterns.is_empty() {
            self.tell(Activity::PatternsUnmatched { patterns });
        }
    }

    /// The tokens that cut a run short.
    pub(super) fn cut(&self, course: Option<Arc<Course>>) -> Cut {
        let courses = course.into_iter().collect();
        let let_go = self.retirement.let_go();
        Cut { run: self.stop.child_token(), halted: self.halted.subscribe(), let_go, target: None, courses }
    }

    /// The course of the steady state over a run that begins now, if there is one.
    pub(super) fn course(&self, run: Run) -> Option<Arc<Course>> {
        let steady = self.parts.steady_state.as_ref()?;
        Some(Course::begin(steady, &self.parts.clock, &self.observers, run.id, run.seed))
    }
}

/// Tells a guarded task that its run is cut short.
#[derive(Clone, Debug)]
pub(super) struct Cut {
    pub(super) run: CancellationToken,
    halted: watch::Receiver<bool>,
    let_go: watch::Receiver<BTreeSet<TargetId>>,
    /// The target of the fault that is cut short.
    target: Option<TargetId>,
    /// The steady states that watch it: that of the run, and that of a rule for the group.
    pub(super) courses: Vec<Arc<Course>>,
}

impl Cut {
    /// For the fault on `target`.
    pub(super) fn of(mut self, target: &TargetId) -> Self {
        self.target = Some(target.clone());
        self
    }

    /// The same, for a victim that this steady state watches too.
    pub(super) fn and(&self, course: Option<Arc<Course>>) -> Self {
        let mut cut = self.clone();
        cut.courses.extend(course);
        cut
    }

    /// Whether the run is cut short already.
    pub(super) fn is_cut(&self) -> Option<CutShort> {
        if *self.halted.borrow() {
            Some(CutShort::Halted)
        } else if self.run.is_cancelled() || self.is_let_go(&self.let_go.borrow()) {
            Some(CutShort::Cancelled)
        } else {
            self.unsteady().map(|unsteady| unsteady.cut_short)
        }
    }

    /// Waits until the run is cut short.
    pub(super) async fn wait(&mut self) -> CutShort {
        let courses = self.courses.clone();
        tokio::select! {
            biased;
            why = self.wait_for_order() => why,
            why = not_steady(&courses) => why,
        }
    }

    /// Waits until the run is cut short by its caller or by a halt.
    pub(super) async fn wait_for_order(&mut self) -> CutShort {
        tokio::select! {
            biased;
            Ok(_) = self.halted.wait_for(|halted| *halted) => CutShort::Halted,
            () = self.run.cancelled() => CutShort::Cancelled,
            Ok(_) = self.let_go.wait_for(|let_go| is_among(self.target.as_ref(), let_go)) => CutShort::Cancelled,
        }
    }

    fn is_let_go(&self, let_go: &BTreeSet<TargetId>) -> bool {
        is_among(self.target.as_ref(), let_go)
    }

    /// Why the steady state cuts the run short, if it does.
    pub(super) fn unsteady(&self) -> Option<Arc<Unsteady>> {
        self.courses.iter().find_map(|course| course.unsteady())
    }

    /// The text of that for the record of a fault.
    pub(super) fn note(&self) -> Option<String> {
        self.courses.iter().find_map(|course| Some(course.note(&*course.unsteady()?)))
    }
}

fn is_among(target: Option<&TargetId>, targets: &BTreeSet<TargetId>) -> bool {
    target.is_some_and(|target| targets.contains(target))
}

async fn not_steady(courses: &[Arc<Course>]) -> CutShort {
    let mut waiting: FuturesUnordered<_> =
        courses.iter().map(|course| course.wait_until_unsteady()).collect();
    match waiting.next().await {
        Some(unsteady) => unsteady.cut_short,
        None => std::future::pending().await,
    }
}
