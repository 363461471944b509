//! Numbers of CloudWatch.

use std::time::Duration;

use chaos_aws::{Api, MetricQuery};
use chaos_core::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::functions::call::Call;

impl Call {
    /// One statistic over one period.
    ///
    /// # Errors
    /// If there is no data: there, that is 0.
    pub(super) async fn statistic(&self, api: &Api) -> Result<Value> {
        let statistic =
            self.text("statistic").or_else(|| self.text("extended_statistic")).unwrap_or_default();
        let duration = self.seconds("duration", 60);
        let offset = self.seconds("offset", 0);
        let query = self.query(statistic).span(duration + offset, offset).period(duration);
        let found = api.metric_statistic(&query, self.clock.as_ref()).await?;
        found.map(Value::from).ok_or_else(|| self.no_data())
    }

    /// One number of the data of several periods, to two decimals.
    ///
    /// # Errors
    /// If there is no data: there, that is 0.
    pub(super) async fn data(&self, api: &Api) -> Result<Value> {
        let statistic = self.text("statistic").unwrap_or_default();
        let query = self.query(statistic);
        let query = query.span(self.seconds("duration", 300), self.seconds("offset", 0));
        let numbers = api.metric_data(&query.period(self.seconds("period", 60)), self.clock.as_ref()).await?;
        let number = summary(statistic, &numbers).ok_or_else(|| self.no_data())?;
        Ok(((number * 100.0).round() / 100.0).into())
    }

    fn query(&self, statistic: &str) -> MetricQuery {
        let text = |name| self.text(name).unwrap_or_default();
        let mut query = MetricQuery::new(text("namespace"), text("metric_name"), statistic);
        for (name, value) in self.pairs("dimensions", "Name", "Value") {
            query = query.dimension(name, value);
        }
        if let (Some(name), Some(value)) = (self.text("dimension_name"), self.text("dimension_value")) {
            query = query.dimension(name, value);
        }
        match self.text("unit") {
            Some(unit) => query.unit(unit),
            None => query,
        }
    }

    fn seconds(&self, name: &str, default: u64) -> Duration {
        Duration::from_secs(self.number(name).unwrap_or(default))
    }

    fn no_data(&self) -> Error {
        let what = "the metric has no data in the span: check its name, its dimensions and the region";
        Error::new(ErrorKind::Unavailable, what).with("metric", self.text("metric_name").unwrap_or_default())
    }
}

/// One number for many. None for none.
fn summary(statistic: &str, numbers: &[f64]) -> Option<f64> {
    let first = numbers.first()?;
    let count = f64::from(u32::try_from(numbers.len()).unwrap_or(u32::MAX));
    Some(match statistic {
        "Sum" => numbers.iter().sum(),
        "Minimum" => numbers.iter().copied().fold(*first, f64::min),
        "Maximum" => numbers.iter().copied().fold(*first, f64::max),
        _ => numbers.iter().sum::<f64>() / count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_that_of_its_statistic() {
        for (statistic, expected) in
            [("Sum", 9.0), ("Minimum", 1.0), ("Maximum", 6.0), ("Average", 3.0), ("SampleCount", 3.0)]
        {
            let found = summary(statistic, &[1.0, 2.0, 6.0]).unwrap();
            assert!((found - expected).abs() < 1e-9, "{statistic}: {found}");
        }
        assert_eq!(summary("Sum", &[]), None, "no data is not 0");
    }
}
