use std::{
    future::{Future, pending},
    path::PathBuf,
    pin::pin,
    sync::Arc,
};

use chaos_core::{
    BlastRadius, Calendar, Error, ErrorKind, Journal, MemoryJournal, Monkey, Quota, Result, RunReport,
    chance::{Entropy, SystemEntropy},
    clock::{Clock, SystemClock},
    fault::FaultState,
    journal::Found,
};

use super::{
    Approve, ExperimentProvider, ExperimentReport, Follow, Interrupt, RunOptions,
    budget::budget,
    check::check,
    concluded::conclude_report,
    controls::Controls,
    event::Method,
    journal_writer::Writer,
    names::{names, secrets},
    narrow_journal::NarrowJournal,
    quiet::Quiet,
    recover::recover_pending,
    rollbacks::registry_of,
    runners::runners,
    state::{Parts, State},
    watch::steady_state,
};
use crate::{
    catalogues::Catalogues,
    document::{Problem, Problems},
    experiment::Experiment,
};

/// Runs experiments.
///
/// ```
/// use chaos_core::MemoryJournal;
/// use chaos_lab::{experiment::Experiment, run::{ExperimentVerdict, Lab}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("experiment.yaml");
/// # std::fs::write(&path, r#"
/// # title: A file that is moved away
/// # description: Shows a method and its rollback.
/// # method:
/// # - {type: action, name: move, provider: {type: process, path: "true"}}
/// # rollbacks:
/// # - {type: action, name: move back, provider: {type: process, path: "true"}}
/// # "#)?;
/// let experiment = Experiment::read(&path)?;
/// let report = Lab::new().journal(MemoryJournal::new()).run(&experiment).await?;
/// assert_eq!(report.verdict, ExperimentVerdict::Completed);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Lab {
    options: RunOptions,
    journal: Option<Arc<dyn Journal>>,
    journal_path: Option<PathBuf>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    approval: Option<Arc<dyn Approve>>,
    follower: Option<Arc<dyn Follow>>,
    calendar: Option<Arc<dyn Calendar>>,
    catalogues: Catalogues,
}

impl Default for Lab {
    fn default() -> Self {
        Self::new()
    }
}

impl Lab {
    /// A lab without a journal, which runs only experiments that have nothing to undo.
    pub fn new() -> Self {
        Self {
            options: RunOptions::default(),
            journal: None,
            journal_path: None,
            clock: Arc::new(SystemClock::default()),
            entropy: Arc::new(SystemEntropy::default()),
            approval: None,
            follower: None,
            calendar: None,
            catalogues: Catalogues::default(),
        }
    }

    /// Sets the journal that keeps the rollbacks until they are played.
    #[must_use]
    pub fn journal(mut self, journal: impl Journal) -> Self {
        self.journal = Some(Arc::new(journal));
        self
    }

    /// Sets how experiments are run.
    #[must_use]
    pub fn options(mut self, options: RunOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets the file that is written as Chaos Toolkit writes its journal, from the start on. Default: none.
    #[must_use]
    pub fn journal_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.journal_path = Some(path.into());
        self
    }

    /// Sets the events, providers and probes that a provider of type `chaos` may name. Default: none.
    #[must_use]
    pub fn catalogues(mut self, catalogues: Catalogues) -> Self {
        self.catalogues = catalogues;
        self
    }

    /// Sets who is told of the steps as they happen. Default: nobody.
    #[must_use]
    pub fn followed_by(mut self, follower: impl Follow) -> Self {
        self.follower = Some(Arc::new(follower));
        self
    }

    /// Sets who approves the steps that ask for it. Default: nobody, so that such a step fails.
    #[must_use]
    pub fn approved_by(mut self, approval: impl Approve) -> Self {
        self.approval = Some(Arc::new(approval));
        self
    }

    /// Sets when the method may begin, and when the events in it may be injected. Default: at any time.
    #[must_use]
    pub fn calendar(mut self, calendar: impl Calendar) -> Self {
        self.calendar = Some(Arc::new(calendar));
        self
    }

    /// Sets the clock. Default: the time of this machine.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the source of ids. Default: the operating system.
    #[must_use]
    pub fn entropy(mut self, entropy: impl Entropy) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// Checks the functions and the controls of an experiment that are in Python: it imports their modules, and runs
    /// nothing else but `validate_control`. Without any, nothing is started. A module has a minute.
    ///
    /// ```
    /// # #[cfg(unix)]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use chaos_lab::{experiment::ReadOptions, run::Lab};
    ///
    /// let file = tempfile::Builder::new().suffix(".yaml").tempfile()?;
    /// std::fs::write(&file, "
    /// title: The root
    /// description: Of a number
    /// method:
    ///   - {type: probe, name: root, provider: {type: python, module: math, func: sqr, arguments: {x: 4}}}
    /// ")?;
    /// let experiment = ReadOptions::default().python("python3").read(&file)?;
    /// let problems = Lab::new().check(&experiment).await.unwrap_err();
    /// let expected = r#"method[0].provider.func: "sqr"; expected a function of math; did you mean "sqrt"?"#;
    /// assert_eq!(problems.to_string(), expected);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(unix))]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    /// Everything that is wrong, by its path in the file. No secret is shown.
    pub async fn check(&self, experiment: &Experiment) -> Result<(), Problems> {
        if experiment.python_parts.is_empty() {
            return Ok(());
        }
        let problem =
            |error: Error| Problems::of(vec![Problem::new("", error.chain(), "an interpreter of Python")]);
        let (runner, _) = runners(experiment).map_err(problem)?;
        let names = secrets(experiment);
        let checked = check(experiment, &runner, &names, self.options.compatible).await;
        runner.end_python().await;
        checked
    }

    /// Runs an experiment.
    ///
    /// # Errors
    /// `InvalidInput` if the experiment has something to undo and there is no journal, or a function of Python is not
    /// as it is called, which [`check`](Lab::check) tells; if a process cannot be started
    /// at all, the journal fails, or no id can be drawn. What happens in the run is in the report instead.
    ///
    /// Cancel safe in the sense that matters: if you drop the future, the method is cut short, and the rollbacks are
    /// played by a task of their own.
    pub async fn run(&self, experiment: &Experiment) -> Result<ExperimentReport> {
        self.run_until(experiment, pending()).await
    }

    /// Runs an experiment until it is over, or until `interrupted` is ready: then the method is cut short, and the
    /// rollbacks are played.
    ///
    /// # Errors
    /// As [`run`](Lab::run).
    ///
    /// Cancel safe as [`run`](Lab::run).
    pub async fn run_until(
        &self,
        experiment: &Experiment,
        interrupted: impl Future<Output = Interrupt>,
    ) -> Result<ExperimentReport> {
        let journal = self.journal_for(experiment)?;
        let mut interrupted = pin!(interrupted);
        let (runner, lookout) = runners(experiment)?;
        let known = secrets(experiment);
        let experiment = &Arc::new(experiment.clone());
        let controls = Controls::of(experiment, &runner, &self.options);
        let early = tokio::select! {
            biased;
            interrupt = &mut interrupted => Some(interrupt),
            checked = async {
                if let Some(controls) = &controls {
                    controls.loaded(&known).await;
                }
                check(experiment, &runner, &known, self.options.compatible).await
            } => {
                checked.map_err(|problems| {
                    Error::new(ErrorKind::InvalidInput, "the experiment cannot be run").caused_by(problems)
                })?;
                None
            }
        };
        // What an earlier run has left behind may be what the gate would find.
        let (replayed, early) = match early {
            Some(interrupt) => (Found::default(), Some(interrupt)),
            None => tokio::select! {
                biased;
                interrupt = &mut interrupted => (Found::default(), Some(interrupt)),
                replayed = self.recover_pending(&journal) => (replayed?, None),
            },
        };
        // A probe of the configuration may hang.
        let (names, early) = match early {
            Some(interrupt) => (secrets(experiment), Some(interrupt)),
            None => tokio::select! {
                biased;
                interrupt = &mut interrupted => (secrets(experiment), Some(interrupt)),
                names = names(experiment, &runner) => (names?, None),
            },
        };
        let run = format!("{:016x}", self.entropy.draw()?);
        let state = State::begin_run(Parts {
            experiment: Arc::clone(experiment),
            options: self.options.clone(),
            names,
            controls,
            runner,
            lookout,
            clock: Arc::clone(&self.clock),
            entropy: Arc::clone(&self.entropy),
            journal: Arc::clone(&journal),
            catalogues: self.catalogues.clone(),
            approval: self.approval.clone(),
            follower: self.follower.clone(),
            calendar: self.calendar.clone(),
            run,
        });
        let mut writer = self.journal_path.as_ref().map(|path| Writer::start(path, &state)).transpose()?;
        let looked = match early {
            Some(interrupt) => Err(interrupt),
            None if replayed.faults.iter().any(|fault| fault.state != FaultState::Recovered) => Ok(false),
            None => tokio::select! {
                biased;
                interrupt = &mut interrupted => Err(interrupt),
                is_steady = async { state.begin_controls().await && state.gate().await } => {
                    match state.progress().interrupt {
                        Some(interrupt) => Err(interrupt),
                        None => Ok(is_steady),
                    }
                }
            },
        };
        if let Err(interrupt) = looked {
            state.interrupt(interrupt);
            tokio::join!(state.runner.end_all(), state.end_faults());
        }
        let is_steady = looked.ok();
        let interrupted = is_steady.map(|_| interrupted);
        let is_steady = is_steady == Some(true);
        let report = if is_steady || self.options.compatible {
            state.progress().is_method_spared = !is_steady;
            Some(self.carry_out(&state, journal, interrupted).await?)
        } else {
            None
        };
        tokio::join!(state.runner.end_all(), state.lookout.end_all(), state.end_faults());
        let mut report = conclude_report(&state, report, replayed);
        report.added = state.end_controls(|| report.journal()).await;
        report.document = state.document();
        state.runner.end_python().await;
        if let Some(writer) = &mut writer {
            writer.pause();
        }
        if let Some(writer) = writer {
            // The report tells more than that.
            report.unwritten = writer.end(&report).err().map(|error| error.chain().to_string());
        }
        Ok(report)
    }

    fn journal_for(&self, experiment: &Experiment) -> Result<Arc<dyn Journal>> {
        match &self.journal {
            Some(journal) => Ok(Arc::clone(journal)),
            None if self.options.needs_a_journal(experiment) => {
                let expected = "a journal, because the experiment has something to undo";
                Err(Error::invalid("journal", "none", expected))
            }
            None => Ok(Arc::new(MemoryJournal::new())),
        }
    }

    /// What earlier runs have left behind, after its recovery.
    async fn recover_pending(&self, journal: &Arc<dyn Journal>) -> Result<Found> {
        if self.options.compatible || self.options.dry.is_some() {
            return Ok(Found::default());
        }
        recover_pending(journal, &self.catalogues, &self.clock, &self.entropy).await
    }

    /// The method as the injection of a fault, and the rollbacks as its recovery.
    async fn carry_out(
        &self,
        state: &Arc<State>,
        journal: Arc<dyn Journal>,
        interrupted: Option<impl Future<Output = Interrupt> + Unpin>,
    ) -> Result<RunReport> {
        let target = ExperimentProvider::target(&state.title(), &state.run)?;
        // What earlier runs have left behind was recovered before.
        let journal = NarrowJournal::recovering_nothing(&journal);
        let blast_radius =
            BlastRadius::default().targets_per_group(Quota::ALL).min_healthy(0).max_active(usize::MAX);
        let mut builder = Monkey::builder()
            .provider(ExperimentProvider::of_run(target.clone()))
            .event(Method(Arc::clone(state)))
            .blast_radius(blast_radius)
            .recovery_budget(budget(&state.experiment))
            .observer(Quiet)
            .clock(Arc::clone(&self.clock))
            .entropy(Arc::clone(&self.entropy));
        if let Some(steady) = steady_state(state) {
            builder = builder.steady_state(steady);
        }
        if let Some(calendar) = &self.calendar {
            builder = builder.calendar(Arc::clone(calendar));
        }
        let monkey = builder.unleash(journal, registry_of(state)).build()?;
        let interrupted = async {
            match interrupted {
                Some(interrupted) => interrupted.await,
                None => pending().await,
            }
        };
        let mut running = pin!(monkey.inject(Method(Arc::clone(state)), &target));
        tokio::select! {
            biased;
            report = &mut running => report,
            interrupt = interrupted => {
                state.interrupt(interrupt);
                let (report, ()) = tokio::join!(running, monkey.shutdown());
                report
            }
        }
    }
}
