use super::{alarm::CloudWatchAlarm, metric::CloudWatchMetric};

/// Probes of a [steady state](chaos_core::steady_state) that look at CloudWatch.
///
/// A probe reads its configuration at its first look: AWS's default credential chain, and the region of `AWS_REGION` or
/// of the profile, unless you set others. Each look is one call without a retry, so a look that is throttled does not
/// add to the load. CloudWatch sees the system a minute late or more, so a probe of your own, such as one over HTTP,
/// notices a violation earlier.
///
/// | doubt | what to do |
/// |---|---|
/// | the alarm does not exist | check its name, the account and the region |
/// | the alarm is in the state `INSUFFICIENT_DATA` | see why its metric has no data |
/// | the metric has no data in the window | check its name and its dimensions, or widen the window |
/// | access is denied, or there are no credentials | the error names the action that a policy must allow |
/// | the call is throttled | look less often |
/// | CloudWatch cannot be reached, or stays silent beyond the time limit | check the network and the region |
///
/// ```
/// use std::time::Duration;
///
/// use chaos_aws::CloudWatch;
/// use chaos_core::SteadyState;
///
/// let slowest = CloudWatch::metric("AWS/ApplicationELB", "TargetResponseTime")
///     .dimension("LoadBalancer", "app/shop/50dc6c495c0c9188")
///     .statistic("p99");
/// assert_eq!(
///     slowest.to_string(),
///     "p99 of AWS/ApplicationELB TargetResponseTime {LoadBalancer=app/shop/50dc6c495c0c9188} in CloudWatch"
/// );
///
/// let steady = SteadyState::new("If one instance is gone, then every customer is served")
///     .stop_condition("alarm", CloudWatch::alarm("shop-5xx"), "OK")
///     .probe("the slowest hundredth", slowest, ..=0.5)
///     .every(Duration::from_secs(10));
/// # drop(steady);
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CloudWatch {}

impl CloudWatch {
    /// The state of the alarm with this name: `"OK"` or `"ALARM"`. It may be a metric alarm, a composite alarm or a log
    /// alarm. Needs `cloudwatch:DescribeAlarms` on all resources.
    pub fn alarm(name: impl Into<String>) -> CloudWatchAlarm {
        CloudWatchAlarm::new(name.into())
    }

    /// The newest number of the metric with this namespace and name. Needs `cloudwatch:GetMetricData`.
    pub fn metric(namespace: impl Into<String>, name: impl Into<String>) -> CloudWatchMetric {
        CloudWatchMetric::new(namespace.into(), name.into())
    }
}
