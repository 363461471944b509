use std::{fmt, time::Duration};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_cloudwatch::{
    operation::get_metric_data::GetMetricDataOutput,
    primitives::DateTime,
    types::{Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, ScanBy, StatusCode},
};
use chaos_core::{
    Error, ErrorKind, Result,
    clock::Clock,
    steady_state::{Probe, Reading},
    text::duration_text,
};

use super::{
    settings::{Settings, settings_of_probes},
    statistic::{check_statistic, is_period},
};
use crate::client::connection::Role;

const ACTION: &str = "cloudwatch:GetMetricData";

/// How long CloudWatch keeps the data of a metric.
const LONGEST_WINDOW: Duration = Duration::from_secs(455 * 24 * 3600);

/// The newest number of a metric of CloudWatch, made by [`CloudWatch::metric`](super::CloudWatch::metric), which says
/// what is a doubt.
///
/// The number is that of the newest period with data that began within the [window](Self::window). The current period
/// is one of them, and may not be over: a `Sum` or a `SampleCount` still grows then, so compare it with an upper bound.
/// The same holds for data that the sources of a metric have yet to send.
///
/// A number may be older than the fault. Such a look counts, and says nothing about the fault, so hold the fault for
/// longer than a period and the delay of the metric, and look at something quicker beside it.
///
/// ```
/// use std::time::Duration;
///
/// use chaos_aws::CloudWatch;
/// use chaos_core::steady_state::Probe;
///
/// let errors = CloudWatch::metric("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count")
///     .dimension("LoadBalancer", "app/shop/50dc6c495c0c9188")
///     .statistic("Sum")
///     .period(Duration::from_secs(60))
///     .window(Duration::from_secs(600));
/// errors.check()?;
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone)]
pub struct CloudWatchMetric {
    namespace: String,
    name: String,
    dimensions: Vec<(String, String)>,
    statistic: String,
    period: Duration,
    window: Option<Duration>,
    settings: Settings,
}

impl CloudWatchMetric {
    /// The most dimensions of a metric.
    const MOST_DIMENSIONS: usize = 30;

    pub(super) fn new(namespace: String, name: String) -> Self {
        Self {
            namespace,
            name,
            dimensions: Vec::new(),
            statistic: "Average".to_owned(),
            period: Duration::from_secs(60),
            window: None,
            settings: Settings::default(),
        }
    }

    /// Adds a dimension. A metric is found only by all of its dimensions.
    #[must_use]
    pub fn dimension(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.dimensions.push((name.into(), value.into()));
        self
    }

    /// Chooses the statistic of a period: `Average`, `Sum`, `Minimum`, `Maximum`, `SampleCount`, a percentile such as
    /// `p99` or `p99.9`, or another statistic of CloudWatch, such as `tm90` or `PR(:300)`. Default: `Average`.
    #[must_use]
    pub fn statistic(mut self, statistic: impl Into<String>) -> Self {
        self.statistic = statistic.into();
        self
    }

    /// Sets the length of a period: 1, 5, 10, 20 or 30 seconds for metrics of high resolution, or whole minutes up to a
    /// day. Default: one minute.
    #[must_use]
    pub fn period(mut self, period: Duration) -> Self {
        self.period = period;
        self
    }

    /// Sets how old the newest number may be. If there is none, nobody knows how the system is now, which is a doubt.
    /// Many services of AWS send their data only some minutes later. From one period to 455 days. Default: five
    /// minutes, or three periods if that is longer.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.window = Some(window);
        self
    }

    settings_of_probes!();

    fn chosen_window(&self) -> Duration {
        self.window.unwrap_or_else(|| Duration::from_secs(300).max(self.period.saturating_mul(3)))
    }

    fn query(&self) -> MetricDataQuery {
        let dimension =
            |(name, value): &(String, String)| Dimension::builder().name(name).value(value).build();
        let metric = Metric::builder()
            .namespace(&self.namespace)
            .metric_name(&self.name)
            .set_dimensions(Some(self.dimensions.iter().map(dimension).collect()))
            .build();
        let period = i32::try_from(self.period.as_secs()).unwrap_or(i32::MAX);
        let wanted = MetricStat::builder().metric(metric).period(period).stat(&self.statistic).build();
        MetricDataQuery::builder().id("wanted").metric_stat(wanted).build()
    }

    /// The begin and the end of the window, in seconds. The end is exclusive, and so is the begin of a whole period.
    fn span(&self, now: i64) -> (i64, i64) {
        let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        let begin = now.saturating_sub(seconds(self.chosen_window()));
        let period = seconds(self.period).max(1);
        (begin.saturating_sub(begin.rem_euclid(period)), now.saturating_add(1))
    }

    fn newest(&self, answer: GetMetricDataOutput) -> Result<f64> {
        let incomplete = || {
            let what = "the answer of CloudWatch lacks a part, so all of it was ignored";
            Error::new(ErrorKind::Unavailable, what)
        };
        let mut results = answer.metric_data_results.ok_or_else(incomplete)?.into_iter();
        let result = results.find(|result| result.id.as_deref() == Some("wanted")).ok_or_else(incomplete)?;
        whether_complete(&result)?;
        let (times, values) = (result.timestamps.unwrap_or_default(), result.values.unwrap_or_default());
        if times.len() != values.len() {
            return Err(incomplete());
        }
        let newest = times.into_iter().zip(values).max_by(|(one, _), (other, _)| one.cmp(other));
        newest.map(|(_, value)| value).ok_or_else(|| {
            let what = "the metric has no data in the window: check its name, its dimensions and the region, or widen \
                the window";
            Error::new(ErrorKind::Unavailable, what).with("window", duration_text(self.chosen_window()))
        })
    }
}

/// The newest numbers come first, so a part of the data is enough.
fn whether_complete(result: &MetricDataResult) -> Result<()> {
    let doubt = match &result.status_code {
        Some(StatusCode::Complete | StatusCode::PartialData) => return Ok(()),
        Some(StatusCode::Forbidden) => Error::new(ErrorKind::Denied, "CloudWatch forbids to read the metric"),
        Some(other) => {
            Error::new(ErrorKind::Unavailable, "CloudWatch could not read the metric").with("code", other)
        }
        None => {
            Error::new(ErrorKind::Unavailable, "CloudWatch does not tell whether it could read the metric")
        }
    };
    let told = result.messages.as_deref().unwrap_or_default().iter().find_map(|message| message.value());
    Err(match told {
        Some(told) => doubt.caused_by(chaos_core::text::escaped(told).to_string()),
        None => doubt,
    })
}

#[async_trait]
impl Probe for CloudWatchMetric {
    async fn look(&self, clock: &dyn Clock) -> Result<Reading> {
        let (begin, end) = self.span(clock.now().as_second());
        let call = |client: aws_sdk_cloudwatch::Client| {
            client
                .get_metric_data()
                .metric_data_queries(self.query())
                .start_time(DateTime::from_secs(begin))
                .end_time(DateTime::from_secs(end))
                .scan_by(ScanBy::TimestampDescending)
                .send()
        };
        let answer = self.settings.ask(ACTION, clock, call).await;
        let newest = answer.and_then(|answer| self.newest(answer));
        newest.map(Reading::from).map_err(|error| error.with("metric", self))
    }

    fn check(&self) -> Result<()> {
        let is_text = |text: &str| !text.trim().is_empty() && text.chars().count() <= 255;
        for (field, text) in [("namespace", &self.namespace), ("metric", &self.name)] {
            if !is_text(text) || text.starts_with(':') {
                let expected = "from 1 to 255 characters, of which the first is no colon";
                return Err(Error::invalid(field, format!("{text:?}"), expected));
            }
        }
        if self.dimensions.len() > Self::MOST_DIMENSIONS {
            let expected = format!("at most {}", Self::MOST_DIMENSIONS);
            return Err(Error::invalid("number of dimensions", self.dimensions.len(), expected));
        }
        for (name, value) in &self.dimensions {
            if !is_text(name) || name.starts_with(':') || value.trim().is_empty() || value.len() > 1024 {
                let expected = "a name of up to 255 characters, of which the first is no colon, and a value";
                return Err(Error::invalid("dimension", format!("{name:?}={value:?}"), expected));
            }
        }
        check_statistic(&self.statistic)?;
        if !is_period(self.period) {
            let expected = "1s, 5s, 10s, 20s, 30s, or whole minutes up to a day";
            return Err(Error::invalid("period", duration_text(self.period), expected));
        }
        let window = self.chosen_window();
        if window < self.period || window > LONGEST_WINDOW {
            return Err(Error::invalid("window", duration_text(window), "from one period to 455 days"));
        }
        self.settings.check()
    }
}

impl fmt::Debug for CloudWatchMetric {
    /// Without the connection.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudWatchMetric")
            .field("namespace", &self.namespace)
            .field("name", &self.name)
            .field("dimensions", &self.dimensions)
            .field("statistic", &self.statistic)
            .field("period", &self.period)
            .field("window", &self.chosen_window())
            .field("region", &self.settings.region)
            .field("limit", &self.settings.limit)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for CloudWatchMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} {}", self.statistic, self.namespace, self.name)?;
        for (index, (name, value)) in self.dimensions.iter().enumerate() {
            write!(f, "{}{name}={value}", if index == 0 { " {" } else { ", " })?;
        }
        if !self.dimensions.is_empty() {
            f.write_str("}")?;
        }
        write!(f, " {}", self.settings.place())
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::{
        operation::get_metric_data::builders::GetMetricDataOutputBuilder, types::MessageData,
    };

    use super::*;
    use crate::CloudWatch;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn latency() -> CloudWatchMetric {
        CloudWatch::metric("Shop", "Latency")
    }

    #[test]
    fn what_can_never_be_asked_is_refused_by_name() {
        let crowd = (0..31).fold(latency(), |metric, number| metric.dimension(format!("d{number}"), "x"));
        for (probe, expected) in [
            (CloudWatch::metric("", "Latency"), "invalid namespace: \"\""),
            (CloudWatch::metric(":Shop", "Latency"), "invalid namespace: \":Shop\""),
            (CloudWatch::metric("Shop", " "), "invalid metric: \" \""),
            (CloudWatch::metric("Shop", "a".repeat(256)), "invalid metric: \"aaa"),
            (latency().dimension("", "x"), "invalid dimension: \"\"=\"x\""),
            (latency().dimension("Shop", ""), "invalid dimension: \"Shop\"=\"\""),
            (crowd, "invalid number of dimensions: 31; expected at most 30"),
            (latency().statistic("average"), "invalid statistic: \"average\""),
            (latency().period(seconds(90)), "invalid period: 1m30s; expected 1s, 5s"),
            (latency().window(seconds(59)), "invalid window: 59s; expected from one period to 455 days"),
            (latency().window(LONGEST_WINDOW * 2), "invalid window"),
            (latency().answering_within(Duration::ZERO), "invalid answering_within: 0s"),
            (latency().region("Dublin"), "invalid region: \"Dublin\""),
            (latency().endpoint("localhost"), "invalid endpoint: \"localhost\""),
            (latency().assume_role("chaos"), "invalid role: \"chaos\""),
        ] {
            let error = probe.check().expect_err(expected).to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        latency().check().unwrap();
        latency().period(seconds(86_400)).statistic("p99.9").check().unwrap();
    }

    #[test]
    fn a_percentile_is_asked_for_over_whole_periods() {
        let metric = latency().statistic("p99").period(seconds(60)).window(seconds(150));
        let wanted = metric.query().metric_stat.unwrap();
        assert_eq!((wanted.stat.as_deref(), wanted.period), (Some("p99"), Some(60)));
        assert_eq!(metric.span(1_000), (840, 1_001));
        assert_eq!(latency().period(seconds(3600)).span(1_000_000), (986_400, 1_000_001));
    }

    fn answer(status: Option<StatusCode>, data: &[(i64, f64)]) -> GetMetricDataOutput {
        let times = data.iter().map(|(time, _)| DateTime::from_secs(*time)).collect();
        let values = data.iter().map(|(_, value)| *value).collect();
        let message = MessageData::builder().code("x").value("try\nagain").build();
        let result =
            MetricDataResult::builder().id("wanted").set_timestamps(Some(times)).set_values(Some(values));
        let result = result.set_status_code(status).messages(message).build();
        GetMetricDataOutputBuilder::default().metric_data_results(result).build()
    }

    #[test]
    fn the_newest_number_counts_in_any_order_and_in_a_part_of_the_data() {
        for status in [StatusCode::Complete, StatusCode::PartialData] {
            let told = answer(Some(status), &[(60, 1.0), (180, 3.0), (120, 2.0)]);
            assert!((latency().newest(told).unwrap() - 3.0).abs() < f64::EPSILON);
        }
    }

    #[test]
    fn an_answer_that_does_not_tell_is_a_doubt() {
        let mut uneven = answer(Some(StatusCode::Complete), &[(60, 1.0)]);
        uneven.metric_data_results.as_mut().unwrap()[0].values = Some(vec![]);
        for (told, kind, words) in [
            (
                answer(Some(StatusCode::Forbidden), &[(60, 1.0)]),
                ErrorKind::Denied,
                "forbids to read the metric",
            ),
            (
                answer(Some(StatusCode::InternalError), &[]),
                ErrorKind::Unavailable,
                "(code=\"InternalError\"): try\\nagain",
            ),
            (answer(None, &[(60, 1.0)]), ErrorKind::Unavailable, "does not tell whether"),
            (answer(Some(StatusCode::Complete), &[]), ErrorKind::Unavailable, "no data in the window"),
            (uneven, ErrorKind::Unavailable, "lacks a part"),
            (GetMetricDataOutputBuilder::default().build(), ErrorKind::Unavailable, "lacks a part"),
        ] {
            let error = latency().newest(told).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.chain().contains(words), "{}", error.chain());
        }
    }
}
