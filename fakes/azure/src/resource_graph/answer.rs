use hyper::Method;
use serde_json::{Value, json};

use super::{
    query::Query,
    reader::Invalid,
    rows::{COLUMNS, rows},
};
use crate::{
    answer::{Answer, Answered},
    call::Call,
    cloud::Cloud,
    directory::Directory,
};

/// The most rows of a page, and their number if a request names none.
const MOST_ROWS: usize = 1000;

/// Answers a query. It needs no permission of its own: the caller sees the resources that it may read.
pub(crate) fn answer(cloud: &Cloud, call: &Call) -> Answered {
    if call.method != Method::POST {
        return Err(Answer::no_route(&call.path));
    }
    let subscriptions = eligible(cloud, call)?;
    let query = call.json()["query"].as_str().unwrap_or_default();
    let query = Query::parse(query).map_err(|Invalid(word)| invalid_query(cloud, &word))?;
    let options = &call.json()["options"];
    let start = match &options["$skipToken"] {
        Value::Null => 0,
        token => token.as_str().and_then(position).ok_or_else(|| invalid_token(cloud))?,
    };
    let most = options["$top"].as_u64().map_or(MOST_ROWS, |top| usize::try_from(top).unwrap_or(MOST_ROWS));
    let most = most.min(MOST_ROWS).min(cloud.settings.page_size).max(1);

    let rows = query.run(rows(cloud, &subscriptions));
    let total = rows.len();
    let page: Vec<Value> = rows.into_iter().skip(start).take(most).collect();
    let count = page.len();
    // A query that says how many rows it wants has no pages, and counts as truncated.
    let mut body = json!({
        "totalRecords": total,
        "count": count,
        "resultTruncated": if query.is_limited() { "true" } else { "false" },
        "facets": [],
    });
    if !query.is_limited() && start + count < total {
        body["$skipToken"] = json!(token(start + count));
    }
    body["data"] = match options["resultFormat"].as_str() {
        Some("table") => table(&query, &page),
        _ => Value::Array(page),
    };
    Ok(Answer::ok(body))
}

fn table(query: &Query, page: &[Value]) -> Value {
    let kind = |name: &String| {
        let column = COLUMNS.iter().find(|(column, _)| column == name);
        column.map_or("object", |(_, kind)| *kind)
    };
    let columns: Vec<Value> =
        query.columns.iter().map(|name| json!({ "name": name, "type": kind(name) })).collect();
    let rows: Vec<Value> =
        page.iter().map(|row| query.columns.iter().map(|name| row[name].clone()).collect()).collect();
    json!({ "columns": columns, "rows": rows })
}

/// The named subscriptions that exist in the caller's tenant and in which it may read anything, in lower case. Others
/// are left out without a word, as long as there is any.
fn eligible(cloud: &Cloud, call: &Call) -> Result<Vec<String>, Answer> {
    let named = call.json()["subscriptions"].as_array().cloned().unwrap_or_default();
    let named: Vec<&str> = named.iter().filter_map(Value::as_str).collect();
    let eligible: Vec<String> = named
        .iter()
        .map(|id| id.to_lowercase())
        .filter(|id| cloud.subscriptions.get(id).is_some_and(|found| found.tenant == Directory::TENANT))
        .filter(|_| !cloud.role.actions.is_empty())
        .collect();
    if eligible.is_empty() {
        let message = format!(
            "There must be at least one subscription that is eligible to contain resources. Given: '{}'.",
            named.join(", ")
        );
        let details = json!([{ "code": "NoValidSubscriptionsInQueryRequest", "message": message }]);
        return Err(bad_request(cloud, &details));
    }
    Ok(eligible)
}

fn invalid_query(cloud: &Cloud, word: &str) -> Answer {
    let message = "Query is invalid. Please refer to the documentation for the Azure Resource Graph service and fix \
        the error before retrying.";
    bad_request(
        cloud,
        &json!([
            { "code": "InvalidQuery", "message": message },
            { "code": "ParserFailure", "message": "ParserFailure", "line": 1, "token": word },
        ]),
    )
}

fn invalid_token(cloud: &Cloud) -> Answer {
    let message = "The provided skip token is invalid.";
    bad_request(cloud, &json!([{ "code": "InvalidSkipToken", "message": message }]))
}

/// Resource Graph tells the reason in the details only.
fn bad_request(cloud: &Cloud, details: &Value) -> Answer {
    let message = format!(
        "Please provide below info when asking for support: timestamp = {}, correlationId = \
         00000000-0000-0000-0000-000000000000.",
        cloud.now
    );
    Answer::json(400, json!({ "error": { "code": "BadRequest", "message": message, "details": details } }))
}

fn token(position: usize) -> String {
    format!("fake-{position:x}")
}

fn position(token: &str) -> Option<usize> {
    usize::from_str_radix(token.strip_prefix("fake-")?, 16).ok()
}
