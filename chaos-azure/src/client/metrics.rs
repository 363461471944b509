//! `Microsoft.Insights/metrics`: the numbers of a resource over time.

use azure_core::http::Url;
use chaos_core::{Error, ErrorKind, Result, text::escaped};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    client::arm::{Arm, unreadable},
    model::resource_id::ResourceId,
};

const API_VERSION: &str = "2024-02-01";

/// A question for the numbers of a metric in a span of time.
#[derive(Clone, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) resource: &'a ResourceId,
    pub(crate) metric: &'a str,
    pub(crate) namespace: Option<&'a str>,
    pub(crate) dimensions: &'a [(String, String)],
    /// As Azure spells it: `Average`.
    pub(crate) aggregation: &'a str,
    /// By ISO 8601: `PT1M`.
    pub(crate) interval: &'a str,
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

#[derive(Debug, Deserialize)]
struct Answer {
    value: Vec<Metric>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metric {
    timeseries: Vec<Series>,
    #[serde(default)]
    error_code: Option<String>,
    #[serde(default)]
    error_message: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Series {
    data: Vec<Point>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Point {
    time_stamp: Timestamp,
    /// The number by each aggregation, in lower case.
    #[serde(flatten)]
    numbers: Map<String, Value>,
}

impl Question<'_> {
    /// The newest number in the span; `None` if there is none.
    pub(crate) async fn newest(&self, arm: &Arm) -> Result<Option<f64>> {
        self.read(arm.get(self.url(arm)).await?.read()?)
    }

    fn url(&self, arm: &Arm) -> Url {
        let path = format!("{}/providers/Microsoft.Insights/metrics", self.resource.as_str());
        let mut url = arm.at(&path, API_VERSION);
        // Whole seconds.
        let [from, to] = [self.from, self.to]
            .map(|time| Timestamp::from_second(time.as_second()).unwrap_or(time).to_string());
        let mut query = url.query_pairs_mut();
        query.append_pair("metricnames", self.metric);
        query.append_pair("aggregation", self.aggregation);
        query.append_pair("interval", self.interval);
        query.append_pair("timespan", &format!("{from}/{to}"));
        if let Some(namespace) = self.namespace {
            query.append_pair("metricnamespace", namespace);
        }
        if !self.dimensions.is_empty() {
            let equals =
                |(name, value): &(String, String)| format!("{name} eq '{}'", value.replace('\'', "''"));
            let filter: Vec<String> = self.dimensions.iter().map(equals).collect();
            query.append_pair("$filter", &filter.join(" and "));
        }
        drop(query);
        url
    }

    fn read(&self, answer: Answer) -> Result<Option<f64>> {
        let mut series = Vec::new();
        for metric in answer.value {
            if let Some(code) = metric.error_code.filter(|code| code != "Success") {
                let what = "Azure Monitor could not read the metric";
                let error = Error::new(ErrorKind::Unavailable, what).with("code", code);
                let told = metric.error_message.unwrap_or_default();
                return Err(if told.is_empty() {
                    error
                } else {
                    error.caused_by(escaped(&told).to_string())
                });
            }
            series.extend(metric.timeseries);
        }
        if series.len() > 1 {
            let what = "the metric has several series: choose one by its dimensions";
            return Err(Error::new(ErrorKind::InvalidInput, what).with("series", series.len()));
        }
        let mut newest = None;
        for point in series.into_iter().flat_map(|series| series.data) {
            let number = match point.numbers.get(&self.aggregation.to_lowercase()) {
                // The newest minutes have no number yet.
                None | Some(Value::Null) => continue,
                Some(number) => number.as_f64().ok_or_else(|| unreadable(NoNumber(number.to_string())))?,
            };
            if newest.is_none_or(|(time, _)| time < point.time_stamp) {
                newest = Some((point.time_stamp, number));
            }
        }
        Ok(newest.map(|(_, number)| number))
    }
}

/// A value of a metric that is not a number.
#[derive(Debug)]
struct NoNumber(String);

impl std::fmt::Display for NoNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is not a number", self.0)
    }
}

impl std::error::Error for NoNumber {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RESOURCE: &str = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/shop/providers/\
                            Microsoft.Network/loadBalancers/shop";

    fn read(answer: Value) -> Result<Option<f64>> {
        let question = Question {
            resource: &ResourceId::parse(RESOURCE).unwrap(),
            metric: "DipAvailability",
            namespace: None,
            dimensions: &[],
            aggregation: "Average",
            interval: "PT1M",
            from: Timestamp::UNIX_EPOCH,
            to: Timestamp::UNIX_EPOCH,
        };
        question.read(serde_json::from_value(answer).unwrap())
    }

    fn of(data: Value) -> Value {
        json!({ "value": [{ "errorCode": "Success", "timeseries": [{ "metadatavalues": [], "data": data }] }] })
    }

    #[test]
    fn the_newest_number_counts_in_any_order_and_nulls_do_not() {
        let data = json!([
            { "timeStamp": "2026-03-02T09:02:00Z", "average": 97.5, "count": 4.0 },
            { "timeStamp": "2026-03-02T09:00:00Z", "average": 99.0 },
            { "timeStamp": "2026-03-02T09:03:00Z", "average": null },
            { "timeStamp": "2026-03-02T09:04:00Z" },
            { "timeStamp": "2026-03-02T09:05:00Z", "total": 3.0 },
        ]);
        assert_eq!(read(of(data)).unwrap(), Some(97.5));
        assert_eq!(read(of(json!([{ "timeStamp": "2026-03-02T09:04:00Z" }]))).unwrap(), None);
        assert_eq!(read(of(json!([]))).unwrap(), None);
        assert_eq!(read(json!({ "value": [{ "timeseries": [] }] })).unwrap(), None);
        assert_eq!(read(json!({ "value": [] })).unwrap(), None);
    }

    #[test]
    fn what_is_no_single_series_of_numbers_is_an_error() {
        let mut two = of(json!([]));
        two["value"][0]["timeseries"] = json!([{ "data": [] }, { "data": [] }]);
        let mut failed = of(json!([]));
        failed["value"][0]["errorCode"] = json!("InternalServerError");
        failed["value"][0]["errorMessage"] = json!("try\nagain");
        let text = of(json!([{ "timeStamp": "2026-03-02T09:04:00Z", "average": "many" }]));
        for (answer, words) in [
            (two, "the metric has several series: choose one by its dimensions (series=\"2\")"),
            (failed, "could not read the metric (code=\"InternalServerError\"): try\\nagain"),
            (text, "\"many\" is not a number"),
        ] {
            let told = read(answer).unwrap_err().chain();
            assert!(told.contains(words), "{told}");
        }
        for (missing, answer) in [
            ("value", json!({})),
            ("timeseries", json!({ "value": [{}] })),
            ("data", json!({ "value": [{ "timeseries": [{}] }] })),
            ("timeStamp", of(json!([{ "average": 1.0 }]))),
        ] {
            let told = serde_json::from_value::<Answer>(answer).unwrap_err().to_string();
            assert!(told.contains(missing), "{told}");
        }
    }
}
