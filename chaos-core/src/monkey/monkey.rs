use std::{future::Future, sync::Arc};

use futures_util::future::BoxFuture;

use super::{
    Diagnosis, MonkeyBuilder, RunReport, Skip,
    core::{Core, Cut, Run},
    diagnose,
    guard::{Guarded, guard},
    permission::spare_who_cannot_be_brought_back,
    replay::replay,
    scheduled::carry_out_dues,
};
use crate::{
    contain::in_span,
    error::{Error, ErrorKind, Result},
    event::ChaosEvent,
    fault::{FaultId, FaultRecord, FaultState, Mark},
    group::TargetId,
    journal::{Found, Halt},
    observer::{Activity, Chosen},
    plan::{Plan, Planned, Reason, provider_of},
    provider::GroupFilter,
    steady_state::before_alone,
};

/// Finds groups, asks the calendar, picks victims within the blast radius, injects, and always brings the targets back.
///
/// Every monkey starts leashed: it plans and explains, but touches nothing until [`unleash`](MonkeyBuilder::unleash)
/// gives it a journal.
///
/// A task of its own on the tokio runtime takes care of each fault. Dropping the future of a run cuts its holds short,
/// but never its recoveries; [`shutdown`](Monkey::shutdown) waits for them. If the whole runtime or the process ends,
/// the journal knows which faults are left to recover.
///
/// Clones share one monkey.
///
/// ```
/// use chaos_core::{
///     MemoryJournal, Monkey, Outcome, Registry, fault::FaultState,
///     testing::{MemoryProvider, PowerOff, PowerOn},
/// };
/// # use chaos_core::testing::ManualClock;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> chaos_core::Result<()> {
/// let monkey = Monkey::builder()
///     .provider(MemoryProvider::default().with_group("web", 5)?)
///     .event(PowerOff::default())
/// #   .clock(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()))
///     .seed(42)
///     .unleash(MemoryJournal::new(), Registry::default().register::<PowerOn>())
///     .build()?;
/// let report = monkey.run_once().await?;
/// assert_eq!(report.outcome(), Outcome::Completed);
/// assert_eq!(report.faults[0].state, FaultState::Recovered);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Monkey {
    core: Arc<Core>,
}

impl Monkey {
    /// A builder with safe defaults.
    pub fn builder() -> MonkeyBuilder {
        MonkeyBuilder::default()
    }

    pub(super) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Tells which targets the next run would choose, and why it would not choose the others. It looks at everything
    /// that the run would look at, including the journal, checks whether the chosen targets [could be brought
    /// back](crate::group::Target::may_undo), and touches nothing.
    ///
    /// # Errors
    /// Only if no seed can be drawn. A fact that cannot be found out is a doubt in the plan.
    ///
    /// Cancel safe.
    pub async fn plan(&self) -> Result<Plan> {
        let seed = self.core.peek_seed()?;
        let unsteady = match &self.core.parts.steady_state {
            Some(steady) => before_alone(steady, &self.core.parts.clock).await.err(),
            None => None,
        };
        Ok(self.planned_alone(self.planned(seed, unsteady).await).await.plan)
    }

    /// Recovers pending faults, plans, injects, holds and recovers. A leashed monkey stops after the plan.
    ///
    /// # Errors
    /// If the journal cannot be read, no id can be drawn for the run, or the monkey was shut down. Then this call has
    /// injected nothing. Also if the runtime is shutting down; then the journal knows every fault that was armed. A
    /// failure of a single fault is in the report instead.
    ///
    /// Cancel safe in the sense that matters: if you drop the future, every hold is cut short, and the recoveries
    /// continue in tasks of their own.
    pub async fn run_once(&self) -> Result<RunReport> {
        self.carry_out_drawn(self.core.new_run(Chosen::Drawn)?).await
    }

    /// Runs repeatedly, with the builder's interval in between or as its schedule says, until `shutdown` is ready. Then
    /// it cuts the holds short, waits for the recoveries, and returns. The monkey is then shut down.
    ///
    /// A failed run is reported to the observers as [`Activity::RunFailed`], and the next one follows.
    ///
    /// # Errors
    /// If the monkey is leashed or was shut down before.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) -> Result<()> {
        self.core.safeguard()?;
        self.refuse_after_shutdown()?;
        let parts = &self.core.parts;
        let runs = async {
            if let (Some(schedule), Some(seed)) = (&parts.schedule, parts.seed) {
                carry_out_dues(&self.core, schedule, seed, &|run, filter| self.carry_out_in(run, filter))
                    .await;
            }
            loop {
                let begun = self.core.new_run(Chosen::Drawn);
                let run = begun.as_ref().ok().map(|run| run.id);
                let ended = match begun {
                    Ok(run) => self.carry_out_drawn(run).await,
                    Err(error) => Err(error),
                };
                if let Err(error) = ended {
                    self.core.tell(Activity::RunFailed { run, failure: (&error).into() });
                }
                self.core.parts.clock.sleep(self.core.parts.interval).await;
            }
        };
        tokio::select! {
            biased;
            () = shutdown => {}
            () = self.core.stop.cancelled() => {}
            () = runs => {}
        }
        self.shutdown().await;
        Ok(())
    }

    /// Injects one event into one target, under the same rules as a run: calendar, blast radius, cool-down and journal.
    ///
    /// # Errors
    /// As [`run_once`](Monkey::run_once), and `InvalidInput` if no provider has the target's scheme. If the target must
    /// not be touched, the report tells the reason.
    ///
    /// Cancel safe as [`run_once`](Monkey::run_once).
    pub async fn inject(&self, event: impl ChaosEvent, target: &TargetId) -> Result<RunReport> {
        let provider = provider_of(&self.core.parts.providers, target)?;
        if !self.core.parts.filter.passes(&target.group()) {
            let groups = self.core.parts.filter.names().unwrap_or_default().join(", ");
            return Err(Error::invalid(
                "target",
                target,
                format!("a member of the groups of this monkey: {groups}"),
            ));
        }
        let run = self.core.new_run(Chosen::Named)?;
        let events: [Arc<dyn ChaosEvent>; 1] = [Arc::new(event)];
        let planner = self.core.planner(run.seed, &events);
        self.carry_out(run, |_, unsteady| planner.plan_one(provider, target, unsteady)).await
    }

    /// Recovers every pending fault that no live process takes care of: faults that a killed process or a dropped
    /// runtime has left behind, faults whose holder does not act, and faults that could not be recovered before.
    /// Returns each as it ended, and the unreadable entries of the journal, which are still pending.
    ///
    /// # Errors
    /// If the monkey is leashed or the journal cannot be read. A fault that could not be recovered is returned with its
    /// failure.
    ///
    /// Cancel safe as [`run_once`](Monkey::run_once): the recoveries continue.
    pub async fn recover_pending(&self) -> Result<Found> {
        let orphans = self.core.safeguard()?.journal.orphans(self.core.parts.clock.now()).await?;
        self.replay(orphans).await
    }

    /// Recovers every pending fault, even those that a live monkey takes care of; that monkey recovers them once more,
    /// which does no harm. This is for a person in an emergency; otherwise use [`halt`](Monkey::halt).
    ///
    /// # Errors
    /// As [`recover_pending`](Monkey::recover_pending).
    pub async fn take_over_pending(&self) -> Result<Found> {
        let pending = self.core.safeguard()?.journal.pending().await?;
        self.replay(pending).await
    }

    /// Records that a person has brought a target back by hand. It may then be chosen again.
    ///
    /// # Errors
    /// `Conflict` unless the fault is pending and no live process takes care of it. Also if the monkey is leashed or
    /// the journal fails.
    pub async fn declare_mended(&self, fault: FaultId, note: impl Into<String>) -> Result<()> {
        let journal = &self.core.safeguard()?.journal;
        let orphans = journal.orphans(self.core.parts.clock.now()).await?;
        if !orphans.faults.iter().any(|orphan| orphan.id == fault) {
            return Err(Error::new(
                ErrorKind::Conflict,
                "no fault with this id is waiting to be recovered: it is over, held by a live monkey, or unknown",
            )
            .with("fault", fault));
        }
        let now = self.core.parts.clock.now();
        journal.mark(fault, &Mark::new(FaultState::Recovering, now)).await?;
        let note = Some(format!("declared mended: {}", note.into()));
        journal.mark(fault, &Mark::new(FaultState::Recovered, now).note(note)).await
    }

    /// Stops everything now. It writes a halt into the journal: no monkey over the journal injects any more, and
    /// monkeys that hold a fault end it within seconds. It also cuts this monkey's holds short and waits for their
    /// recoveries.
    ///
    /// # Errors
    /// If the halt could not be written. This monkey's faults are recovered all the same.
    ///
    /// Not cancel safe: a dropped call may have halted this monkey alone, whose recoveries continue.
    pub async fn halt(&self, reason: impl Into<String>) -> Result<()> {
        let reason = reason.into();
        self.core.halted.send_replace(true);
        self.core.tell(Activity::Halted { reason: reason.clone() });
        let written = match self.core.safeguard() {
            Ok(safeguard) => {
                safeguard.journal.set_halt(Some(Halt::new(reason, self.core.parts.clock.now()))).await
            }
            Err(error) => Err(error),
        };
        self.core.tasks.wait().await;
        written
    }

    /// Withdraws a halt. A monkey that was told to halt itself injects again only after its own `resume`.
    ///
    /// # Errors
    /// If the monkey is leashed or the journal fails; then the halt stays.
    ///
    /// Not cancel safe: a dropped call may have withdrawn the halt in the journal alone.
    pub async fn resume(&self) -> Result<()> {
        self.core.safeguard()?.journal.set_halt(None).await?;
        self.core.halted.send_replace(false);
        Ok(())
    }

    /// Waits until no fault is in progress: each one has ended, including its recovery. The monkey stays usable, so
    /// another run may begin meanwhile. It is awaited too. Call it after you have dropped a run, if the next step needs
    /// the targets.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use chaos_core::{
    /// #     MemoryJournal, Monkey, Registry,
    /// #     testing::{ManualClock, MemoryProvider, PowerOff, PowerOn},
    /// # };
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> chaos_core::Result<()> {
    /// # let clock = ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap());
    /// # let journal = MemoryJournal::new();
    /// # let monkey = Monkey::builder()
    /// #     .provider(MemoryProvider::default().with_group("web", 5)?)
    /// #     .event(PowerOff::default())
    /// #     .clock(clock)
    /// #     .unleash(journal.clone(), Registry::default().register::<PowerOn>())
    /// #     .build()?;
    /// use chaos_core::Journal;
    ///
    /// // The run is abandoned half-way, and its target is being brought back.
    /// let _ = tokio::time::timeout(Duration::from_secs(1), monkey.run_once()).await;
    /// monkey.idle().await;
    /// assert!(journal.pending().await?.faults.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Cancel safe.
    pub async fn idle(&self) {
        self.core.tasks.wait().await;
    }

    /// Cuts every hold short, waits until every fault of this monkey is recovered or its recovery has failed, and
    /// injects nothing from then on.
    ///
    /// Cancel safe: the recoveries continue.
    pub async fn shutdown(&self) {
        self.core.stop.cancel();
        self.core.tasks.wait().await;
    }

    /// Checks everything that could go wrong, without touching a target: the calendar, the listings, the journal and
    /// its pending faults, and for each event whether a target has the required capabilities and whether its recovery
    /// reads back.
    ///
    /// Cancel safe.
    pub async fn diagnose(&self) -> Diagnosis {
        diagnose::diagnose(&self.core).await
    }

    async fn planned(&self, seed: u64, unsteady: Option<Reason>) -> Planned {
        let planner = self.core.planner(seed, &self.core.parts.events);
        planner.plan_all(&self.core.parts.providers, &self.core.parts.filter, unsteady).await
    }

    /// A plan that is not carried out. So it already makes the checks that precede the injection of each victim.
    async fn planned_alone(&self, mut planned: Planned) -> Planned {
        spare_who_cannot_be_brought_back(&self.core, &mut planned).await;
        planned
    }

    async fn carry_out_drawn(&self, run: Run) -> Result<RunReport> {
        self.carry_out(run, |_, unsteady| self.planned(run.seed, unsteady)).await
    }

    /// One run in the groups that pass.
    fn carry_out_in(&self, run: Run, filter: GroupFilter) -> BoxFuture<'_, Result<RunReport>> {
        Box::pin(self.carry_out(run, move |monkey, unsteady| monkey.planned_in(run.seed, filter, unsteady)))
    }

    async fn planned_in(&self, seed: u64, filter: GroupFilter, unsteady: Option<Reason>) -> Planned {
        let planner = self.core.planner(seed, &self.core.parts.events);
        planner.plan_all(&self.core.parts.providers, &filter, unsteady).await
    }

    /// One run: replay, plan, then one guarded task for each victim.
    async fn carry_out<'a, F>(
        &'a self,
        run: Run,
        plan: impl FnOnce(&'a Self, Option<Reason>) -> F,
    ) -> Result<RunReport>
    where
        F: Future<Output = Planned>,
    {
        let span = tracing::info_span!("run", run = %run.id, seed = run.seed);
        in_span(span, self.carry_out_in_span(run, plan)).await
    }

    async fn carry_out_in_span<'a, F>(
        &'a self,
        run: Run,
        plan: impl FnOnce(&'a Self, Option<Reason>) -> F,
    ) -> Result<RunReport>
    where
        F: Future<Output = Planned>,
    {
        let Run { id, seed, .. } = run;
        self.refuse_after_shutdown()?;
        let leashed = self.core.safeguard.is_none();
        let began_at = self.core.parts.clock.now();
        self.core.tell(Activity::RunBegan { run: id, seed, leashed });
        let cut = self.core.cut(self.core.course(run));
        // When it is dropped with this future, it cuts every hold of the run short.
        let _cut_on_drop = cut.run.clone().drop_guard();
        let replayed = if leashed { Found::default() } else { self.recover_pending().await? };
        let unsteady = match &cut.course {
            Some(course) => course.before_plan().await.err(),
            None => None,
        };
        let mut planned = plan(self, unsteady).await;
        if leashed {
            planned = self.planned_alone(planned).await;
        }
        let Planned { plan, victims } = planned;
        self.core.tell(Activity::Planned {
            run: id,
            groups: plan.groups.len(),
            targets: plan.groups.iter().map(|group| group.targets.len()).sum(),
            chosen: victims.len(),
        });
        let (mut skipped, mut faults) = (Vec::new(), Vec::new());
        if !leashed {
            (skipped, faults) = self.attend(victims, run, &cut).await?;
        }
        let steady_state = match &cut.course {
            Some(course) => Some(course.conclude(&faults, cut.clone().wait_for_order()).await),
            None => None,
        };
        let ended_at = self.core.parts.clock.now();
        let Found { faults: replayed, unreadable } = replayed;
        let report = RunReport {
            run: Some(id),
            seed,
            leashed,
            began_at,
            ended_at,
            plan,
            skipped,
            faults,
            replayed,
            unreadable,
            steady_state,
        };
        let (outcome, why) = (report.outcome(), report.why());
        self.core.tell(Activity::RunEnded { run: id, outcome, why });
        Ok(report)
    }

    async fn attend(
        &self,
        victims: Vec<crate::plan::Victim>,
        run: Run,
        cut: &Cut,
    ) -> Result<(Vec<Skip>, Vec<FaultRecord>)> {
        let tasks: Vec<_> = victims
            .into_iter()
            .map(|victim| {
                let (target, event) = (victim.target.id().clone(), victim.event.name());
                let span = tracing::info_span!("fault", %target, event);
                let task =
                    self.core.tasks.spawn(guard(Arc::clone(&self.core), victim, run, cut.clone(), span));
                (target, event, task)
            })
            .collect();
        let (mut skipped, mut faults, mut lost) = (Vec::new(), Vec::new(), None);
        for (target, event, task) in tasks {
            match task.await {
                Ok(Guarded::Ended(record)) => faults.push(*record),
                Ok(Guarded::Skipped(reason)) => {
                    skipped.push(Skip { target, event: event.to_owned(), reason })
                }
                Err(error) => lost = Some(lost_task(&target, error)),
            }
        }
        match lost {
            Some(error) => Err(error),
            None => Ok((skipped, faults)),
        }
    }

    async fn replay(&self, found: Found) -> Result<Found> {
        let tasks: Vec<_> = found
            .faults
            .into_iter()
            .map(|fault| {
                let target = fault.target.clone();
                let span = tracing::info_span!("fault", %target, event = fault.event, fault = %fault.id);
                (target, self.core.tasks.spawn(replay(Arc::clone(&self.core), fault, None, span)))
            })
            .collect();
        let mut ended = Vec::with_capacity(tasks.len());
        for (target, task) in tasks {
            ended.push(task.await.map_err(|error| lost_task(&target, error))?);
        }
        Ok(Found::new(ended).unreadable(found.unreadable))
    }

    fn refuse_after_shutdown(&self) -> Result<()> {
        if self.core.stop.is_cancelled() {
            return Err(Error::new(ErrorKind::Refused, "the monkey was shut down; build a new one"));
        }
        Ok(())
    }
}

/// The runtime is shutting down, or this library has a bug. The journal still knows the fault.
fn lost_task(target: &TargetId, error: tokio::task::JoinError) -> Error {
    Error::new(
        ErrorKind::Other,
        "the task that took care of a fault was lost; call `recover_pending` on a monkey over its journal",
    )
    .with("target", target)
    .caused_by(error)
}
