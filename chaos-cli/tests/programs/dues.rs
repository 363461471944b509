//! The dues of a journal, and what is forgotten of it, through `history`.

use chaos_core::{
    Journal,
    fault::{FaultRecord, FaultState, Magnitude, Mark},
    journal::{Arming, DueNote, FaultQuery, Limits},
    recovery::RecoveryRecord,
    schedule::{DueId, TakenDue},
};
use chaos_journal::SqlJournal;
use jiff::{Timestamp, ToSpan, civil::date};
use tempfile::tempdir;

use super::support::{HISTORY, run, text};

fn at(day: i8) -> Timestamp {
    format!("2026-03-{day:02}T10:00:00Z").parse().unwrap()
}

/// Carries out the due of `group` on this day of March.
async fn carry_out(journal: &SqlJournal, group: &str, day: i8) -> String {
    let id = format!("{:016x}", i64::from(day) + if group == "web" { 0 } else { 0x100 });
    let mut fault = FaultRecord::armed(
        id.parse().unwrap(),
        1,
        format!("local:{group}/replica-0").parse().unwrap(),
        "stop",
        RecoveryRecord::new("test/nothing/1", serde_json::json!({})),
        Magnitude::default(),
        at(day),
        at(day) + 1.minute(),
    );
    let last = journal.find(&FaultQuery::all().group(fault.group.clone()).limit(1)).await.unwrap().faults;
    fault.due = Some(TakenDue::new(
        date(2026, 3, day),
        format!("{day:016x}").parse().unwrap(),
        last.first().map(|last| last.armed_at),
    ));
    let armed = journal.arm(&fault, &Limits::none()).await.unwrap();
    assert!(matches!(armed, Arming::Armed(_)), "{armed:?}");
    for state in [FaultState::Injecting, FaultState::Active, FaultState::Recovering, FaultState::Recovered] {
        journal.mark(fault.id, &Mark::new(state, at(day) + 1.minute())).await.unwrap();
    }
    id
}

#[tokio::test]
async fn history_shows_what_came_of_each_due_and_forgets_what_is_over() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("chaos.journal");
    let journal = SqlJournal::open(&path).await.unwrap();
    for day in 2..=5 {
        carry_out(&journal, "web", day).await;
    }
    let last = carry_out(&journal, "shop", 2).await;
    let id = |group: &str, day| DueId::new(format!("local:{group}").parse().unwrap(), date(2026, 3, day));
    let halted = DueNote::open(id("shop", 3), at(3)).drawn(at(3)).because(["everything is halted: smoke"]);
    for _ in 0..3 {
        journal.note_due(&halted).await.unwrap();
    }
    journal.note_due(&DueNote::missed(id("shop", 3), at(4))).await.unwrap();
    journal.note_due(&DueNote::would_have_been(id("web", 6), at(6)).drawn(at(6))).await.unwrap();
    journal.note_due(&DueNote::open(id("web", 9), at(6)).drawn(at(9))).await.unwrap();
    journal.close().await.unwrap();

    let dues = async |more: &[&str]| {
        let arguments = [&["--dues", "--journal", text(&path)][..], more].concat();
        run(HISTORY, arguments).await.with_code(0)
    };
    let shown = dues(&[]).await.stdout;
    assert_eq!(shown.matches("carried out").count(), 6, "one of them would have been:\n{shown}");
    let missed = "everything is halted: smoke (3 times from 2026-03-03T10:00:00Z to 2026-03-03T10:00:00Z)";
    assert!(shown.contains("missed") && shown.contains(missed), "{shown}");
    assert!(shown.contains("would have been carried out"), "{shown}");
    let json = dues(&["--json"]).await.json();
    assert_eq!(json["dues"].as_array().unwrap().len(), 8, "{json:#}");
    let first = &json["dues"][0];
    assert_eq!((first["group"].as_str(), first["day"].as_str()), (Some("local:shop"), Some("2026-03-02")));
    assert_eq!((first["state"].as_str(), first["faults"][0].as_str()), (Some("carried-out"), Some(&*last)));
    let count = async |more: &[&str]| {
        dues(&[more, &["--json"]].concat()).await.json()["dues"].as_array().unwrap().len()
    };
    assert_eq!(count(&["--group", "shop"]).await, 2);
    assert_eq!(count(&["--since", "2026-03-05T00:00:00Z"]).await, 3);
    assert_eq!(count(&["--limit", "2"]).await, 2);
    let error =
        run(HISTORY, ["--dues", "--journal", text(&path), "--group", "shp"]).await.with_code(2).stderr;
    assert!(error.contains("--group"), "{error}");

    // Nobody is asked, so nothing is forgotten.
    let purge = ["--journal", text(&path), "--purge-before", "2026-03-05"];
    let error = run(HISTORY, purge).await.with_code(2).stderr;
    assert!(error.contains("pass --yes"), "{error}");
    assert_eq!(count(&[]).await, 8);
    let purge = [&purge[..], &["--yes"]].concat();
    let said = run(HISTORY, purge.clone()).await.with_code(0).stdout;
    // The last fault of each group stays, and with it its due.
    assert_eq!(said.trim(), "forgotten: 3 faults and 4 dues before 2026-03-05T00:00:00Z");
    let faults = run(HISTORY, ["--json", "--journal", text(&path)]).await.with_code(0).json();
    let left: Vec<_> =
        faults["faults"].as_array().unwrap().iter().map(|fault| fault["armed_at"].as_str()).collect();
    assert_eq!(left, [Some("2026-03-02T10:00:00Z"), Some("2026-03-05T10:00:00Z")]);
    let again = run(HISTORY, [&purge[..], &["--json"]].concat()).await.with_code(0).json();
    assert_eq!((again["faults"].as_u64(), again["dues"].as_u64()), (Some(0), Some(0)), "{again:#}");
    let future = ["--journal", text(&path), "--yes", "--purge-before", "2999-01-01"];
    let error = run(HISTORY, future).await.with_code(2).stderr;
    assert!(error.contains("not in the future"), "{error}");
}
