//! `Microsoft.ResourceGraph/resources`: queries over the resources of a subscription.

use std::sync::Arc;

use chaos_core::{
    Error, ErrorKind, Result,
    listing::{Page, pages},
};
use futures_util::TryStreamExt;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::client::arm::{Arm, Request};

const API_VERSION: &str = "2021-03-01";
const PATH: &str = "/providers/Microsoft.ResourceGraph/resources";

/// The number of rows on a page. Resource Graph allows no more.
const PAGE: usize = 1000;

/// A row of the result, by the names of its columns.
pub(crate) type Row = Map<String, Value>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    /// The number of rows on all pages.
    total_records: usize,
    count: usize,
    /// `true` or `false`, as a text.
    result_truncated: String,
    #[serde(default, rename = "$skipToken")]
    skip_token: Option<String>,
    data: Vec<Row>,
}

/// All rows of the result of a query in one subscription.
pub(crate) async fn rows(arm: &Arc<Arm>, subscription: &str, query: &str) -> Result<Vec<Row>> {
    let fetch = |token: Option<String>| {
        let arm = Arc::clone(arm);
        async move {
            let mut body = json!({
                "subscriptions": [subscription],
                "query": query,
                "options": { "resultFormat": "objectArray", "$top": PAGE },
            });
            if let Some(token) = token {
                body["options"]["$skipToken"] = json!(token);
            }
            let request = Request::query(arm.at(PATH, API_VERSION), body.to_string());
            page(arm.send(&request).await?.read()?)
        }
    };
    let answers: Vec<Answer> = Box::pin(pages(fetch)).try_collect().await?;
    all(answers)
}

fn page(mut answer: Answer) -> Result<Page<Answer>> {
    if answer.count != answer.data.len() {
        let what = "an answer of Resource Graph does not have the rows that it counts";
        return Err(Error::new(ErrorKind::Unavailable, what)
            .with("counted", answer.count)
            .with("found", answer.data.len()));
    }
    let next = answer.skip_token.take();
    Ok((answer, next))
}

/// The rows of all pages, if none is missing. A query that says how many rows it wants counts as truncated, even if its
/// one page has them all.
fn all(answers: Vec<Answer>) -> Result<Vec<Row>> {
    let found: usize = answers.iter().map(|answer| answer.data.len()).sum();
    let last =
        answers.last().ok_or_else(|| Error::new(ErrorKind::Unavailable, "a query without any answer"))?;
    let is_short = found < last.total_records;
    let told = |error: Error| error.with("found", found).with("total", last.total_records);
    if !last.result_truncated.eq_ignore_ascii_case("false") && (is_short || last.data.len() >= PAGE) {
        let what = "Resource Graph returned only a part of the resources, and has no next page: narrow the query, or \
            ask for fewer than 1,000 with `take`";
        return Err(told(Error::new(ErrorKind::InvalidInput, what)));
    }
    if is_short {
        let what =
            "Resource Graph returned fewer resources than it counted, perhaps because they changed meanwhile";
        return Err(told(Error::new(ErrorKind::Unavailable, what)));
    }
    Ok(answers.into_iter().flat_map(|answer| answer.data).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(rows: usize, total: usize, truncated: &str, token: Option<&str>) -> Answer {
        let row = json!({ "name": "web" });
        let data = vec![row; rows];
        let mut document =
            json!({ "totalRecords": total, "count": rows, "resultTruncated": truncated, "data": data });
        if let Some(token) = token {
            document["$skipToken"] = json!(token);
        }
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn a_truncated_answer_is_whole_only_if_it_has_all_that_match() {
        for (rows, total, truncated, expected) in [
            (2, 2, "false", Ok(2)),
            (0, 0, "false", Ok(0)),
            // With `sample 2`.
            (2, 2, "true", Ok(2)),
            (2, 3, "true", Err((ErrorKind::InvalidInput, "only a part of the resources"))),
            (1000, 1000, "true", Err((ErrorKind::InvalidInput, "only a part of the resources"))),
            (2, 2, "maybe", Ok(2)),
            (2, 3, "maybe", Err((ErrorKind::InvalidInput, "only a part"))),
            (2, 3, "false", Err((ErrorKind::Unavailable, "fewer resources than it counted"))),
        ] {
            let found = all(vec![answer(rows, total, truncated, None)]).map(|rows| rows.len());
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(error), Err((kind, words))) => {
                    assert_eq!(error.kind(), kind, "{error}");
                    assert!(error.to_string().contains(words), "{error}");
                }
                (found, _) => panic!("{rows} of {total}, {truncated}: {found:?}"),
            }
        }
        let pages = vec![answer(1000, 1002, "false", Some("a")), answer(2, 1002, "false", None)];
        assert_eq!(all(pages).unwrap().len(), 1002);
        assert!(all(Vec::new()).is_err());
    }

    #[test]
    fn a_page_counts_its_rows() {
        let (_, next) = page(answer(2, 9, "false", Some("next"))).unwrap();
        assert_eq!(next.as_deref(), Some("next"));
        let mut wrong = answer(2, 2, "false", None);
        wrong.count = 3;
        let error = page(wrong).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        for field in ["totalRecords", "count", "resultTruncated", "data"] {
            let mut document = json!({
                "totalRecords": 0, "count": 0, "resultTruncated": "false", "data": [], "facets": [],
            });
            document.as_object_mut().unwrap().remove(field);
            assert!(serde_json::from_value::<Answer>(document).unwrap_err().to_string().contains(field));
        }
    }
}
