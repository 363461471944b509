use chaos_core::Result;
use serde_json::Value;

use crate::{
    experiment::{Entry, Experiment, Provider},
    runner::Runner,
    substitution::Names,
};

/// The values of an experiment's names. Its dynamic configuration is asked for now, in order, and each probe sees the
/// values before it. One that fails leaves its name without a value.
pub(crate) async fn names(experiment: &Experiment, runner: &Runner) -> Result<Names> {
    let settings = &experiment.settings;
    let mut names = secrets(experiment);
    for (name, entry) in &settings.configuration {
        match entry {
            Entry::Value(value) => names = names.with(name, value.clone()),
            Entry::Probe(probe) => match runner.carry_out(&probe.provider, &names).await {
                Ok(output) => {
                    if let Some(value) = told(&probe.provider, output) {
                        names = names.with(name, value);
                    }
                }
                Err(trouble) => tracing::warn!(name, %trouble, "a probe of the configuration failed"),
            },
        }
    }
    Ok(names)
}

/// The names of secrets alone.
pub(crate) fn secrets(experiment: &Experiment) -> Names {
    let groups = experiment.settings.secrets.iter();
    let all =
        groups.flat_map(|(group, secrets)| secrets.iter().map(move |(name, value)| (group, name, value)));
    all.fold(Names::default(), |names, (group, name, value)| names.with_secret(group, name, value.clone()))
}

/// What a probe of the configuration tells: what a process printed, if it exited with 0, or the body of an answer.
fn told(provider: &Provider, output: Value) -> Option<Value> {
    match provider {
        Provider::Process(_) if output["status"] == 0 => {
            output["stdout"].as_str().map(|printed| printed.trim().into())
        }
        Provider::Process(_) => None,
        Provider::Http(_) => Some(output["body"].clone()),
        Provider::Python(_) | Provider::Chaos(_) => Some(output),
    }
}
