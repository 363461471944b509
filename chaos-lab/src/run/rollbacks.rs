use std::{
    fmt,
    future::ready,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use chaos_core::{
    Error, ErrorKind, FaultId, Permit, Recovery, RecoveryScope, Registry, Result, TargetId, Verdict,
    async_trait, fault::Injection,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    ActivityRun, ActivityStatus,
    activity_run::unwanted,
    budget::LONGEST,
    compatible,
    controls::{Level, Moment},
    due::{Step, Undo, is_of_nothing},
    engine::{START_BEGUN_AT, stop_in, stop_later},
    names::secrets,
    progress::{Progress, Section, Undone},
    python::Python,
    secrets::Secrets,
    state::State,
    steps::{OUTPUTS, STEPS_BEGUN, Steps},
};
use crate::{
    experiment::{Activity, ActivityTolerance, Experiment, Provider, RollbackStrategy},
    runner::Runner,
    substitution::Names,
};

/// The recovery of an experiment: the undo of each step that has begun, the last first, and then the rollbacks.
///
/// It holds the activities as they stand in the document, the configuration as it was, and where the secrets come from,
/// but no value of a secret. Each activity is carried out at least once, the rest also after one that failed. One that
/// fails, or a process that exits other than with 0, leaves the fault pending. One without a time limit of its own has
/// 5 minutes.
///
/// `recover` in any process plays it again from the beginning.
#[derive(Clone, Serialize, Deserialize)]
pub struct Rollbacks {
    /// The run that armed it.
    run: String,
    title: String,
    rollbacks: Vec<Value>,
    undo: Vec<Undo>,
    /// Those of the method, if something refers to what they yield.
    #[serde(default)]
    steps: Vec<Step>,
    configuration: Map<String, Value>,
    #[serde(flatten)]
    secrets: Secrets,
    /// The working directory of the run.
    #[serde(default)]
    directory: Option<PathBuf>,
    /// The names of secrets that controls have told, which no other process knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    told_by_controls: Vec<String>,
    /// What calls functions of Python.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    python: Option<Python>,
    /// The run, in the process that it belongs to.
    #[serde(skip)]
    live: Option<Arc<State>>,
    #[serde(skip)]
    undone: Arc<Mutex<Undone>>,
}

/// What reads the recoveries of experiments back from a journal.
pub fn registry() -> Registry {
    Registry::default().register::<Rollbacks>()
}

/// As [`registry`], for the process that runs the experiment.
pub(crate) fn registry_of(state: &Arc<State>) -> Registry {
    let state = Arc::clone(state);
    Registry::default().register_with::<Rollbacks>(move |mut rollbacks| {
        if rollbacks.run == state.run {
            rollbacks.live = Some(Arc::clone(&state));
        }
        rollbacks
    })
}

impl Rollbacks {
    pub(crate) fn of(state: &Arc<State>) -> Result<Self> {
        let experiment = &state.experiment;
        let rollbacks = match state.rollback_strategy() {
            RollbackStrategy::Never => Vec::new(),
            _ => experiment.rollbacks.iter().map(|rollback| (*rollback.data).clone()).collect(),
        };
        let data = Self {
            run: state.run.clone(),
            title: experiment.title.clone(),
            rollbacks,
            undo: Undo::all(experiment, &state.run),
            steps: if state.uses_steps() { Step::all(experiment) } else { Vec::new() },
            configuration: state.names().configuration().clone(),
            secrets: Secrets::of(experiment),
            directory: std::env::current_dir().ok(),
            told_by_controls: told_by_controls(experiment, &state.own_names()),
            python: experiment
                .python
                .as_deref()
                .map(|program| Python::of(program, &experiment.settings.environment)),
            live: Some(Arc::clone(state)),
            undone: Arc::default(),
        };
        data.check(state)?;
        // What cannot be read later would undo nothing.
        let activities = data.undo.iter().map(|undo| &undo.activity).chain(&data.rollbacks);
        activities.map(read).collect::<Result<Vec<_>>>()?;
        Ok(data)
    }

    /// The journal holds no secret.
    fn check(&self, state: &State) -> Result<()> {
        let written = serde_json::to_value(self).map_err(unwritten)?;
        if state.names().masked(&written) != written {
            let what = "the configuration or a rollback holds the value of a secret, which the journal must not hold; \
                name the secret there instead";
            return Err(Error::new(ErrorKind::Refused, what));
        }
        Ok(())
    }

    /// What is played, in order: the undo of each step that has begun, and the rollbacks that have something to undo if
    /// these are due as well.
    fn due(&self, scope: &RecoveryScope, names: &Names, with_rollbacks: bool) -> Result<Vec<Activity>> {
        let begun = scope.progress(STEPS_BEGUN).and_then(|begun| usize::try_from(begun.as_u64()?).ok());
        let begun = begun.unwrap_or(0);
        let undo = self.undo.iter().rev().filter(|undo| undo.step <= begun).map(|undo| &undo.activity);
        let is_due = |activity: &&Value| !is_of_nothing(activity, names, &self.steps, begun);
        let rollbacks = self.rollbacks.iter().filter(|_| with_rollbacks);
        undo.chain(rollbacks).filter(is_due).map(read).collect()
    }

    /// Plays what is due in the process of the run.
    async fn play_live(&self, state: &Arc<State>, scope: &RecoveryScope) -> Result<()> {
        // What is still running must not go on after its rollback.
        tokio::join!(state.runner.end_all(), state.end_faults());
        // The strategies are about the rollbacks. What a step has begun is undone in any case.
        let choice = choice(state);
        let plays = matches!(choice, Choice::Play);
        if plays {
            state.hook(Moment::before(Level::Rollback)).await;
        }
        let mut steps = Steps::of(state, Section::Rollbacks);
        for activity in self.due(scope, &state.names(), plays)? {
            steps.carry_out(&Arc::new(activity), ready(Ok(()))).await?;
        }
        let failed = steps.finish().await;
        match choice {
            Choice::Play => {}
            _ if !failed.is_empty() => {}
            Choice::NotDue(why) => return self.ends(Undone::NotDue(why)),
            Choice::Left(why) => {
                self.ends(Undone::Left(why))?;
                return Err(
                    Error::new(ErrorKind::Refused, format!("the rollbacks were left out: {why}")).finally()
                );
            }
        }
        if plays && state.controls.is_some() {
            let rollbacks = serde_json::json!(
                state.progress().rollbacks.iter().map(|run| run.entry(true)).collect::<Vec<_>>()
            );
            state.hook(Moment::after(Level::Rollback, rollbacks)).await;
        }
        let failed = failed.iter().map(|activity| why(&state.progress(), activity)).collect();
        self.ends(Undone::of(failed))
    }

    /// Plays what is due in a later process.
    async fn play_again(&self, scope: &RecoveryScope) -> Result<()> {
        let mut names = self.secrets.again(self.configured())?;
        if let Some(Value::Object(outputs)) = scope.progress(OUTPUTS) {
            names = names.with_steps(Arc::new(outputs));
        }
        let mut runner = Runner::start()?;
        if let Some(directory) = &self.directory {
            if !directory.is_dir() {
                let what = "the working directory of the run is gone: make it again, and recover again";
                let error = Error::new(ErrorKind::NotFound, what).with("directory", directory.display());
                return Err(error.finally());
            }
            runner = runner.in_directory(directory);
        }
        if let Some(python) = &self.python {
            runner = python.given_to(runner);
        }
        let mut failed = Vec::new();
        let begun_at = scope.progress(START_BEGUN_AT).and_then(|at| at.as_str()?.parse().ok());
        let due = self.due(scope, &names, true)?;
        let starts = due.iter().filter(|activity| stop_in(&activity.provider).is_some()).count();
        for activity in due {
            if let Some(missing) = names.missing_step(&activity.data["provider"]) {
                failed.push(format!("{}: it needs {missing}, and no step has yielded that", activity.name));
                continue;
            }
            if let Some(masked) = names.masked_step(&activity.data["provider"]) {
                let why = "it needs {masked}, which held a secret, so the journal does not keep it";
                failed.push(format!("{}: {}", activity.name, why.replace("{masked}", &masked)));
                continue;
            }
            if let Some(name) = self.told_by_controls.iter().find(|name| {
                let alone = Names::default().with(name.as_str(), "");
                alone.substitute(&activity.data["provider"]) != activity.data["provider"]
            }) {
                let why =
                    format!("it needs ${{{name}}}, a secret that a control told, so the journal has it not");
                failed.push(format!("{}: {why}", activity.name));
                continue;
            }
            let mut run = ActivityRun::begun(&activity.name, Arc::clone(&activity.data), scope.clock().now());
            let played = match stop_in(&activity.provider) {
                Some((function, python)) => {
                    stop_later(function, python, &names, scope.clock(), starts, begun_at).await
                }
                None => runner.carry_out(&activity.provider, &names).await,
            };
            match played {
                Ok(output) => {
                    run.status = Some(ActivityStatus::Succeeded);
                    if let Some(ActivityTolerance::Value(tolerance)) = &activity.tolerance {
                        run.tolerance_met = Some(tolerance.judge(&output, &names).is_ok());
                    }
                    run.unwanted = unwanted(&activity.provider, &output);
                    if !run.is_fine() {
                        let status = run.unwanted.unwrap_or_default();
                        failed.push(format!("{}: status {status}", activity.name));
                    }
                }
                Err(trouble) => failed.push(format!("{}: {trouble}", activity.name)),
            }
        }
        runner.end_python().await;
        self.ends(Undone::of(failed))
    }

    fn ends(&self, undone: Undone) -> Result<()> {
        let failed = match &undone {
            Undone::Failed(reasons) => Err(Error::new(ErrorKind::Other, "a rollback failed")
                .with("rollbacks", reasons.join("; "))
                .finally()),
            _ => Ok(()),
        };
        if let Some(state) = &self.live {
            state.progress().undone = undone.clone();
        }
        *self.undone.lock().unwrap_or_else(PoisonError::into_inner) = undone;
        failed
    }

    /// The configuration as it was.
    fn configured(&self) -> Names {
        let entries = self.configuration.iter();
        entries.fold(Names::default(), |names, (name, value)| names.with(name, value.clone()))
    }
}

/// The names of the secrets that are not those of the experiment.
fn told_by_controls(experiment: &Experiment, names: &Names) -> Vec<String> {
    let own = secrets(experiment);
    let of_group = |group: &str| own.secrets().iter().find(|(known, _)| known == group).map(|(_, own)| own);
    let groups = names.secrets().iter().map(|(group, entries)| (of_group(group), entries));
    let told = groups.flat_map(|(own, entries)| {
        let is_told =
            move |(name, value): &(&String, &Value)| own.and_then(|own| own.get(*name)) != Some(*value);
        entries.iter().filter(is_told).map(|(name, _)| name.clone())
    });
    told.collect()
}

fn unwritten(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::InvalidInput, "the rollbacks have no JSON form").caused_by(error)
}

fn read(data: &Value) -> Result<Activity> {
    let mut activity = Activity::from_data(data, "rollback").map_err(|problems| {
        Error::new(ErrorKind::Corrupt, "a rollback cannot be read").caused_by(problems).finally()
    })?;
    // One that hangs must not keep the others from being played.
    match &mut activity.provider {
        Provider::Process(process) => drop(process.timeout.get_or_insert(LONGEST)),
        Provider::Python(python) => drop(python.timeout.get_or_insert(LONGEST)),
        Provider::Http(http) if http.timeout.is_null() => http.timeout = LONGEST.as_secs().into(),
        _ => {}
    }
    Ok(activity)
}

/// Why the last run of an activity is not fine.
fn why(progress: &Progress, activity: &Activity) -> String {
    let run = progress.rollbacks.iter().rev().find(|run| run.name == activity.name);
    let why = run.and_then(|run| match (&run.exception, run.bad_status()) {
        (Some(exception), _) => Some(exception.clone()),
        (None, Some(status)) => Some(format!("status {status}")),
        (None, None) => None,
    });
    format!("{}: {}", activity.name, why.unwrap_or_else(|| "it did not succeed".to_owned()))
}

/// What the strategy says about the rollbacks of a run that is over.
enum Choice {
    Play,
    NotDue(&'static str),
    Left(&'static str),
}

fn choice(state: &State) -> Choice {
    let progress = state.progress();
    let strategy = state.rollback_strategy();
    if state.options.compatible {
        let status = compatible::status(&progress, state.hypothesis_strategy(), state.options.fail_fast);
        return match compatible::plays_rollbacks(&progress, strategy, status) {
            Ok(()) => Choice::Play,
            Err(why) if matches!(strategy, RollbackStrategy::Never | RollbackStrategy::Deviated) => {
                Choice::NotDue(why)
            }
            Err(why) => Choice::Left(why),
        };
    }
    let is_missed = |run: &ActivityRun| run.tolerance_met == Some(false);
    let has_deviated = progress.has_deviated_during()
        || progress.is_stopped
        || progress.after.as_ref().is_some_and(|after| !after.is_met())
        || progress.method.iter().any(is_missed);
    if strategy == RollbackStrategy::Deviated && !has_deviated {
        return Choice::NotDue("the strategy of the rollbacks is `deviated`");
    }
    Choice::Play
}

impl Undone {
    fn of(failed: Vec<String>) -> Self {
        if failed.is_empty() { Self::Played } else { Self::Failed(failed) }
    }
}

impl fmt::Debug for Rollbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rollbacks")
            .field("title", &self.title)
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Recovery for Rollbacks {
    const KIND: &'static str = "chaos-lab/rollbacks/1";

    async fn recover(&self, scope: &RecoveryScope, _: &Permit) -> Result<()> {
        if scope.injection() == Injection::NeverBegan {
            return self.ends(Undone::NotDue("the method never began"));
        }
        match &self.live {
            Some(state) => self.play_live(state, scope).await,
            None => self.play_again(scope).await,
        }
    }

    async fn verify(&self, _: &RecoveryScope) -> Result<Verdict> {
        let undone = self.undone.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(match undone {
            Undone::Played | Undone::NotDue(_) => Verdict::Back,
            Undone::NotYet => Verdict::NotYet("the rollbacks were not played".to_owned()),
            Undone::Left(why) => Verdict::NotYet(format!("the rollbacks were left out: {why}")),
            Undone::Failed(reasons) => Verdict::NotYet(format!("rollbacks failed: {}", reasons.join("; "))),
        })
    }

    fn by_hand(&self, _: &TargetId, _: FaultId) -> String {
        super::by_hand::by_hand(
            &self.rollbacks,
            self.undo.iter().rev().map(|undo| (undo.step, &undo.activity)),
            &self.configured(),
        )
    }
}
