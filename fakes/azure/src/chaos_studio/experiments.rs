//! `Microsoft.Chaos/experiments`.

use hyper::Method;

use super::{Experiment, experiment::ExecutionStatus};
use crate::{
    answer::{Answer, Answered},
    call::Call,
    cloud::Cloud,
    errors,
    operation::Provider,
    paging::page,
    work::Work,
};

pub(crate) fn answer(cloud: &mut Cloud, call: &Call, rest: &[&str], prefix: &str) -> Answered {
    let key = |name: &str| format!("{prefix}providers/microsoft.chaos/experiments/{name}");
    match (call.method.clone(), rest) {
        (Method::GET, []) => {
            let keys: Vec<String> =
                cloud.experiments.keys().filter(|key| key.starts_with(prefix)).cloned().collect();
            page(cloud, call, &keys, |key| cloud.experiments.get(key).map(Experiment::document))
        }
        (Method::GET, [name]) => Ok(Answer::ok(find(cloud, call, &key(name))?.document())),
        (Method::POST, [name, "start"]) => start(cloud, call, &key(name)),
        (Method::POST, [name, "cancel"]) => cancel(cloud, call, &key(name)),
        (Method::GET, [name, "executions"]) => {
            let experiment = find(cloud, call, &key(name))?;
            // The newest first. Their numbers keep that order from page to page.
            let keys: Vec<String> =
                (0..experiment.executions.len()).map(|index| format!("{index:08}")).collect();
            page(cloud, call, &keys, |key| {
                let index: usize = key.parse().ok()?;
                let execution = experiment.executions.iter().rev().nth(index)?;
                Some(experiment.execution_document(execution))
            })
        }
        (method, [name, "executions", id, rest @ ..]) => {
            let experiment = find(cloud, call, &key(name))?;
            let execution = experiment
                .executions
                .iter()
                .find(|execution| execution.id == *id)
                .ok_or_else(|| errors::sub_resource_not_found(call))?;
            match (method, rest) {
                (Method::GET, []) => Ok(Answer::ok(experiment.execution_document(execution))),
                (Method::POST, ["getexecutiondetails"]) => {
                    Ok(Answer::ok(experiment.details_document(execution)))
                }
                _ => Err(Answer::no_route(&call.path)),
            }
        }
        _ => Err(Answer::no_route(&call.path)),
    }
}

fn find<'a>(cloud: &'a Cloud, call: &Call, key: &str) -> Result<&'a Experiment, Answer> {
    cloud.experiments.get(key).ok_or_else(|| errors::resource_not_found(call))
}

fn start(cloud: &mut Cloud, call: &Call, key: &str) -> Answered {
    let experiment = find(cloud, call, key)?;
    if experiment.running().is_some() {
        let message = format!("The experiment '{}' is already running.", experiment.id.name());
        return Err(Answer::conflict("Conflict", message));
    }
    let location = experiment.location.clone();
    cloud.execute(key);
    Ok(cloud.accept(call, Provider::Chaos, &location, Work::StartExperiment))
}

fn cancel(cloud: &mut Cloud, call: &Call, key: &str) -> Answered {
    let experiment = find(cloud, call, key)?;
    if experiment.running().is_none() {
        let message = format!("The experiment '{}' is not running.", experiment.id.name());
        return Err(Answer::conflict("Conflict", message));
    }
    let location = experiment.location.clone();
    if let Some(experiment) = cloud.experiments.get_mut(key) {
        for run in experiment.executions.iter_mut().filter(|run| !run.status.is_over()) {
            run.status = ExecutionStatus::Cancelling;
        }
    }
    Ok(cloud.accept(call, Provider::Chaos, &location, Work::CancelExperiment { experiment: key.to_owned() }))
}
