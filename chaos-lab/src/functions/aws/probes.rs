use std::{collections::BTreeMap, time::Duration};

use chaos_aws::Api;
use chaos_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::{
    groups::{are_in, are_scaling, are_suspended, are_whole, count},
    targets::instances,
};
use crate::functions::{call::Call, function::AwsCall};

/// The tag of an experiment of an engine, with the run that has started it.
const RUN_TAG: &str = "chaos:run";

/// How long an experiment of the service may take until it runs, or fails.
const RUNNING_WITHIN: Duration = Duration::from_secs(60);

/// What Python calls `sys.maxsize`: the answer of a wait that was in vain.
const IN_VAIN: i64 = i64::MAX;

/// Carries out a call.
///
/// # Errors
/// If it cannot be done or seen.
pub(in crate::functions) async fn carry_out(asked: AwsCall, call: &Call) -> Result<Value> {
    let api = call.api().await?;
    Ok(match asked {
        AwsCall::DescribeGroups => json!({ "AutoScalingGroups": call.groups(&api).await? }),
        AwsCall::DesiredEqualsHealthy => are_whole(&call.groups(&api).await?).into(),
        AwsCall::AwaitDesiredEqualsHealthy => call.waited(&api, true).await?.into(),
        AwsCall::AwaitDesiredNotEqualsHealthy => call.waited(&api, false).await?.into(),
        AwsCall::IsScaling => are_scaling(&call.groups(&api).await?).into(),
        AwsCall::ProcessIsSuspended => {
            are_suspended(&call.groups(&api).await?, &call.texts("process_names")).into()
        }
        AwsCall::HasSubnets => are_in(&call.groups(&api).await?, &call.texts("subnets")).into(),
        AwsCall::CountByHealth => {
            let are_healthy = call.arguments.get("count_healthy").and_then(Value::as_bool).unwrap_or(true);
            count(&call.groups(&api).await?, are_healthy).into()
        }
        AwsCall::DescribeInstances => json!({ "Reservations": api.instances(&[], &call.filters()).await? }),
        AwsCall::CountInstances => call.count(&api).await?.into(),
        AwsCall::CountAtLeast => {
            let least = call.arguments.get("min_count").and_then(Value::as_i64).unwrap_or_default();
            (i64::try_from(call.count(&api).await?).unwrap_or(i64::MAX) >= least).into()
        }
        AwsCall::InstanceState => {
            let found = api.instances(&call.texts("instance_ids"), &call.filters()).await?;
            let state = call.text("state").unwrap_or_default();
            let mut found = instances(&found).peekable();
            (found.peek().is_some() && found.all(|instance| instance["State"]["Name"] == state)).into()
        }
        AwsCall::AlarmState => api.alarm_state(call.text("alarm_name").unwrap_or_default()).await?.into(),
        AwsCall::MetricStatistics => call.statistic(&api).await?,
        AwsCall::MetricData => call.data(&api).await?,
        AwsCall::StartExperiment => json!({ "experiment": call.start_experiment(&api).await? }),
        AwsCall::StopExperiment => {
            let id = call.text("experiment_id").unwrap_or_default();
            json!({ "experiment": api.stop_experiment(id, call.clock.as_ref()).await? })
        }
        AwsCall::StopExperimentsByTags => {
            stopped(api.stop_experiments_tagged(&call.tags(), 0, Duration::ZERO, call.clock.as_ref()).await?)
        }
        AwsCall::StopExperimentsOfRun => {
            let run = call.text("run").unwrap_or_default().to_owned();
            let tags = BTreeMap::from([(RUN_TAG.to_owned(), run)]);
            let (starts, patience) = (call.starts, call.patience);
            stopped(api.stop_experiments_tagged(&tags, starts, patience, call.clock.as_ref()).await?)
        }
        AwsCall::GetExperiment => {
            json!({ "experiment": api.experiment(call.text("experiment_id").unwrap_or_default()).await? })
        }
    })
}

impl Call {
    /// How many seconds it took until the groups were whole, or were not.
    async fn waited(&self, api: &Api, wants_whole: bool) -> Result<i64> {
        let limit = self.arguments.get("timeout").and_then(Value::as_f64).unwrap_or(300.0);
        let limit = Duration::try_from_secs_f64(limit).unwrap_or(Duration::MAX);
        let begun = self.clock.monotonic();
        loop {
            let are_as_wanted = are_whole(&self.groups(api).await?) == wants_whole;
            let took = self.clock.monotonic().saturating_sub(begun);
            if took > limit {
                return Ok(IN_VAIN);
            }
            if are_as_wanted {
                return Ok(i64::try_from(took.as_secs()).unwrap_or(IN_VAIN));
            }
            self.clock.sleep(Duration::from_millis(500)).await;
        }
    }

    /// The number of instances. There, it is that of their reservations on the first page.
    async fn count(&self, api: &Api) -> Result<usize> {
        Ok(instances(&api.instances(&[], &self.filters()).await?).count())
    }

    /// Starts an experiment, which is found again by the tag of the run, and waits until it runs.
    async fn start_experiment(&self, api: &Api) -> Result<Value> {
        let Some(run) = &self.run else {
            return Err(Error::unsupported("an experiment of the service is started in the method alone"));
        };
        let template = self.text("experiment_template_id").unwrap_or_default();
        let mut tags = self.tags();
        tags.insert(RUN_TAG.to_owned(), run.clone());
        let own = format!("chaos-{run}-{}", self.clock.now().as_nanosecond());
        let token = self.text("client_token").unwrap_or(&own);
        let mut experiment = api.start_experiment(template, token, &tags).await?;
        if experiment["tags"][RUN_TAG] != **run {
            let what = "the token has started another experiment before, so none was started: leave client_token out";
            return Err(Error::new(ErrorKind::Conflict, what).with("client_token", token));
        }
        let id = experiment["id"].as_str().unwrap_or_default().to_owned();
        let until = self.clock.monotonic().saturating_add(RUNNING_WITHIN);
        while is_starting(&experiment) && self.clock.monotonic() < until {
            self.clock.sleep(Duration::from_millis(500)).await;
            // It was seen to be started, and a look that fails changes nothing about that.
            if let Ok(seen) = api.experiment(&id).await {
                experiment = seen;
            }
        }
        let state = &experiment["state"];
        if matches!(state["status"].as_str(), Some("failed" | "cancelled")) {
            let reason = state["reason"].as_str().unwrap_or("the service gives no reason").to_owned();
            let what = "the experiment of the service failed";
            return Err(Error::new(ErrorKind::Other, what).with("experiment", id).with("reason", reason));
        }
        Ok(experiment)
    }

    /// Tags as a mapping, or as a text such as `a=1,b=2`.
    fn tags(&self) -> BTreeMap<String, String> {
        match self.arguments.get("tags") {
            Some(Value::Object(map)) => {
                let pair = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
                map.iter().filter_map(pair).collect()
            }
            Some(Value::String(text)) => text
                .split(',')
                .filter_map(|part| part.split_once('='))
                .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
                .collect(),
            _ => BTreeMap::new(),
        }
    }
}

fn is_starting(experiment: &Value) -> bool {
    matches!(experiment["state"]["status"].as_str(), Some("pending" | "initiating"))
}

fn stopped(experiments: Vec<Value>) -> Value {
    experiments.into_iter().map(|experiment| json!({ "experiment": experiment })).collect()
}
