use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chaos_core::{
    Capability, CapabilitySet, ChaosEvent, Error, ErrorKind, Group, Hold, Permit, Prepared, Result, Scope,
    clock::Clock,
    engine::{
        Experiment, ExperimentDefinition, ExperimentExtent, ExperimentId, ExperimentState, Experiments,
    },
};

use crate::stop_experiment::{LOOK_EVERY, StopExperiment};

/// How much longer than its experiment a fault must be allowed to last: what an engine takes to begin and to undo.
const MARGIN: Duration = Duration::from_secs(60);

/// Has an engine of the platform run an experiment that is defined there: a template of Fault Injection Service, an
/// experiment of Chaos Studio.
///
/// The engine goes on by itself, whoever has died here, and nothing but the definition bounds it then. So the
/// definition is read first, and an experiment is not started
///
/// - that could last longer than the fault may, less a minute that its engine may take to begin and to undo;
/// - of which nobody can tell how long it lasts;
/// - that runs already, whoever has started it;
/// - that hits more than the target's group, unless [allowed](Self::beyond_the_group);
/// - that hits more members of it than [allowed](Self::members), which is one;
/// - whose end leaves something behind in a group that does not replace its members.
///
/// **The engine chooses what it hits.** The target is how the experiment is found and the group by which it is judged;
/// which members of that are hit is in the definition, and need not be the target. What the definition may hit and how
/// it ends is in the report. Neither [`members`](Self::members) nor [`beyond_the_group`](Self::beyond_the_group) is
/// counted against a [`BlastRadius`](chaos_core::BlastRadius).
///
/// Once it runs it is held until the deadline, also where it has ended before.
///
/// ```
/// use std::time::Duration;
/// use chaos_core::engine::ExperimentId;
/// use chaos_events::RunExperiment;
///
/// let id: ExperimentId = "aws-fis:EXT1a2b3c4d5e6f7".parse()?;
/// // The template lasts ten minutes.
/// let experiment = RunExperiment::of(id).lasting(Duration::from_secs(11 * 60))?;
/// # let _ = experiment;
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct RunExperiment {
    id: ExperimentId,
    hold: Hold,
    members: usize,
    beyond_the_group: bool,
}

impl RunExperiment {
    /// Runs this experiment, for 60 seconds at most: enough for one that happens and is over.
    pub fn of(experiment: impl Into<ExperimentId>) -> Self {
        Self { id: experiment.into(), hold: Hold::DEFAULT, members: 1, beyond_the_group: false }
    }

    /// Sets how long the fault may last: a minute more than the experiment, or longer.
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

    /// Allows an experiment that hits whatever its definition says, in this group and elsewhere.
    #[must_use]
    pub fn beyond_the_group(mut self) -> Self {
        self.beyond_the_group = true;
        self
    }

    /// How long the experiment lasts at most, where it may be run.
    fn check(&self, definition: &ExperimentDefinition, group: &Group) -> Result<Duration> {
        let refused = |what: &'static str| Error::new(ErrorKind::Refused, what).with("experiment", &self.id);
        if let Some(run) = definition.under_way.first() {
            let by = run.fault.map_or_else(|| "somebody else".to_owned(), |fault| format!("fault {fault}"));
            let what = "the experiment runs already: wait for its end, or stop it";
            return Err(Error::new(ErrorKind::Conflict, what)
                .with("experiment", &self.id)
                .with("run", run)
                .with("started_by", by));
        }
        let longest = definition.longest.as_ref().map_err(|why| {
            refused("how long the experiment lasts cannot be told, so that it could outlive its deadline")
                .with("why", why)
        })?;
        let enough = longest.saturating_add(MARGIN);
        if enough > Hold::LONGEST {
            return Err(refused("the experiment lasts longer than any fault may")
                .with("lasts", format_args!("{longest:?}")));
        }
        if enough > self.hold.duration() {
            let expected = format!(
                "at least {enough:?}: the experiment {} lasts up to {longest:?} when nobody stops it, and its engine \
                 needs time to begin and to undo it",
                self.id
            );
            return Err(Error::invalid("duration", format!("{:?}", self.hold.duration()), expected));
        }
        match &definition.extent {
            _ if self.beyond_the_group => return Ok(*longest),
            ExperimentExtent::Members(most) if *most <= self.members => {}
            ExperimentExtent::Members(most) => {
                return Err(refused("the experiment may hit more members of the group than are allowed")
                    .with("hits", most)
                    .with("allowed", self.members)
                    .with("allow_with", format_args!("members({most})")));
            }
            ExperimentExtent::Beyond(why) => {
                return Err(beyond(refused, why));
            }
            _ => return Err(beyond(refused, "it hits something that this version does not know")),
        }
        if !definition.left_behind.is_empty() && !group.replaces_members {
            let what = "the experiment leaves something behind that nobody mends: the group does not replace its \
                members";
            return Err(refused(what).with("left_behind", definition.left_behind.join(", ")));
        }
        Ok(*longest)
    }

    /// What a person should know who allowed this.
    fn tell(&self, definition: &ExperimentDefinition, scope: &Scope) {
        let id = &self.id;
        scope.note(match &definition.extent {
            ExperimentExtent::Members(most) => {
                format!(
                    "{id} hits at most {most} of the group, which its engine chooses: not this target in \
                    particular"
                )
            }
            ExperimentExtent::Beyond(why) => format!("{id} hits more than the target's group: {why}"),
            _ => format!("{id} hits something that this version does not know"),
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
        "the experiment may hit more than the target's group; where that is wanted, allow it with \
        `beyond_the_group`",
    )
    .with("why", why)
}

#[async_trait]
impl ChaosEvent for RunExperiment {
    fn name(&self) -> &'static str {
        "run-experiment"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::of([Capability::Experiments])
    }

    fn hold(&self) -> Hold {
        self.hold
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let experiments = Arc::clone(scope.target()?.capabilities().experiments()?);
        let definition = experiments.look_up(&self.id).await?;
        let group = scope.group()?;
        let longest = self.check(&definition, group)?;
        self.tell(&definition, scope);
        let recovery = StopExperiment::of(&definition.experiment, group);
        let run =
            Run { experiments, experiment: definition.experiment, longest, clock: Arc::clone(scope.clock()) };
        let prepared =
            Prepared::new(recovery, |permit| Box::pin(async move { run.until_it_runs(permit).await }));
        Ok(prepared.requesting("seconds", self.hold.duration().as_secs_f64()))
    }
}

/// An experiment about to be started.
struct Run {
    experiments: Arc<dyn Experiments>,
    experiment: Experiment,
    longest: Duration,
    clock: Arc<dyn Clock>,
}

impl Run {
    /// Starts it, and waits until it is under way or over. The fault's deadline ends the wait.
    async fn until_it_runs(self, permit: &Permit) -> Result<()> {
        let left = permit.remaining();
        if left < self.longest {
            let what = "too little is left of the fault's time for the experiment, which was not started";
            return Err(Error::new(ErrorKind::Refused, what)
                .with("experiment", self.experiment.id())
                .with("left", format_args!("{left:?}"))
                .with("lasts", format_args!("{:?}", self.longest)));
        }
        self.experiments.start(&self.experiment, permit).await?;
        loop {
            let runs = self.experiments.runs(&self.experiment, permit.fault()).await?;
            for run in &runs {
                match run.state {
                    ExperimentState::Running | ExperimentState::Completed => return Ok(()),
                    ExperimentState::Failed | ExperimentState::Cancelled | ExperimentState::Stopped => {
                        let error = Error::new(ErrorKind::Other, "the experiment did not come to run");
                        return Err(error.with("experiment", self.experiment.id()).with("run", run));
                    }
                    _ => {}
                }
            }
            self.clock.sleep(LOOK_EVERY).await;
        }
    }
}
