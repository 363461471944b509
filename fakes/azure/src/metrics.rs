//! `Microsoft.Insights/metrics`: the numbers of a resource by the minute.

use hyper::Method;
use serde_json::{Value, json};

use super::{
    answer::{Answer, Answered},
    call::Call,
    cloud::Cloud,
    errors::resource_not_found,
};

const AGGREGATIONS: [&str; 5] = ["average", "count", "maximum", "minimum", "total"];

/// `scope` is the path of a resource, in lower case.
pub(super) fn answer(cloud: &Cloud, call: &Call, scope: &[&str]) -> Answered {
    if call.method != Method::GET {
        return Err(Answer::no_route(&call.path));
    }
    let key = format!("/{}", scope.join("/"));
    let metrics = cloud.metrics.get(&key);
    if metrics.is_none() && !cloud.machines.contains_key(&key) && !cloud.scale_sets.contains_key(&key) {
        return Err(resource_not_found(call));
    }
    let name = call.parameter("metricnames").unwrap_or_default();
    let metric = metrics.and_then(|metrics| metrics.get(&name.to_lowercase())).ok_or_else(|| {
        let valid: Vec<&str> = metrics.into_iter().flatten().map(|(_, metric)| metric.name.as_str()).collect();
        let [provider, kind] = [5, 6].map(|segment| call.segments.get(segment).map_or("", String::as_str));
        bad_request(format!(
            "Failed to find metric configuration for provider: {provider}, resource Type: {kind}, metric: {name}, \
             Valid metrics: {}",
            valid.join(",")
        ))
    })?;
    let aggregation = call.parameter("aggregation").unwrap_or("Average").to_lowercase();
    if !AGGREGATIONS.contains(&aggregation.as_str()) {
        return Err(bad_request(format!("Invalid aggregation type: {aggregation}")));
    }
    let interval = call.parameter("interval").unwrap_or("PT1M");
    if interval != "PT1M" {
        return Err(bad_request(format!(
            "Detected invalid time grain input, supported ones: 00:01:00, requested: {interval}"
        )));
    }
    if call.parameter("$filter").is_some() {
        return Err(bad_request(
            "Metric does not support requested dimension combination, supported ones are: .".to_owned(),
        ));
    }
    let timespan = call.parameter("timespan").unwrap_or_default();
    let span = timespan.split_once('/').and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    let Some((from, to)) = span else {
        return Err(bad_request(format!("Invalid time interval input: {timespan}")));
    };
    let data: Vec<Value> = metric
        .within(from, to)
        .into_iter()
        .map(|(time, value)| {
            let mut point = json!({ "timeStamp": time.to_string() });
            if let Some(value) = value {
                point[&aggregation] = json!(value);
            }
            point
        })
        .collect();
    let kind = [5, 6].map(|segment| call.segments.get(segment).map_or("", String::as_str)).join("/");
    Ok(Answer::ok(json!({
        "cost": 0,
        "timespan": timespan,
        "interval": interval,
        "namespace": kind,
        "resourceregion": "westeurope",
        "value": [{
            "id": format!("{}/providers/Microsoft.Insights/metrics/{}", call.id_up_to(scope.len()), metric.name),
            "type": "Microsoft.Insights/metrics",
            "name": { "value": metric.name, "localizedValue": metric.name },
            "displayDescription": metric.name,
            "unit": "Unspecified",
            "errorCode": "Success",
            "timeseries": if data.is_empty() { json!([]) } else { json!([{ "metadatavalues": [], "data": data }]) },
        }],
    })))
}

/// Azure Monitor puts its errors into no `error`.
fn bad_request(message: String) -> Answer {
    Answer::json(400, json!({ "code": "BadRequest", "message": message }))
}
