use std::time::Duration;

use serde_json::Value;

use super::{
    ActivityRun, ActivityStatus, Dry,
    state::{State, UnderWay},
};
use crate::experiment::{Activity, ActivityKind, ActivityTolerance, Provider};

impl State {
    /// Carries out a probe of the hypothesis, with its pauses.
    pub(crate) async fn ask(&self, probe: &Activity) -> ActivityRun {
        self.pause(probe, probe.pauses.before.as_ref()).await;
        let mut run = self.carried_out(probe, true).await;
        // Who could not look has not seen that it is met.
        run.tolerance_met.get_or_insert(false);
        self.pause(probe, probe.pauses.after.as_ref()).await;
        run
    }

    /// Carries out an activity of a section, with its pauses, and keeps how it went. Whether it succeeded.
    pub(crate) async fn perform(&self, activity: &Activity, mut under_way: UnderWay) -> bool {
        self.pause(activity, activity.pauses.before.as_ref()).await;
        // Chaos Toolkit does not look at a tolerance there.
        let run = self.carried_out(activity, !self.options.compatible).await;
        let is_fine = run.has_succeeded() && run.bad_exit().is_none();
        under_way.ended(run);
        self.pause(activity, activity.pauses.after.as_ref()).await;
        is_fine
    }

    async fn carried_out(&self, activity: &Activity, is_judged: bool) -> ActivityRun {
        let mut run = self.begun(activity);
        let begun = self.clock.monotonic();
        let value = self.carry_out(activity, &mut run).await;
        if let (Some(value), Some(tolerance)) = (value, activity.tolerance.as_ref().filter(|_| is_judged)) {
            self.judge(&value, tolerance, activity, &mut run).await;
        }
        run.end = Some(self.clock.now());
        run.duration = self.clock.monotonic().saturating_sub(begun);
        run
    }

    /// The value that it yields, unless it fails.
    async fn carry_out(&self, activity: &Activity, run: &mut ActivityRun) -> Option<Value> {
        if self.is_spared(activity) {
            run.status = Some(ActivityStatus::Succeeded);
            return Some(Value::Null);
        }
        match self.runner.carry_out(&activity.provider, &self.names).await {
            Ok(value) => {
                run.output = self.names.masked(&value);
                run.status = Some(ActivityStatus::Succeeded);
                Some(value)
            }
            Err(trouble) => {
                run.status = Some(ActivityStatus::Failed);
                run.is_no_answer = trouble.is_no_answer();
                run.exception = Some(trouble.to_string());
                None
            }
        }
    }

    async fn judge(
        &self,
        value: &Value,
        tolerance: &ActivityTolerance,
        activity: &Activity,
        run: &mut ActivityRun,
    ) {
        let judged = if self.is_spared(activity) {
            Ok(())
        } else {
            match tolerance {
                ActivityTolerance::Value(tolerance) => tolerance.judge(value, &self.names),
                ActivityTolerance::Probe(probe) => self.judge_by(value, probe).await,
            }
        };
        run.tolerance_met = Some(judged.is_ok());
        run.not_met = judged.err();
    }

    /// Asks another probe about a value.
    async fn judge_by(&self, value: &Value, probe: &Activity) -> Result<(), String> {
        let provider = about(&probe.provider, value);
        match self.runner.carry_out(&provider, &self.names).await {
            Ok(answer) if is_true(&probe.provider, &answer) => Ok(()),
            Ok(_) => Err(format!("the probe {:?} does not accept it", probe.name)),
            Err(trouble) => Err(format!("the probe {:?} could not tell: {trouble}", probe.name)),
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
        let seconds = self.names.substitute(seconds);
        let number = seconds.as_f64().or_else(|| seconds.as_str()?.trim().parse().ok());
        if let Some(duration) = number.and_then(|number| Duration::try_from_secs_f64(number).ok()) {
            self.clock.sleep(duration).await;
        }
    }
}

/// The provider of a probe that is asked about a value: its argument `value`.
fn about(provider: &Provider, value: &Value) -> Provider {
    let mut provider = provider.clone();
    let arguments = match &mut provider {
        Provider::Process(process) => &mut process.arguments,
        Provider::Http(http) => &mut http.arguments,
        Provider::Python(python) => {
            python.arguments.insert("value".to_owned(), value.clone());
            return provider;
        }
    };
    match arguments {
        Value::Null => *arguments = serde_json::json!({ "value": value }),
        Value::Object(fields) => drop(fields.insert("value".to_owned(), value.clone())),
        _ => {}
    }
    provider
}

/// Whether an answer is a yes: exit status 0, an HTTP status below 400, or what is true in Python.
fn is_true(provider: &Provider, answer: &Value) -> bool {
    match provider {
        Provider::Process(_) => answer["status"] == 0,
        Provider::Http(_) => answer["status"].as_i64().is_some_and(|status| status < 400),
        Provider::Python(_) => match answer {
            Value::Null => false,
            Value::Bool(answer) => *answer,
            Value::Number(number) => number.as_f64() != Some(0.0),
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Object(fields) => !fields.is_empty(),
        },
    }
}
