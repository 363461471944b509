use std::time::Duration;

use serde_json::Value;

use super::{
    ActivityRun, ActivityStatus, Dry,
    activity_run::unwanted,
    controls::{Level, Moment},
    state::{State, UnderWay},
};
use crate::{
    experiment::{Activity, ActivityKind, Provider, PythonProvider},
    functions::Function,
    runner::{Runner, Trouble, limited},
};

impl State {
    /// Carries out a probe of the hypothesis, with its pauses. None if a control has interrupted it.
    pub(crate) async fn ask(&self, probe: &Activity) -> Option<ActivityRun> {
        if !self.may_begin(probe, false).await {
            return None;
        }
        self.pause_before(probe).await;
        let mut run = self.carried_out(probe, true, &self.runner, self.begun(probe), None).await;
        // Who could not look has not seen that it is met.
        run.tolerance_met.get_or_insert(false);
        self.pause(probe, probe.pauses.after.as_ref()).await;
        if self.controls.is_some() {
            let mut entry = serde_json::to_value(run.entry(true)).unwrap_or_default();
            // There, it is judged later.
            if let Value::Object(fields) = &mut entry {
                fields.shift_remove("tolerance_met");
            }
            let entry =
                self.hook(Moment { context: &probe.data, ..Moment::after(Level::Activity, entry) }).await;
            run.added = self.added(entry, &UnderWay::KNOWN);
        }
        Some(run)
    }

    /// Calls the hooks before an activity. If one of them interrupts the run, those after it are called at once.
    pub(crate) async fn may_begin(&self, activity: &Activity, is_rollback: bool) -> bool {
        if self.controls.is_none() {
            return true;
        }
        let is_aside = activity.background;
        let moment = |moment| Moment { context: &activity.data, is_aside, is_rollback, ..moment };
        let was_interrupted = self.is_interrupted_by_control();
        self.hook(moment(Moment::before(Level::Activity))).await;
        // A rollback is played whatever they say.
        if is_rollback || was_interrupted || !self.is_interrupted_by_control() {
            return true;
        }
        self.hook(moment(Moment::after(Level::Activity, Value::Null))).await;
        false
    }

    /// Looks by a probe of the watch, without its pauses: the watch has its own pace.
    pub(crate) async fn watch(&self, probe: &Activity) -> ActivityRun {
        let mut run = self.carried_out(probe, true, &self.lookout, self.begun(probe), None).await;
        run.tolerance_met.get_or_insert(false);
        run
    }

    /// The pause before an activity.
    pub(crate) async fn pause_before(&self, activity: &Activity) {
        self.pause(activity, activity.pauses.before.as_ref()).await;
    }

    /// Carries out an activity of a section, with the pause after it, and keeps how it went. Whether it succeeded.
    /// With `forbidden` it is not carried out, and that is why.
    pub(crate) async fn perform(
        &self,
        activity: &Activity,
        mut under_way: UnderWay,
        forbidden: Option<String>,
    ) -> bool {
        // Chaos Toolkit does not look at a tolerance there.
        let is_judged = !self.options.compatible;
        let run = self.begun_anew(activity);
        let aside;
        let by = if activity.background {
            aside = self.runner.aside();
            &aside
        } else {
            &self.runner
        };
        let mut run = self.carried_out(activity, is_judged, by, run, forbidden).await;
        // What a look or a rollback of the same name yields is not what the step has yielded.
        if let Some(value) = run.yielded.take().filter(|_| under_way.is_step()) {
            self.yielded(activity, value);
        }
        let is_fine = under_way.ended(run);
        self.pause(activity, activity.pauses.after.as_ref()).await;
        if self.controls.is_some() {
            let moment = Moment {
                context: &activity.data,
                is_aside: activity.background,
                is_rollback: under_way.is_rollback(),
                ..Moment::after(Level::Activity, under_way.entry())
            };
            under_way.add(self.hook(moment).await);
        }
        is_fine
    }

    async fn carried_out(
        &self,
        activity: &Activity,
        is_judged: bool,
        by: &Runner,
        mut run: ActivityRun,
        forbidden: Option<String>,
    ) -> ActivityRun {
        let begun = self.clock.monotonic();
        let tolerance = activity.tolerance.as_ref().filter(|_| is_judged);
        if self.is_spared(activity) {
            run.status = Some(ActivityStatus::Succeeded);
            run.is_left_out = true;
            run.tolerance_met = tolerance.map(|_| true);
        } else if let Some(why) = forbidden {
            run.status = Some(ActivityStatus::Failed);
            run.exception = Some(why);
        } else if let (Some(tolerance), Some(samples)) = (tolerance, activity.samples) {
            self.judge_share(activity, tolerance, samples, by, &mut run).await;
        } else {
            loop {
                self.once(activity, is_judged, by, &mut run).await;
                let Some(until) = activity.until.filter(|_| is_judged) else { break };
                let took = self.clock.monotonic().saturating_sub(begun);
                if run.tolerance_met == Some(true) && took > until.within {
                    let (took, within) = (took.as_secs_f64(), until.within.as_secs_f64());
                    run.tolerance_met = Some(false);
                    run.not_met = Some(format!("only after {took:.1} s, expected within {within} s"));
                }
                if run.tolerance_met == Some(true) || took >= until.within {
                    break;
                }
                self.clock.sleep(until.every).await;
            }
        }
        run.end = Some(self.clock.now());
        run.duration = self.clock.monotonic().saturating_sub(begun);
        run
    }

    /// Carries out an activity, and judges what it yields.
    async fn once(&self, activity: &Activity, is_judged: bool, by: &Runner, run: &mut ActivityRun) {
        (run.exception, run.tolerance_met, run.not_met) = (None, None, None);
        (run.unwanted, run.yielded) = (None, None);
        match self.value(activity, by).await {
            Ok(value) => {
                run.status = Some(ActivityStatus::Succeeded);
                run.unwanted = unwanted(&activity.provider, &value);
                if let Some(tolerance) = activity.tolerance.as_ref().filter(|_| is_judged) {
                    match self.judged(&value, tolerance, by).await {
                        Ok(judged) => {
                            run.tolerance_met = Some(judged.is_ok());
                            run.not_met = judged.err();
                        }
                        // There, a tolerance that nobody could look at is one that is not met.
                        Err(unknown) if self.options.compatible => {
                            run.tolerance_met = Some(false);
                            run.not_met = Some(unknown);
                        }
                        Err(unknown) => {
                            run.status = Some(ActivityStatus::Failed);
                            run.exception = Some(unknown);
                        }
                    }
                }
                run.output = if self.uses_steps() {
                    let output = self.names().masked(&value);
                    run.yielded = Some(value);
                    output
                } else {
                    self.names().without_secrets(value)
                };
            }
            Err(trouble) => {
                run.output = Value::Null;
                run.status = Some(ActivityStatus::Failed);
                run.is_no_answer = trouble.is_no_answer();
                run.exception = Some(trouble.to_string());
            }
        }
    }

    /// What an activity yields.
    pub(crate) async fn value(&self, activity: &Activity, by: &Runner) -> Result<Value, Trouble> {
        match &activity.provider {
            Provider::Chaos(chaos) => self.chaos(chaos).await,
            Provider::Python(python)
                if let Some(function) = Function::here(python).filter(|known| known.is_of_run()) =>
            {
                // Boxed: what talks to a cloud is large.
                let work = Box::pin(self.of_run(function, python));
                limited(python.timeout, &self.clock, &self.names(), work).await
            }
            provider => by.carry_out(provider, &self.names()).await,
        }
    }

    /// Carries out a function that is bound to the run.
    async fn of_run(&self, function: &'static Function, python: &PythonProvider) -> Result<Value, Trouble> {
        if function.is_event() {
            self.inject_by(function, python).await
        } else if function.starts_experiments() {
            self.start_experiment(function, python).await
        } else {
            self.stop_experiments(function, python).await
        }
    }

    /// Why an activity must not be carried out, if it must not.
    pub(crate) async fn forbidden(&self, activity: &Activity) -> Option<String> {
        let missing = if self.options.compatible {
            None
        } else {
            self.names().missing_step(&activity.data["provider"])
        };
        if let Some(missing) = missing {
            return Some(format!("it needs {missing}, and no step has yielded that"));
        }
        if self.is_spared(activity) {
            return None;
        }
        let question = activity.approval.as_ref()?;
        let question = match question.trim() {
            "" => format!("Carry out {:?}?", activity.name),
            question => question.to_owned(),
        };
        match &self.approval {
            Some(approval) if approval.approve(&question).await => None,
            Some(_) => Some("it was not approved".to_owned()),
            None => Some("it needs approval, and there is nobody to ask".to_owned()),
        }
    }

    fn is_spared(&self, activity: &Activity) -> bool {
        self.options.dry.is_some_and(|dry| match activity.kind {
            ActivityKind::Probe => dry.spares_probes(),
            ActivityKind::Action => dry.spares_actions(),
        })
    }

    async fn pause(&self, activity: &Activity, seconds: Option<&Value>) {
        let is_spared = self.options.dry == Some(Dry::Pause) || self.is_spared(activity);
        let Some(seconds) = seconds.filter(|_| !is_spared) else { return };
        let seconds = self.names().substitute(seconds);
        let number = seconds.as_f64().or_else(|| seconds.as_str()?.trim().parse().ok());
        if let Some(duration) = number.and_then(|number| Duration::try_from_secs_f64(number).ok()) {
            self.clock.sleep(duration).await;
        }
    }
}
