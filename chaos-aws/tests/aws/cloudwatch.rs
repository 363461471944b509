//! Probes that look at CloudWatch.

use std::{net::TcpListener, sync::Arc, time::Duration};

use aws_sdk_cloudwatch::{
    Client,
    primitives::DateTime,
    types::{ComparisonOperator, Dimension, MetricDatum, StateValue, Statistic},
};
use chaos_aws::{CloudWatch, CloudWatchAlarm, CloudWatchMetric};
use chaos_core::{
    Error, ErrorKind, Health, MemoryJournal, Outcome, Provider, Result, SteadyState,
    clock::{Clock, SystemClock},
    fault::CutShort,
    steady_state::{Phase, Probe, Reading},
};
use chaos_events::Stop;
use chaos_testkit::{Timing, contract};
use serde_json::{Value, json};

use crate::cloud::{Cloud, monkey, only_group};

const LONG: Duration = Duration::from_secs(60);

fn alarm(cloud: &Cloud, name: &str) -> CloudWatchAlarm {
    CloudWatch::alarm(name).sdk_config(cloud.config()).answering_within(LONG)
}

/// The latency of one of two shops.
fn latency(cloud: &Cloud) -> CloudWatchMetric {
    let metric = CloudWatch::metric("Shop", "Latency").dimension("Shop", "one").dimension("Zone", "a");
    metric.sdk_config(cloud.config()).answering_within(LONG)
}

async fn look(probe: &impl Probe) -> Result<Reading> {
    probe.check().unwrap();
    probe.look(&SystemClock::default()).await
}

/// A new alarm, in the state in which CloudWatch makes it.
async fn put_alarm(setup: &Client, name: &str) {
    setup
        .put_metric_alarm()
        .alarm_name(name)
        .namespace("Shop")
        .metric_name("Latency")
        .statistic(Statistic::Average)
        .period(60)
        .evaluation_periods(1)
        .threshold(1.0)
        .comparison_operator(ComparisonOperator::GreaterThanThreshold)
        .send()
        .await
        .unwrap();
}

async fn put_composite_alarm(setup: &Client, name: &str) {
    setup.put_composite_alarm().alarm_name(name).alarm_rule("ALARM(\"shop\")").send().await.unwrap();
}

async fn set_alarm(setup: &Client, name: &str, state: StateValue) {
    setup.set_alarm_state().alarm_name(name).state_value(state).state_reason("a test").send().await.unwrap();
}

/// Puts values of the latency of a shop, each so many seconds old.
async fn put_latency(setup: &Client, shop: &str, values: &[(i64, f64)]) {
    let now = SystemClock::default().now().as_second();
    let of = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
    let datum = |(age, value): &(i64, f64)| {
        let datum = MetricDatum::builder().metric_name("Latency").value(*value);
        let datum = datum.timestamp(DateTime::from_secs(now - age));
        datum.dimensions(of("Shop", shop)).dimensions(of("Zone", "a")).build()
    };
    let data = values.iter().map(datum).collect();
    setup.put_metric_data().namespace("Shop").set_metric_data(Some(data)).send().await.unwrap();
}

/// Every call of the library to CloudWatch.
pub(crate) async fn everything_is_looked_at(cloud: &Cloud) {
    let setup = Client::new(&cloud.setup());
    put_alarm(&setup, "shop").await;
    set_alarm(&setup, "shop", StateValue::Ok).await;
    put_latency(&setup, "one", &[(30, 0.25)]).await;
    assert_eq!(look(&alarm(cloud, "shop")).await.unwrap(), "OK".into());
    assert_eq!(look(&latency(cloud)).await.unwrap(), 0.25.into());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_an_alarm_of_any_type_is_read_with_one_call() {
    let Some(cloud) = Cloud::start() else { return };
    let setup = Client::new(&cloud.setup());
    put_alarm(&setup, "shop").await;
    put_composite_alarm(&setup, "all shops").await;
    for name in ["shop", "all shops"] {
        let probe = alarm(&cloud, name);
        for (state, expected) in [(StateValue::Alarm, "ALARM"), (StateValue::Ok, "OK")] {
            set_alarm(&setup, name, state).await;
            cloud.forget_calls();
            assert_eq!(look(&probe).await.unwrap(), expected.into(), "{name}");
            assert_eq!(cloud.calls(), ["DescribeAlarms"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_that_tells_nothing_is_a_doubt_that_says_which_and_what_to_do() {
    let Some(cloud) = Cloud::start() else { return };
    let setup = Client::new(&cloud.setup());
    put_alarm(&setup, "new").await;
    put_alarm(&setup, "newer").await;
    for (name, kind, words) in [
        ("new", ErrorKind::Unavailable, "insufficient data, so it tells nothing: see why"),
        ("ne", ErrorKind::NotFound, "does not exist in this account and region: check its name"),
    ] {
        let error = look(&alarm(&cloud, name)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.context().any(|named| named == ("alarm", name)), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_number_of_a_metric_is_read_with_one_call() {
    let Some(cloud) = Cloud::start() else { return };
    let setup = Client::new(&cloud.setup());
    put_latency(&setup, "one", &[(170, 9.0), (100, 0.25), (290, 8.0)]).await;
    put_latency(&setup, "two", &[(10, 7.0)]).await;
    cloud.forget_calls();
    assert_eq!(look(&latency(&cloud)).await.unwrap(), 0.25.into());
    assert_eq!(cloud.calls(), ["GetMetricData"]);

    let second = Duration::from_secs(1);
    put_latency(&setup, "one", &[(40, 1.5), (40, 2.0)]).await;
    cloud.forget_calls();
    let sum = latency(&cloud).statistic("Sum").period(second).window(LONG);
    assert_eq!(look(&sum).await.unwrap(), 3.5.into());
    let calls = cloud.page("GET", "calls?parameters", None);
    let asked = &calls[0]["parameters"];
    let seconds = |field: &str| asked[field].as_f64().unwrap();
    assert!((60.0..=61.0).contains(&(seconds("EndTime") - seconds("StartTime"))), "{asked}");
    assert_eq!(asked["ScanBy"], "TimestampDescending");
    let expected = json!({
        "Metric": {
            "Namespace": "Shop",
            "MetricName": "Latency",
            "Dimensions": [{ "Name": "Shop", "Value": "one" }, { "Name": "Zone", "Value": "a" }],
        },
        "Period": 1,
        "Stat": "Sum",
    });
    assert_eq!(asked["MetricDataQueries"][0]["MetricStat"], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_metric_without_data_in_its_window_is_a_doubt_and_no_old_number() {
    let Some(cloud) = Cloud::start() else { return };
    put_latency(&Client::new(&cloud.setup()), "one", &[(600, 0.25)]).await;
    let elsewhere = CloudWatch::metric("Shop", "Latency").dimension("Shop", "three");
    for (probe, window) in
        [(latency(&cloud), "5m"), (elsewhere.sdk_config(cloud.config()).window(LONG), "1m")]
    {
        let error = look(&probe).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.to_string().contains("has no data in the window: check its name"), "{error}");
        assert!(error.context().any(|named| named == ("window", window)), "{error}");
        assert!(error.context().any(|named| named == ("metric", &probe.to_string())), "{error}");
    }
    let wide = latency(&cloud).window(Duration::from_secs(900));
    assert_eq!(look(&wide).await.unwrap(), 0.25.into());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_without_the_permission_is_a_doubt_that_names_it() {
    let Some(cloud) = Cloud::start() else { return };
    let setup = Client::new(&cloud.setup());
    put_alarm(&setup, "shop").await;
    cloud.allow("discover");
    for (error, action) in [
        (look(&alarm(&cloud, "shop")).await.unwrap_err(), "cloudwatch:DescribeAlarms"),
        (look(&latency(&cloud)).await.unwrap_err(), "cloudwatch:GetMetricData"),
    ] {
        assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
        assert!(error.to_string().starts_with("access denied: a policy must allow this action"), "{error}");
        assert!(error.context().any(|named| named == ("missing", action)), "{error}");
    }
    cloud.allow("steady-state");
    everything_is_looked_at(&cloud).await;
}

/// The answers to one look each at an alarm and a metric, and the number of calls for both.
async fn under(cloud: &Cloud, fault: Value) -> ([Error; 2], usize) {
    cloud.break_calls(fault);
    cloud.forget_calls();
    let errors = [look(&alarm(cloud, "shop")).await.unwrap_err(), look(&latency(cloud)).await.unwrap_err()];
    cloud.page("DELETE", "faults", None);
    (errors, cloud.calls().len())
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_hinders_a_look_is_a_doubt_and_is_not_asked_again() {
    let Some(cloud) = Cloud::start() else { return };
    everything_is_looked_at(&cloud).await;
    for (fault, kind, words) in [
        (json!({ "do": "throttle", "count": 0 }), ErrorKind::Throttled, "look less often, with `every`"),
        (json!({ "do": "expired_token", "count": 0 }), ErrorKind::Denied, "refresh them"),
        (json!({ "do": "http_500", "count": 0 }), ErrorKind::Unavailable, "refused the call"),
        (json!({ "do": "web_page", "count": 0 }), ErrorKind::Unavailable, "is there a proxy"),
        (json!({ "do": "web_page", "count": 0, "status": 407 }), ErrorKind::Unavailable, "is there a proxy"),
        (json!({ "do": "empty", "count": 0 }), ErrorKind::Unavailable, "is empty"),
        (json!({ "do": "cut_before", "count": 0 }), ErrorKind::Unavailable, "check the network"),
        (json!({ "do": "cut_short", "count": 0, "twentieths": 19 }), ErrorKind::Unavailable, "is truncated"),
    ] {
        let (errors, calls) = under(&cloud, fault.clone()).await;
        for error in errors {
            assert_eq!(error.kind(), kind, "{fault}: {error:?}");
            assert!(error.to_string().contains(words), "{fault}: {error}");
        }
        assert_eq!(calls, 2, "{fault}");
    }
    // What hindered it is over, and so is the doubt.
    assert_eq!(look(&alarm(&cloud, "shop")).await.unwrap(), "OK".into());
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_a_doubt_once_the_time_limit_of_the_probe_is_over() {
    let Some(cloud) = Cloud::start() else { return };
    cloud.break_calls(json!({ "do": "delay", "milliseconds": 30_000, "count": 0 }));
    let limit = Duration::from_millis(300);
    let clock = SystemClock::default();
    let begun = clock.monotonic();
    for error in [
        look(&alarm(&cloud, "shop").answering_within(limit)).await.unwrap_err(),
        look(&latency(&cloud).answering_within(limit)).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(error.to_string().contains("did not answer in time"), "{error}");
        assert!(error.context().any(|named| named == ("limit", "300ms")), "{error}");
    }
    assert!(clock.monotonic() - begun < Duration::from_secs(20), "long before the answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_ends_when_an_alarm_fires_and_the_instance_is_back() {
    let Some(cloud) = Cloud::with_web(3) else { return };
    let setup = Client::new(&cloud.setup());
    put_alarm(&setup, "shop").await;
    set_alarm(&setup, "shop", StateValue::Ok).await;
    let provider = cloud.provider().await;
    let target = only_group(&provider).await.members[0].target.id().clone();
    let hypothesis = SteadyState::new("If one instance is off, then no alarm fires")
        .stop_condition("alarm", alarm(&cloud, "shop"), "OK")
        .every(Duration::from_millis(100))
        .time_limit(2 * LONG);
    let monkey = monkey(provider.clone(), MemoryJournal::new()).steady_state(hypothesis).build().unwrap();
    let fires = async {
        // Once the instance is stopped, and seen to be steady since.
        let clock = Arc::new(SystemClock::default());
        let stopped = || cloud.calls().iter().position(|call| call == "StopInstances");
        while stopped().is_none_or(|stop| !cloud.calls()[stop..].iter().any(|call| call == "DescribeAlarms"))
        {
            clock.sleep(Duration::from_millis(20)).await;
        }
        set_alarm(&setup, "shop", StateValue::Alarm).await;
    };
    let stop = Stop::lasting(Duration::from_secs(600)).unwrap();
    let (report, ()) = tokio::join!(monkey.inject(stop, &target), fires);
    let report = report.unwrap();
    assert_eq!(report.outcome(), Outcome::Deviated, "{report}");
    assert_eq!(report.faults[0].cut_short, Some(CutShort::NotSteady), "{report}");
    let found = report.steady_state.as_ref().unwrap().probe("alarm").unwrap();
    assert_eq!(found.looks_at, "state of the alarm shop in CloudWatch");
    let violation = found.first_violation.as_ref().unwrap();
    assert_eq!((violation.phase, violation.value.as_deref()), (Phase::During, Some("\"ALARM\"")), "{report}");
    assert!(report.is_recovered(), "{report}");
    assert_eq!((cloud.count("StopInstances"), cloud.count("StartInstances")), (1, 1));
    assert_eq!(provider.resolve(&target).await.unwrap().unwrap().health().await.unwrap(), Health::Healthy);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_probes_keep_the_contract_of_probes() {
    let Some(cloud) = Cloud::start() else { return };
    everything_is_looked_at(&cloud).await;
    // It takes a connection and never answers.
    let stuck = TcpListener::bind("127.0.0.1:0").unwrap();
    let (url, patience) = (format!("http://{}", stuck.local_addr().unwrap()), Duration::from_secs(1));
    let timing = Timing::default().settle(LONG);
    let silent = alarm(&cloud, "shop").endpoint(&url).answering_within(patience);
    contract::probe::check_with_silence(&timing, &alarm(&cloud, "shop"), &silent).await.assert_kept();
    let silent = latency(&cloud).endpoint(&url).answering_within(patience);
    let latency = latency(&cloud).window(Duration::from_secs(3600));
    contract::probe::check_with_silence(&timing, &latency, &silent).await.assert_kept();
}

#[test]
fn a_probe_shows_what_it_looks_at_and_no_secret() {
    let credentials = aws_credential_types::Credentials::new("key", "hush", None, None, "test");
    let config = aws_config::SdkConfig::builder()
        .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(credentials))
        .build();
    let alarm = CloudWatch::alarm("shop").region("eu-west-1").sdk_config(config.clone());
    assert_eq!(alarm.to_string(), "state of the alarm shop in CloudWatch of eu-west-1");
    let metric = CloudWatch::metric("Shop", "Latency").sdk_config(config);
    let metric = metric.assume_role_with_external_id("arn:aws:iam::123456789012:role/chaos", "hush");
    assert_eq!(metric.to_string(), "Average of Shop Latency in CloudWatch");
    for shown in [format!("{alarm} {alarm:?}"), format!("{metric} {metric:?}")] {
        assert!(!shown.contains("hush"), "{shown}");
    }
}
