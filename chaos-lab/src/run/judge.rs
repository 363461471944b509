use serde_json::Value;

use super::state::State;
use crate::{
    experiment::{Activity, ActivityTolerance, Provider},
    runner::Runner,
};

impl State {
    /// Judges a value. An error is why nobody can tell.
    pub(crate) async fn judged(
        &self,
        value: &Value,
        tolerance: &ActivityTolerance,
        by: &Runner,
    ) -> Result<Result<(), String>, String> {
        match tolerance {
            ActivityTolerance::Value(tolerance) => Ok(tolerance.judge(value, &self.names())),
            ActivityTolerance::Probe(probe) => self.judge_by(value, probe, by).await,
        }
    }

    /// Asks another probe about a value.
    async fn judge_by(
        &self,
        value: &Value,
        probe: &Activity,
        by: &Runner,
    ) -> Result<Result<(), String>, String> {
        let provider = about(&probe.provider, value);
        match by.carry_out(&provider, &self.names()).await {
            Ok(answer) if is_true(&probe.provider, &answer) => Ok(Ok(())),
            Ok(_) => Ok(Err(format!("the probe {:?} does not accept it", probe.name))),
            Err(trouble) => Err(format!("the probe {:?} could not tell: {trouble}", probe.name)),
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
        Provider::Chaos(_) => return provider,
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
        Provider::Python(_) | Provider::Chaos(_) => match answer {
            Value::Null => false,
            Value::Bool(answer) => *answer,
            Value::Number(number) => number.as_f64() != Some(0.0),
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Object(fields) => !fields.is_empty(),
        },
    }
}
