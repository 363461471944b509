//! `chaos holidays`, as a process.

use serde_json::json;

use crate::support::{CHAOS, run};

#[tokio::test]
async fn the_holidays_of_a_year_are_listed() {
    let listed = run(CHAOS, ["holidays", "US/public", "2026", "--json"]).await.with_code(0).json();
    let days = listed["days"].as_array().unwrap();
    assert_eq!(days.len(), 12, "{listed:#}");
    assert_eq!(days[10], json!({ "date": "2026-11-26", "name": "Thanksgiving Day", "category": "public" }));
    let table = run(CHAOS, ["holidays", "DE-BY", "2026"]).await.with_code(0).stdout;
    assert!(table.contains("2026-08-15  Saturday   Assumption Day           catholic"), "{table}");
}

#[tokio::test]
async fn a_year_without_any_is_told_and_what_is_no_calendar_is_refused() {
    let empty = run(CHAOS, ["holidays", "UA", "2024"]).await.with_code(0).stdout;
    assert_eq!(empty, "no holiday of UA is known in 2024, so a calendar with it is closed all year\n");
    for (arguments, expected) in [
        (["holidays", "DE-BX", "2026"], "invalid holidays: \"DE-BX\"; "),
        (["holidays", "DE", "1999"], "invalid year: 1999; expected one from 2000 to 2050"),
        (["holidays", "DE", "soon"], "'soon'"),
    ] {
        let ended = run(CHAOS, arguments).await.with_code(2);
        assert!(ended.stderr.contains(expected) && ended.stdout.is_empty(), "{ended:#?}");
    }
}
