use std::{future::Future, sync::Arc};

use futures_util::future::BoxFuture;

use super::{
    Diagnosis, MonkeyBuilder, RunReport,
    attend::{Attended, attend},
    core::{Core, Run},
    courses::{Courses, spare_unsteady},
    diagnose,
    dues::forget_what_is_over,
    halts::{self, tell_of_halts},
    permission::spare_who_cannot_be_brought_back,
    scheduled::{LOOK_EVERY, carry_out_dues},
};
use crate::{
    clock,
    contain::in_span,
    error::{Error, ErrorKind, Result},
    event::ChaosEvent,
    group::TargetId,
    journal::{FaultQuery, Found},
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
    pub(super) core: Arc<Core>,
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

    /// Recovers pending faults, plans, injects, holds and recovers. A leashed monkey stops after the plan, and one that
    /// [rehearses](MonkeyBuilder::rehearse) before the arming.
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
    /// it cuts the holds short, waits for the recoveries, and returns. The monkey is then shut down. Once it is
    /// [retired](Monkey::retire), it returns when its runs are over.
    ///
    /// The interval counts from the last fault that the journal has, so a monkey that is started again strikes no more
    /// often. What an ended process has left behind is recovered before anything else.
    ///
    /// A failed run is reported to the observers as [`Activity::RunFailed`], and the next one follows.
    ///
    /// # Errors
    /// If the monkey has no journal or was shut down before.
    ///
    /// Cancel safe as [`run_once`](Monkey::run_once).
    pub async fn run(&self, shutdown: impl Future<Output = ()>) -> Result<()> {
        self.core.journal()?;
        self.refuse_after_shutdown()?;
        let parts = &self.core.parts;
        let runs = async {
            if let Some(schedule) = &parts.schedule {
                let monkey = self.clone();
                let carry_out = Arc::new(move |run, filter| monkey.carry_out_in(run, filter));
                // Its next run may be days away.
                self.recover_and_tell().await;
                tokio::select! {
                    () = carry_out_dues(&self.core, schedule, carry_out) => {}
                    () = self.recover_now_and_then() => {}
                }
            }
            self.wait_out_interval().await;
            while !self.core.retirement.has_begun() {
                let begun = self.core.new_run(Chosen::Drawn);
                let run = begun.as_ref().ok().map(|run| run.id);
                let ended = match begun {
                    Ok(run) => self.carry_out_drawn(run).await,
                    Err(error) => Err(error),
                };
                if let Err(error) = ended {
                    self.core.tell(Activity::RunFailed { run, failure: (&error).into() });
                }
                tokio::select! {
                    biased;
                    () = self.core.retirement.begun() => {}
                    () = self.core.parts.clock.sleep(self.core.parts.interval) => {}
                }
            }
        };
        tokio::select! {
            biased;
            () = shutdown => {}
            () = self.core.stop.cancelled() => {}
            () = runs => {}
            () = tell_of_halts(&self.core) => {}
            () = forget_what_is_over(&self.core) => {}
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
        spare_unsteady(&self.core, &mut planned).await;
        spare_who_cannot_be_brought_back(&self.core, &mut planned).await;
        planned
    }

    async fn carry_out_drawn(&self, run: Run) -> Result<RunReport> {
        self.carry_out(run, |_, unsteady| self.planned(run.seed, unsteady)).await
    }

    /// One run in the groups that pass.
    fn carry_out_in(&self, run: Run, filter: GroupFilter) -> BoxFuture<'static, Result<RunReport>> {
        let monkey = self.clone();
        Box::pin(async move {
            monkey.carry_out(run, |monkey, unsteady| monkey.planned_in(run.seed, filter, unsteady)).await
        })
    }

    /// Whatever another process leaves behind is recovered within the hour.
    /// Waits until the interval since the last fault over the journal is over, so that a monkey that is started again
    /// and again strikes no more often than one that keeps running. What was left behind is recovered before.
    async fn wait_out_interval(&self) {
        let core = &self.core;
        let Ok(safeguard) = core.safeguard() else { return };
        self.recover_and_tell().await;
        // If the journal cannot be read, the run says so.
        let Ok(found) = safeguard.journal.find(&FaultQuery::all().limit(1)).await else { return };
        let Some(last) = found.faults.last() else { return };
        let now = core.parts.clock.now();
        let over =
            clock::after(last.armed_at, core.parts.interval).min(clock::after(now, core.parts.interval));
        tokio::select! {
            biased;
            () = core.retirement.begun() => {}
            () = core.parts.clock.sleep(clock::until(now, over)) => {}
        }
    }

    async fn recover_now_and_then(&self) {
        loop {
            self.core.parts.clock.sleep(LOOK_EVERY).await;
            self.recover_and_tell().await;
        }
    }

    async fn recover_and_tell(&self) {
        if self.core.rehearses() {
            return;
        }
        if let Err(error) = self.recover_pending().await {
            self.core.tell(Activity::RunFailed { run: None, failure: (&error).into() });
        }
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
        halts::look(&self.core).await;
        let cut = self.core.cut(self.core.course(run));
        // When it is dropped with this future, it cuts every hold of the run short.
        let _cut_on_drop = cut.run.clone().drop_guard();
        let replayed = if leashed { Found::default() } else { self.recover_pending().await? };
        let left = match &self.core.rehearsal {
            Some(rehearsal) => rehearsal.journal.pending().await?,
            None => Found::default(),
        };
        let unsteady = match cut.courses.first() {
            Some(course) => course.before_plan().await.err(),
            None => None,
        };
        let mut planned = plan(self, unsteady).await;
        let mut courses = Courses::default();
        let is_only_planned = leashed && !self.core.rehearses();
        if is_only_planned {
            planned = self.planned_alone(planned).await;
        } else {
            courses = Courses::begin(&self.core, &mut planned, run).await;
        }
        let Planned { plan, victims } = planned;
        self.core.tell(Activity::Planned {
            run: id,
            groups: plan.groups.len(),
            targets: plan.groups.iter().map(|group| group.targets.len()).sum(),
            chosen: victims.len(),
            left_alone: plan.left_alone(),
        });
        self.core.tell_unmatched(plan.unmatched_patterns.clone());
        let victims = if is_only_planned { Vec::new() } else { victims };
        let Attended { skipped, faults, rehearsed, steady_state, group_steady_states } =
            attend(&self.core, victims, run, &cut, &courses).await?;
        let ended_at = self.core.parts.clock.now();
        let Found { faults: replayed, mut unreadable } = replayed;
        unreadable.extend(left.unreadable);
        let report = RunReport {
            run: Some(id),
            seed,
            leashed,
            began_at,
            ended_at,
            plan,
            skipped,
            faults,
            rehearsed,
            replayed,
            pending: left.faults,
            unreadable,
            steady_state,
            group_steady_states,
        };
        let (outcome, why) = (report.outcome(), report.why());
        self.core.tell(Activity::RunEnded { run: id, outcome, why });
        Ok(report)
    }

    fn refuse_after_shutdown(&self) -> Result<()> {
        if self.core.stop.is_cancelled() {
            return Err(Error::new(ErrorKind::Refused, "the monkey was shut down; build a new one"));
        }
        if self.core.retirement.has_begun() {
            return Err(Error::new(ErrorKind::Refused, "the monkey was retired; build a new one"));
        }
        Ok(())
    }
}
