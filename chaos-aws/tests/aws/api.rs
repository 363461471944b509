//! Single calls of AWS, with answers as JSON.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, MetricDatum, StateValue, Statistic};
use aws_sdk_fis::types::{CreateExperimentTemplateActionInput, CreateExperimentTemplateStopConditionInput};
use chaos_aws::{Api, MetricQuery};
use chaos_core::{
    ErrorKind,
    clock::{Clock, SystemClock},
};
use serde_json::{Value, json};

use crate::cloud::Cloud;

async fn api(cloud: &Cloud) -> Api {
    cloud.provider().await.api().unwrap()
}

/// A template whose experiments take this long.
async fn template(cloud: &Cloud, duration: &str) -> String {
    let wait = CreateExperimentTemplateActionInput::builder().action_id("aws:fis:wait");
    let wait = wait.parameters("duration", duration).build();
    let none = CreateExperimentTemplateStopConditionInput::builder().source("none").build();
    let made = aws_sdk_fis::Client::new(&cloud.setup())
        .create_experiment_template()
        .description("of a test")
        .role_arn("arn:aws:iam::123456789012:role/fis")
        .stop_conditions(none.unwrap())
        .actions("wait", wait.unwrap())
        .send()
        .await
        .unwrap();
    made.experiment_template.unwrap().id.unwrap()
}

/// Two numbers of the last minutes: 1 and 3.
async fn put_latency(cloud: &Cloud) {
    let watch = aws_sdk_cloudwatch::Client::new(&cloud.setup());
    let now = SystemClock::default().now().as_second();
    let tier = Dimension::builder().name("tier").value("web").build();
    for (value, ago) in [(1.0, 150), (3.0, 60)] {
        let datum = MetricDatum::builder().metric_name("latency").value(value).dimensions(tier.clone());
        let datum = datum.timestamp(DateTime::from_secs(now - ago)).build();
        watch.put_metric_data().namespace("Shop").metric_data(datum).send().await.unwrap();
    }
    let alarm = watch.put_metric_alarm().alarm_name("slow").namespace("Shop").metric_name("latency");
    let alarm = alarm.period(60).evaluation_periods(1).threshold(9.0).statistic(Statistic::Maximum);
    alarm.comparison_operator(ComparisonOperator::GreaterThanThreshold).send().await.unwrap();
    let state = watch.set_alarm_state().alarm_name("slow").state_value(StateValue::Ok);
    state.state_reason("a test").send().await.unwrap();
}

fn latency(statistic: &str) -> MetricQuery {
    MetricQuery::new("Shop", "latency", statistic).dimension("tier", "web")
}

fn first_instance(group: &Value) -> String {
    group["Instances"][0]["InstanceId"].as_str().unwrap().to_owned()
}

pub(crate) async fn every_call_is_made(cloud: &Cloud) {
    cloud.page("POST", "fis", Some(json!({ "scale": 0.01 })));
    put_latency(cloud).await;
    let template = template(cloud, "PT12H").await;
    let (api, clock) = (api(cloud).await, SystemClock::default());
    let groups = api.auto_scaling_groups(&["web".to_owned()]).await.unwrap();
    let instance = first_instance(&groups[0]);
    api.instances(std::slice::from_ref(&instance), &[]).await.unwrap();
    api.start_instances(&[instance], &clock).await.unwrap();
    assert_eq!(api.alarm_state("slow").await.unwrap(), "OK");
    assert_eq!(api.metric_data(&latency("Maximum"), &clock).await.unwrap().len(), 2);
    let whole =
        latency("Sum").span(Duration::from_secs(600), Duration::ZERO).period(Duration::from_secs(600));
    assert_eq!(api.metric_statistic(&whole, &clock).await.unwrap(), Some(4.0));
    let tags = BTreeMap::from([("chaos:run".to_owned(), "one".to_owned())]);
    let started = api.start_experiment(&template, "token", &tags).await.unwrap();
    assert_eq!(started["tags"], json!({ "chaos:run": "one" }));
    let stopped = api.stop_experiments_tagged(&tags, 1, Duration::ZERO, &clock).await.unwrap();
    assert_eq!(stopped.len(), 1, "{stopped:?}");
    assert!(matches!(stopped[0]["state"]["status"].as_str(), Some("stopped" | "completed")), "{stopped:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_answers_as_the_api_does() {
    let Some(cloud) = Cloud::with_web(3) else { return };
    every_call_is_made(&cloud).await;
    let api = api(&cloud).await;
    let groups = api.auto_scaling_groups(&["web".to_owned()]).await.unwrap();
    let group = &groups[0];
    assert_eq!((&group["AutoScalingGroupName"], &group["DesiredCapacity"]), (&json!("web"), &json!(3)));
    let member = &group["Instances"][0];
    assert_eq!(
        (&member["LifecycleState"], &member["HealthStatus"]),
        (&json!("InService"), &json!("Healthy"))
    );
    let running = [("instance-state-name".to_owned(), vec!["running".to_owned()])];
    let found = api.instances(&[first_instance(group)], &running).await.unwrap();
    assert_eq!(found[0]["Instances"][0]["State"], json!({ "Code": 16, "Name": "running" }));
    let stopped = [("instance-state-name".to_owned(), vec!["stopped".to_owned()])];
    let found = api.instances(&[], &stopped).await.unwrap();
    assert!(found.iter().all(|found| found["Instances"] == json!([])), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_is_told_by_name() {
    let Some(cloud) = Cloud::with_web(1) else { return };
    let (api, clock) = (api(&cloud).await, SystemClock::default());
    let names = ["web".to_owned(), "wbe".to_owned()];
    let groups = api.auto_scaling_groups(&names).await.unwrap_err();
    assert!(groups.to_string().contains("group=\"wbe\""), "{groups}");
    let tags = [("team".to_owned(), "nobody".to_owned())];
    let tagged = api.auto_scaling_groups_tagged(&tags).await.unwrap_err();
    assert!(tagged.to_string().contains("tags=\"team=nobody\""), "{tagged}");
    let alarm = api.alarm_state("none").await.unwrap_err();
    let experiment = api.experiment("EXPnone").await.unwrap_err();
    for error in [&groups, &tagged, &alarm, &experiment] {
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
    let instance = api.instances(&["i-0123456789abcdef0".to_owned()], &[]).await.unwrap_err();
    assert!(instance.chain().contains("i-0123456789abcdef0"), "{}", instance.chain());
    let wrong = api.instances(&["web-1".to_owned()], &[]).await.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::InvalidInput, "{wrong}");
    let all = api.stop_experiments_tagged(&BTreeMap::new(), 0, Duration::ZERO, &clock).await.unwrap_err();
    assert!(all.to_string().starts_with("invalid tags: none"), "no tag is not every experiment: {all}");
    assert_eq!(api.metric_statistic(&latency("Sum"), &clock).await.unwrap(), None);
}
