use std::time::Duration;

use aws_sdk_cloudwatch::types::{
    Datapoint, Dimension, Metric, MetricDataQuery, MetricStat, StandardUnit, Statistic,
};
use aws_smithy_types::DateTime;
use chaos_core::{Error, ErrorKind, Result, clock::Clock, listing::pages};
use futures_util::TryStreamExt;

use super::Api;
use crate::model::told::told;

/// Numbers of one metric of CloudWatch, over a span of time.
#[derive(Clone, Debug)]
#[must_use]
pub struct MetricQuery {
    namespace: String,
    name: String,
    dimensions: Vec<(String, String)>,
    statistic: String,
    unit: Option<String>,
    begin: Duration,
    end: Duration,
    period: Duration,
}

impl MetricQuery {
    /// The statistic, such as `Average` or `p99`, of the metric with this namespace and name, over the last five
    /// minutes, for each minute.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>, statistic: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
            dimensions: Vec::new(),
            statistic: statistic.into(),
            unit: None,
            begin: Duration::from_secs(300),
            end: Duration::ZERO,
            period: Duration::from_secs(60),
        }
    }

    /// Adds a dimension. A metric is found only by all of its dimensions.
    pub fn dimension(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.dimensions.push((name.into(), value.into()));
        self
    }

    /// Sets the unit of the numbers, such as `Seconds`. Default: that of the metric.
    pub fn unit(mut self, unit: impl Into<String>) -> Self {
        self.unit = Some(unit.into());
        self
    }

    /// Sets the span: it begins and ends so long ago.
    pub fn span(mut self, begin: Duration, end: Duration) -> Self {
        (self.begin, self.end) = (begin, end);
        self
    }

    /// Sets the length of a period.
    pub fn period(mut self, period: Duration) -> Self {
        self.period = period;
        self
    }

    fn dimensions(&self) -> Vec<Dimension> {
        let dimension =
            |(name, value): &(String, String)| Dimension::builder().name(name).value(value).build();
        self.dimensions.iter().map(dimension).collect()
    }

    fn times(&self, clock: &dyn Clock) -> (DateTime, DateTime) {
        let now = clock.now().as_second();
        let ago = |ago: Duration| {
            DateTime::from_secs(now.saturating_sub(i64::try_from(ago.as_secs()).unwrap_or(i64::MAX)))
        };
        (ago(self.begin), ago(self.end))
    }

    fn seconds(&self) -> i32 {
        i32::try_from(self.period.as_secs()).unwrap_or(i32::MAX)
    }
}

impl Api {
    /// The state of the alarm with this name: `OK`, `ALARM` or `INSUFFICIENT_DATA`. Needs `cloudwatch:DescribeAlarms`.
    ///
    /// # Errors
    /// `NotFound` if there is no such alarm.
    ///
    /// Cancel safe: it only looks.
    pub async fn alarm_state(&self, name: &str) -> Result<String> {
        const ACTION: &str = "cloudwatch:DescribeAlarms";
        let answer = self.region.cloudwatch().describe_alarms().alarm_names(name).send().await;
        let answer = answer.map_err(|error| self.failed(ACTION, error))?;
        let alarms = answer.metric_alarms.unwrap_or_default();
        let Some(alarm) = alarms.into_iter().find(|alarm| alarm.alarm_name.as_deref() == Some(name)) else {
            let what = "this account and region have no such metric alarm";
            return Err(Error::new(ErrorKind::NotFound, what)
                .with("alarm", name)
                .with("region", self.region()));
        };
        Ok(told(alarm.state_value, "StateValue")?.as_str().to_owned())
    }

    /// The numbers of a metric, in no order. A period without data has none. Needs `cloudwatch:GetMetricData`.
    ///
    /// # Errors
    /// As the service says.
    ///
    /// Cancel safe: it only looks.
    pub async fn metric_data(&self, query: &MetricQuery, clock: &dyn Clock) -> Result<Vec<f64>> {
        const ACTION: &str = "cloudwatch:GetMetricData";
        let metric = Metric::builder().namespace(&query.namespace).metric_name(&query.name);
        let metric = metric.set_dimensions(Some(query.dimensions())).build();
        let wanted = MetricStat::builder().metric(metric).period(query.seconds()).stat(&query.statistic);
        let wanted = wanted.set_unit(query.unit.as_deref().map(StandardUnit::from)).build();
        let wanted = MetricDataQuery::builder().id("wanted").metric_stat(wanted).build();
        let (begin, end) = query.times(clock);
        let fetch = |token: Option<String>| {
            let call = self.region.cloudwatch().get_metric_data().metric_data_queries(wanted.clone());
            let call = call.start_time(begin).end_time(end).set_next_token(token);
            async move {
                let answer = call.send().await.map_err(|error| self.failed(ACTION, error))?;
                let results = told(answer.metric_data_results, "MetricDataResults")?;
                let values = results.into_iter().flat_map(|result| result.values.unwrap_or_default());
                Ok((values.collect::<Vec<f64>>(), answer.next_token))
            }
        };
        let found: Vec<Vec<f64>> = Box::pin(pages(fetch)).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// The statistic of the newest period with data. `None` if there is no data in the span. Needs
    /// `cloudwatch:GetMetricStatistics`.
    ///
    /// # Errors
    /// As the service says.
    ///
    /// Cancel safe: it only looks.
    pub async fn metric_statistic(&self, query: &MetricQuery, clock: &dyn Clock) -> Result<Option<f64>> {
        const ACTION: &str = "cloudwatch:GetMetricStatistics";
        let (begin, end) = query.times(clock);
        let call = self.region.cloudwatch().get_metric_statistics();
        let call = call.namespace(&query.namespace).metric_name(&query.name).start_time(begin).end_time(end);
        let call = call.set_dimensions(Some(query.dimensions())).period(query.seconds());
        let call = call.set_unit(query.unit.as_deref().map(StandardUnit::from));
        let known = Statistic::values().contains(&query.statistic.as_str());
        let call = if known {
            call.statistics(Statistic::from(query.statistic.as_str()))
        } else {
            call.extended_statistics(&query.statistic)
        };
        let answer = call.send().await.map_err(|error| self.failed(ACTION, error))?;
        let points = answer.datapoints.unwrap_or_default().into_iter();
        let newest = points.max_by(|one, other| one.timestamp.cmp(&other.timestamp));
        newest.map(|point| told(of(&point, &query.statistic), "statistic of a data point")).transpose()
    }
}

fn of(point: &Datapoint, statistic: &str) -> Option<f64> {
    match statistic {
        "Average" => point.average,
        "Sum" => point.sum,
        "Minimum" => point.minimum,
        "Maximum" => point.maximum,
        "SampleCount" => point.sample_count,
        extended => point.extended_statistics.as_ref()?.get(extended).copied(),
    }
}
