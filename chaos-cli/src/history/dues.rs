//! What came of the dues in a journal.

use chaos_core::{
    Journal, Result,
    journal::{DueQuery, DueRecord, DueState, DueStop, FoundDues},
};
use jiff::{Timestamp, ToSpan, tz::TimeZone};

use super::whole_id::whole_id;
use crate::{
    program::{print, print_json, unreadable_table},
    table::Table,
};

/// The filters that make sense for dues.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub(super) since: Option<Timestamp>,
    pub(super) group: Option<&'a str>,
    pub(super) limit: Option<usize>,
}

/// The dues that match.
pub(super) async fn find(journal: &impl Journal, wanted: &Wanted<'_>) -> Result<FoundDues> {
    let mut query = DueQuery::all();
    // A day is one of the schedule's zone, which the journal does not know.
    query.since = wanted.since.map(|since| since.to_zoned(TimeZone::UTC).date().saturating_sub(1.day()));
    if let Some(group) = wanted.group {
        let known = journal.dues(&DueQuery::all()).await?.dues.into_iter().map(|due| due.id.group);
        query.group = Some(whole_id("--group", group, "local:drill", known)?);
    }
    let mut found = journal.dues(&query).await?;
    let is_since = |due: &DueRecord| {
        wanted.since.is_none_or(|since| due.at.unwrap_or(due.changed_at).max(due.changed_at) >= since)
    };
    found.dues.retain(is_since);
    let surplus = wanted.limit.map_or(0, |limit| found.dues.len().saturating_sub(limit));
    found.dues.drain(..surplus);
    Ok(found)
}

/// Prints them, as JSON or as a table.
pub(super) fn show(found: &FoundDues, json: bool) -> Result<()> {
    if json {
        return print_json(found);
    }
    let mut parts = vec![match found.dues.is_empty() {
        true => "no dues".to_owned(),
        false => table(&found.dues).to_string(),
    }];
    if !found.unreadable.is_empty() {
        parts.push(format!("\n{}", unreadable_table(&found.unreadable)));
    }
    print(&parts.join("\n"))
}

fn table(dues: &[DueRecord]) -> Table {
    let mut table = Table::with_headings(["day", "group", "due at", "result", "fault", "why"]);
    for due in dues {
        let faults: Vec<String> = due.faults.iter().map(ToString::to_string).collect();
        table.row([
            due.id.day.to_string(),
            due.id.group.to_string(),
            due.at.map_or_else(|| "-".to_owned(), |at| format!("{at:.0}")),
            result(due).to_owned(),
            if faults.is_empty() { "-".to_owned() } else { faults.join(", ") },
            why(due),
        ]);
    }
    table
}

fn result(due: &DueRecord) -> &'static str {
    match (due.state, due.rehearsed) {
        (DueState::Open, false) => "open",
        (DueState::Open, true) => "open (rehearsal)",
        (DueState::Missed, false) => "missed",
        (DueState::Missed, true) => "would have been missed",
        (DueState::WouldHaveBeen, _) => "would have been carried out",
        (DueState::CarriedOut, _) => "carried out",
        _ => "unknown",
    }
}

/// Every reason, each with how often and until when.
fn why(due: &DueRecord) -> String {
    let mut reasons: Vec<String> = due.stops.iter().map(stop).collect();
    if due.other_stops > 0 {
        reasons.push(format!("{} earlier stops for other reasons", due.other_stops));
    }
    reasons.join("; ")
}

fn stop(stop: &DueStop) -> String {
    match stop.times {
        1 => format!("{} (at {:.0})", stop.why, stop.first),
        times => format!("{} ({times} times from {:.0} to {:.0})", stop.why, stop.first, stop.last),
    }
}

#[cfg(test)]
mod tests {
    use chaos_core::{journal::DueNote, schedule::DueId};
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_line_says_what_came_of_a_due_and_why_with_hostile_text_in_it() {
        let id = DueId::new("local:web".parse().unwrap(), date(2026, 3, 2));
        let at: Timestamp = "2026-03-02T10:00:00Z".parse().unwrap();
        let mut due = DueRecord::open(id.clone(), false, at);
        for minutes in [0, 5, 10] {
            let now = at + minutes.minutes();
            due.apply(
                &DueNote::open(id.clone(), now).drawn(at).because(["everything is halted: a\nb\u{202e}"]),
            );
        }
        due.apply(&DueNote::missed(id, at + 14.hours()));
        let shown = table(&[due]).to_string();
        assert!(shown.contains("2026-03-02") && shown.contains("missed"), "{shown}");
        let times = "(3 times from 2026-03-02T10:00:00Z to 2026-03-02T10:10:00Z)";
        assert!(shown.contains(times) && shown.contains(r"a\nb\u{202e}"), "{shown}");
    }
}
