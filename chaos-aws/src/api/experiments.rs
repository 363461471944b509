use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use aws_sdk_fis::types::{
    Experiment, ExperimentAction, ExperimentState, ExperimentStatus, ExperimentSummary,
};
use chaos_core::{Error, ErrorKind, Result, clock::Clock, listing::pages};
use futures_util::{TryStreamExt, future::join_all};
use serde_json::Value;

use super::{
    Api,
    json::{object, plain, text, time},
};
use crate::model::told::told;

/// How long stopped experiments may take until they are over, with their post actions.
const OVER_WITHIN: Duration = Duration::from_secs(600);
/// The number of experiments on a page.
const PAGE: i32 = 100;

impl Api {
    /// Starts an experiment of the Fault Injection Service from a template, with these tags. The same token starts it
    /// once. Needs `fis:StartExperiment` and `fis:TagResource`.
    ///
    /// # Errors
    /// As the service says, with the template. After a lost answer it may have been started.
    ///
    /// Not cancel safe: it may have been started.
    pub async fn start_experiment(
        &self,
        template: &str,
        token: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<Value> {
        let tags: HashMap<String, String> = tags.clone().into_iter().collect();
        let call = self.region.fis().start_experiment().experiment_template_id(template);
        let started = call.client_token(token).set_tags(Some(tags)).send().await;
        let failed = |error| self.failed("fis:StartExperiment", error).with("template", template);
        Ok(experiment(told(started.map_err(failed)?.experiment, "experiment")?))
    }

    /// One experiment of the Fault Injection Service. Needs `fis:GetExperiment`.
    ///
    /// # Errors
    /// `NotFound` if there is none with this id.
    ///
    /// Cancel safe: it only looks.
    pub async fn experiment(&self, id: &str) -> Result<Value> {
        let found = self.region.fis().get_experiment().id(id).send().await;
        let failed = |error| self.failed("fis:GetExperiment", error).with("experiment", id);
        Ok(experiment(told(found.map_err(failed)?.experiment, "experiment")?))
    }

    /// Stops an experiment of the Fault Injection Service, unless it is over, and waits until it is over, with its post
    /// actions, for at most ten minutes. Needs `fis:StopExperiment` and `fis:GetExperiment`.
    ///
    /// # Errors
    /// `NotFound` if there is none with this id, and `Timeout` with its state if it is not over in time.
    ///
    /// Cancel safe: an order that was sent stays.
    pub async fn stop_experiment(&self, id: &str, clock: &dyn Clock) -> Result<Value> {
        let until = clock.monotonic().saturating_add(OVER_WITHIN);
        let mut refusal = None;
        loop {
            let found = self.experiment(id).await?;
            let state = found["state"]["status"].as_str().unwrap_or_default().to_owned();
            if is_over(&state) {
                return Ok(found);
            }
            if clock.monotonic() >= until {
                let what = "the experiment was stopped, and was not seen to be over in time";
                let error = Error::new(ErrorKind::Timeout, what).with("experiment", id).with("state", state);
                return Err(match refusal {
                    Some(refusal) => error.caused_by(refusal),
                    None => error,
                });
            }
            if state != "stopping" {
                // A refusal may concern the state of that moment, which the next look shows.
                let stopped = self.region.fis().stop_experiment().id(id).send().await;
                refusal = stopped.err().map(|error| self.failed("fis:StopExperiment", error));
            }
            clock.sleep(Duration::from_secs(1)).await;
        }
    }

    /// Stops every experiment of the Fault Injection Service that has all of these tags and is not over, and waits
    /// until they are over. Returns those. If the service lists fewer than `expected` with these tags, over or not, it
    /// is asked again until `patience` is over: its list lags behind, and a start whose answer was lost may still come.
    /// Also needs `fis:ListExperiments`.
    ///
    /// # Errors
    /// `InvalidInput` without a tag, and as [`stop_experiment`](Self::stop_experiment).
    ///
    /// Cancel safe: an order that was sent stays.
    pub async fn stop_experiments_tagged(
        &self,
        tags: &BTreeMap<String, String>,
        expected: usize,
        patience: Duration,
        clock: &dyn Clock,
    ) -> Result<Vec<Value>> {
        let until = clock.monotonic().saturating_add(patience);
        let mut stopped = Vec::new();
        loop {
            let found = self.experiments_tagged(tags).await?;
            let is_last = found.len() >= expected || clock.monotonic() >= until;
            // At once: what else may come must not keep these running.
            let running = found.into_iter().filter(|summary| !has_ended(summary));
            let stops = running.map(|summary| async move {
                let id = told(summary.id, "id of an experiment")?;
                self.stop_experiment(&id, clock).await
            });
            // Each, also if one fails.
            let stops: Result<Vec<Value>> = join_all(stops).await.into_iter().collect();
            stopped.extend(stops?);
            if is_last {
                return Ok(stopped);
            }
            clock.sleep(Duration::from_secs(2)).await;
        }
    }

    async fn experiments_tagged(&self, tags: &BTreeMap<String, String>) -> Result<Vec<ExperimentSummary>> {
        const ACTION: &str = "fis:ListExperiments";
        if tags.is_empty() {
            return Err(Error::invalid("tags", "none", "at least one"));
        }
        let fetch = |token: Option<String>| {
            let call = self.region.fis().list_experiments().max_results(PAGE).set_next_token(token);
            async move {
                let answer = call.send().await.map_err(|error| self.failed(ACTION, error))?;
                Ok((told(answer.experiments, "experiments")?, answer.next_token))
            }
        };
        let found: Vec<Vec<ExperimentSummary>> = Box::pin(pages(fetch)).try_collect().await?;
        let has_all = |summary: &ExperimentSummary| {
            let has = |(key, value): (&String, &String)| {
                summary.tags.as_ref().is_some_and(|tags| tags.get(key) == Some(value))
            };
            tags.iter().all(has)
        };
        Ok(found.into_iter().flatten().filter(has_all).collect())
    }
}

fn has_ended(summary: &ExperimentSummary) -> bool {
    let status = summary.state.as_ref().and_then(|state| state.status.as_ref());
    status.map(ExperimentStatus::as_str).is_some_and(is_over)
}

fn is_over(status: &str) -> bool {
    matches!(status, "completed" | "stopped" | "failed" | "cancelled")
}

fn experiment(experiment: Experiment) -> Value {
    let mapping = |map: HashMap<String, Value>| Value::Object(map.into_iter().collect());
    let tags = experiment
        .tags
        .map(|tags| mapping(tags.into_iter().map(|(key, value)| (key, value.into())).collect()));
    let actions = experiment
        .actions
        .map(|actions| mapping(actions.into_iter().map(|(name, found)| (name, action(found))).collect()));
    object([
        ("id", text(experiment.id)),
        ("arn", text(experiment.arn)),
        ("experimentTemplateId", text(experiment.experiment_template_id)),
        ("roleArn", text(experiment.role_arn)),
        ("state", experiment.state.map(state)),
        ("actions", actions),
        ("creationTime", time(experiment.creation_time)),
        ("startTime", time(experiment.start_time)),
        ("endTime", time(experiment.end_time)),
        ("tags", tags),
        ("targetAccountConfigurationsCount", plain(experiment.target_account_configurations_count)),
    ])
}

fn state(state: ExperimentState) -> Value {
    object([("status", text(state.status)), ("reason", text(state.reason))])
}

fn action(action: ExperimentAction) -> Value {
    let state =
        action.state.map(|state| object([("status", text(state.status)), ("reason", text(state.reason))]));
    object([
        ("actionId", text(action.action_id)),
        ("description", text(action.description)),
        ("state", state),
        ("startTime", time(action.start_time)),
        ("endTime", time(action.end_time)),
    ])
}
