use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chaos_core::{
    Capability, CapabilitySet, ChaosEvent, Error, ErrorKind, Group, Hold, Permit, Prepared, Result, Scope,
    clock::Clock,
    engine::{Engine, EngineDefinition, EngineExperiment, EngineExperimentId, EngineExtent, EngineRunState},
};

use crate::stop_engine_experiment::{LOOK_EVERY, StopEngineExperiment};

/// The time by which the fault must last longer than its experiment: an engine needs it to begin and to undo.
const MARGIN: Duration = Duration::from_secs(60);

/// Lets an engine of the platform run an experiment that is defined there: a template of the Fault Injection Service,
/// or an experiment of Chaos Studio.
///
/// The engine continues by itself even if every process here has died, and then only the definition bounds it. So the
/// definition is read first. An experiment is not started
///
/// - if it could last longer than the fault may, less a minute that its engine may take to begin and to undo;
/// - if its duration is unknown;
/// - if it is already running, even if somebody else has started it;
/// - if it hits more than the target's group, unless [allowed](Self::beyond_the_group);
/// - if it hits more members of the group than [allowed](Self::members), which is one by default;
/// - if its end leaves damage behind in a group that does not replace its members.
///
/// **The engine chooses its victims.** The experiment is found through the target, and judged by the target's group.
/// The definition decides which members of the group are hit, and these need not include the target. The report tells
/// the extent of the definition and how the experiment ended. Neither [`members`](Self::members) nor
/// [`beyond_the_group`](Self::beyond_the_group) is counted against a [`BlastRadius`](chaos_core::BlastRadius).
///
/// Once it runs, the fault is held until the deadline, even if the experiment has ended before.
///
/// ```
/// use std::time::Duration;
/// use chaos_core::engine::EngineExperimentId;
/// use chaos_events::RunEngineExperiment;
///
/// let id: EngineExperimentId = "aws-fis:EXT1a2b3c4d5e6f7".parse()?;
/// // The template lasts ten minutes.
/// let experiment = RunEngineExperiment::of(id).lasting(Duration::from_secs(11 * 60))?;
/// # let _ = experiment;
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct RunEngineExperiment {
    id: EngineExperimentId,
    hold: Hold,
    members: usize,
    beyond_the_group: bool,
}

impl RunEngineExperiment {
    /// Runs this experiment, for at most 60 seconds. That is enough for an experiment that happens and is over.
    pub fn of(experiment: impl Into<EngineExperimentId>) -> Self {
        Self { id: experiment.into(), hold: Hold::DEFAULT, members: 1, beyond_the_group: false }
    }

    /// Sets how long the fault may last: at least a minute longer than the experiment.
    ///
    /// # Errors
    /// `InvalidInput` for zero and for more than 12 hours.
    pub fn lasting(mut self, duration: Duration) -> Result<Self> {
        self.hold = Hold::lasting(duration)?;
        Ok(self)
    }

    /// Allows an experiment that may hit this many members of the target's group.
    ///
    /// # Errors
    /// `InvalidInput` for zero.
    pub fn members(mut self, most: usize) -> Result<Self> {
        if most == 0 {
            return Err(Error::invalid("members", most, "at least 1"));
        }
        self.members = most;
        Ok(self)
    }

    /// Allows an experiment that hits anything in its definition, in this group and elsewhere.
    #[must_use]
    pub fn beyond_the_group(mut self) -> Self {
        self.beyond_the_group = true;
        self
    }

    /// The maximum duration of the experiment, if it may be run.
    fn check(&self, definition: &EngineDefinition, group: &Group) -> Result<Duration> {
        let refused = |what: &'static str| Error::new(ErrorKind::Refused, what).with("experiment", &self.id);
        if let Some(run) = definition.under_way.first() {
            let by = run.fault.map_or_else(|| "somebody else".to_owned(), |fault| format!("fault {fault}"));
            let what = "the experiment is already running: wait until it ends, or stop it";
            return Err(Error::new(ErrorKind::Conflict, what)
                .with("experiment", &self.id)
                .with("run", run)
                .with("started_by", by));
        }
        let longest = definition.longest.as_ref().map_err(|why| {
            refused("the duration of the experiment is unknown, so it could outlive its deadline")
                .with("why", why)
        })?;
        let enough = longest.saturating_add(MARGIN);
        if enough > Hold::LONGEST {
            return Err(refused("the experiment lasts longer than any fault may last")
                .with("lasts", format_args!("{longest:?}")));
        }
        if enough > self.hold.duration() {
            let expected = format!(
                "at least {enough:?}: the experiment {} lasts up to {longest:?} if it is not stopped, and its engine \
                 needs time to begin and to undo it",
                self.id
            );
            return Err(Error::invalid("duration", format!("{:?}", self.hold.duration()), expected));
        }
        match &definition.extent {
            _ if self.beyond_the_group => return Ok(*longest),
            EngineExtent::Members(most) if *most <= self.members => {}
            EngineExtent::Members(most) => {
                return Err(refused("the experiment may hit more members of the group than are allowed")
                    .with("hits", most)
                    .with("allowed", self.members)
                    .with("allow_with", format_args!("members({most})")));
            }
            EngineExtent::Beyond(why) => {
                return Err(beyond(refused, why));
            }
            _ => return Err(beyond(refused, "it hits a kind of target that this version does not know")),
        }
        if !definition.left_behind.is_empty() && !group.replaces_members {
            let what = "the experiment leaves damage that nothing repairs, because the group does not replace its \
                members";
            return Err(refused(what).with("left_behind", definition.left_behind.join(", ")));
        }
        Ok(*longest)
    }

    /// Adds notes for the person who allowed this.
    fn tell(&self, definition: &EngineDefinition, scope: &Scope) {
        let id = &self.id;
        scope.note(match &definition.extent {
            EngineExtent::Members(most) => {
                format!(
                    "{id} hits at most {most} of the group; its engine chooses which, not necessarily this target"
                )
            }
            EngineExtent::Beyond(why) => format!("{id} hits more than the target's group: {why}"),
            _ => format!("{id} hits a kind of target that this version does not know"),
        });
        if !definition.left_behind.is_empty() {
            scope.note(format!("its end does not undo that it {}", definition.left_behind.join(", ")));
        }
        for note in &definition.notes {
            scope.note(note);
        }
    }
}

fn beyond(refused: impl FnOnce(&'static str) -> Error, why: &str) -> Error {
    refused(
        "the experiment may hit more than the target's group; if you want that, allow it with `beyond_the_group`",
    )
    .with("why", why)
}

#[async_trait]
impl ChaosEvent for RunEngineExperiment {
    fn name(&self) -> &'static str {
        "run-engine-experiment"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::of([Capability::Engine])
    }

    fn hold(&self) -> Hold {
        self.hold
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let engine = Arc::clone(scope.target().capabilities().engine()?);
        let definition = engine.look_up(&self.id).await?;
        let group = scope.group();
        let longest = self.check(&definition, group)?;
        self.tell(&definition, scope);
        let recovery = StopEngineExperiment::of(&definition.experiment, group);
        let run =
            Run { engine, experiment: definition.experiment, longest, clock: Arc::clone(scope.clock()) };
        let prepared =
            Prepared::new(recovery, |permit| Box::pin(async move { run.until_it_runs(permit).await }));
        Ok(prepared.requesting("seconds", self.hold.duration().as_secs_f64()))
    }
}

/// An experiment about to be started.
struct Run {
    engine: Arc<dyn Engine>,
    experiment: EngineExperiment,
    longest: Duration,
    clock: Arc<dyn Clock>,
}

impl Run {
    /// Starts it, and waits until it is running or over. The fault's deadline ends the wait.
    async fn until_it_runs(self, permit: &Permit) -> Result<()> {
        let left = permit.remaining();
        if left < self.longest {
            let what =
                "the experiment was not started, because too little of the fault's time is left for it";
            return Err(Error::new(ErrorKind::Refused, what)
                .with("experiment", self.experiment.id())
                .with("left", format_args!("{left:?}"))
                .with("lasts", format_args!("{:?}", self.longest)));
        }
        self.engine.start(&self.experiment, permit).await?;
        loop {
            let runs = self.engine.runs(&self.experiment, permit.fault()).await?;
            for run in &runs {
                match run.state {
                    EngineRunState::Running | EngineRunState::Completed => return Ok(()),
                    EngineRunState::Failed | EngineRunState::Cancelled | EngineRunState::Stopped => {
                        let error = Error::new(ErrorKind::Other, "the experiment did not start running");
                        return Err(error.with("experiment", self.experiment.id()).with("run", run));
                    }
                    _ => {}
                }
            }
            self.clock.sleep(LOOK_EVERY).await;
        }
    }
}
