use std::{fmt, time::Duration};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_cloudwatch::{
    operation::describe_alarms::DescribeAlarmsOutput,
    types::{AlarmType, StateValue},
};
use chaos_core::{
    Error, ErrorKind, Result,
    clock::Clock,
    steady_state::{Probe, Reading},
};

use super::settings::{Settings, settings_of_probes};
use crate::client::connection::Role;

const ACTION: &str = "cloudwatch:DescribeAlarms";

/// The state of an alarm of CloudWatch, made by [`CloudWatch::alarm`](super::CloudWatch::alarm), which says what is a
/// doubt. It yields `"OK"` or `"ALARM"`.
///
/// CloudWatch evaluates most alarms once a minute, so an alarm that must fire during a fault needs a hold of some
/// minutes.
///
/// ```
/// use std::time::Duration;
///
/// use chaos_aws::CloudWatch;
/// use chaos_core::SteadyState;
///
/// // Are you told that an instance is gone?
/// let alarm = CloudWatch::alarm("too-few-instances").region("eu-west-1");
/// assert_eq!(alarm.to_string(), "state of the alarm too-few-instances in CloudWatch of eu-west-1");
/// let steady = SteadyState::new("If an instance is gone, then the on-call is told")
///     .must_tell("the alarm fires", alarm, "ALARM", Duration::from_secs(180));
/// # drop(steady);
/// ```
#[derive(Clone)]
pub struct CloudWatchAlarm {
    name: String,
    settings: Settings,
}

impl CloudWatchAlarm {
    pub(super) fn new(name: String) -> Self {
        Self { name, settings: Settings::default() }
    }

    settings_of_probes!();

    fn state(&self, answer: DescribeAlarmsOutput) -> Result<StateValue> {
        let metric = answer.metric_alarms.unwrap_or_default().into_iter();
        let composite = answer.composite_alarms.unwrap_or_default().into_iter();
        let log = answer.log_alarms.unwrap_or_default().into_iter();
        let named = metric
            .map(|alarm| (alarm.alarm_name, alarm.state_value))
            .chain(composite.map(|alarm| (alarm.alarm_name, alarm.state_value)))
            .chain(log.map(|alarm| (alarm.alarm_name, alarm.state_value)))
            .find(|(name, _)| name.as_deref() == Some(&self.name));
        match named {
            Some((_, Some(state))) => Ok(state),
            Some((_, None)) => {
                Err(Error::new(ErrorKind::Unavailable, "CloudWatch does not tell the state of an alarm"))
            }
            None => Err(Error::new(
                ErrorKind::NotFound,
                "the alarm does not exist in this account and region: check its name and the region",
            )),
        }
    }
}

#[async_trait]
impl Probe for CloudWatchAlarm {
    async fn look(&self, clock: &dyn Clock) -> Result<Reading> {
        // Without the types, CloudWatch leaves composite alarms out.
        let types = vec![AlarmType::MetricAlarm, AlarmType::CompositeAlarm, AlarmType::LogAlarm];
        let call = |client: aws_sdk_cloudwatch::Client| {
            client.describe_alarms().alarm_names(&self.name).set_alarm_types(Some(types)).send()
        };
        let state = self.settings.ask(ACTION, clock, call).await.and_then(|answer| self.state(answer));
        let doubt = match state {
            Ok(StateValue::Ok) => return Ok("OK".into()),
            Ok(StateValue::Alarm) => return Ok("ALARM".into()),
            Ok(StateValue::InsufficientData) => Error::new(
                ErrorKind::Unavailable,
                "the alarm has insufficient data, so it tells nothing: see why its metric has no data",
            ),
            Ok(other) => {
                Error::new(ErrorKind::Unavailable, "the alarm has an unknown state").with("state", other)
            }
            Err(error) => error,
        };
        Err(doubt.with("alarm", &self.name))
    }

    fn check(&self) -> Result<()> {
        if self.name.trim().is_empty() || self.name.chars().count() > 255 || self.name.starts_with("arn:") {
            let expected = "the name of an alarm, from 1 to 255 characters, not its ARN";
            return Err(Error::invalid("alarm", format!("{:?}", self.name), expected));
        }
        self.settings.check()
    }
}

impl fmt::Debug for CloudWatchAlarm {
    /// Without the connection.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudWatchAlarm")
            .field("name", &self.name)
            .field("region", &self.settings.region)
            .field("limit", &self.settings.limit)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for CloudWatchAlarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "state of the alarm {} {}", self.name, self.settings.place())
    }
}

#[cfg(test)]
mod tests {
    use aws_config::BehaviorVersion;
    use chaos_core::clock::SystemClock;

    use super::*;
    use crate::CloudWatch;

    #[test]
    fn what_can_never_be_asked_is_refused_by_name() {
        let arn = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:shop";
        for (probe, expected) in [
            (CloudWatch::alarm(""), "invalid alarm: \"\"; expected the name of an alarm"),
            (CloudWatch::alarm("a".repeat(256)), "invalid alarm: \"aaa"),
            (CloudWatch::alarm(arn), "invalid alarm: \"arn:aws:"),
            (CloudWatch::alarm("shop").answering_within(Duration::ZERO), "invalid answering_within: 0s"),
            (CloudWatch::alarm("shop").region("Dublin"), "invalid region: \"Dublin\""),
            (CloudWatch::alarm("shop").endpoint("localhost"), "invalid endpoint: \"localhost\""),
        ] {
            let error = probe.check().expect_err(expected).to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        CloudWatch::alarm("shop").check().unwrap();
    }

    #[tokio::test]
    async fn without_a_region_or_credentials_nobody_can_look() {
        let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build();
        let alarm =
            || CloudWatch::alarm("shop").sdk_config(config.clone()).answering_within(Duration::from_secs(60));
        for (probe, expected) in [
            (alarm(), "invalid region: none; expected a region: name one"),
            (alarm().region("eu-west-1"), "the credential chain has no AWS credentials: set"),
        ] {
            let error = probe.look(&SystemClock::default()).await.unwrap_err().to_string();
            assert!(error.starts_with(expected) && error.ends_with("alarm=\"shop\")"), "{error}");
        }
    }
}
