//! Entries that cannot be read, damaged or of a later version: each is reported, and keeps no other from being
//! recovered.

use crate::common::{arm, at, fault, id};
use chaos_core::{
    ErrorKind, Journal,
    fault::{FaultState, Mark, Milestone, Reached},
    journal::{Arming, FaultQuery, Found, Limits},
    plan::Reason,
};
use chaos_journal::SqlJournal;
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, ConnectOptions, SqliteConnection, sqlite::SqliteConnectOptions};

/// The columns that a recovery needs to know what to undo, and on which target.
const NEEDED: [(&str, &str); 7] = [
    ("state", "held-by-a-later-version"),
    ("armed_at", "2026-13-01T00:00:00Z"),
    ("deadline", ""),
    ("recovery_payload", ""),
    ("target", "no id"),
    ("group_id", ""),
    ("id", "not hexadecimal"),
];

/// The columns that only tell how the fault went.
const TOLD: [(&str, &str); 10] = [
    ("seed", "-1"),
    ("requested", "{\"a\":\"b\"}"),
    ("achieved", "[]"),
    ("injected_at", "yesterday"),
    ("milestones", "[{\"milestone\":\"applauded\",\"at\":\"2026-03-02T09:00:00Z\"}]"),
    ("failure", "{\"kind\":\"of-a-later-version\",\"message\":\"m\"}"),
    ("recover_by", "soon"),
    ("cut_short", "\"by-a-later-version\""),
    ("no_effect", "ok"),
    ("gone", "perhaps"),
];

/// A journal with two abandoned faults, and a way to change the first one's row.
async fn two_faults() -> (tempfile::TempDir, SqlJournal, SqliteConnection) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    let journal = SqlJournal::open(&path).await.unwrap();
    drop(arm(&journal, &fault(1, "local:web/a", "stop")).await);
    drop(arm(&journal, &fault(2, "local:web/b", "stop")).await);
    let connection = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    (folder, journal, connection)
}

async fn write(connection: &mut SqliteConnection, column: &str, value: &str) {
    let update = format!("UPDATE fault SET {column} = ? WHERE position = 1");
    sqlx::query(AssertSqlSafe(update)).bind(value).execute(connection).await.unwrap();
}

async fn stored(connection: &mut SqliteConnection, column: &str) -> String {
    let select = format!("SELECT {column} FROM fault WHERE position = 1");
    sqlx::query_scalar(AssertSqlSafe(select)).fetch_one(connection).await.unwrap()
}

fn tells_of(found: &Found, column: &str) {
    assert_eq!(found.faults.len(), 1, "{column}: the other can be read");
    assert_eq!(found.faults[0].id, id(2), "{column}");
    let [unreadable] = &found.unreadable[..] else { panic!("{column}: {found:#?}") };
    let entry = if column == "id" { "not hexadecimal" } else { "0000000000000001" };
    assert_eq!(unreadable.entry, entry);
    assert_eq!(unreadable.target.is_none(), column == "target");
    assert_eq!(unreadable.failure.kind, ErrorKind::Corrupt);
    assert!(unreadable.failure.message.contains(&format!("{column:?}")), "{}", unreadable.failure);
}

#[tokio::test]
async fn a_fault_that_cannot_be_undone_from_its_row_is_listed_beside_the_others() {
    for (column, value) in NEEDED {
        let (_folder, journal, mut connection) = two_faults().await;
        write(&mut connection, column, value).await;
        tells_of(&journal.find(&FaultQuery::all()).await.unwrap(), column);
        tells_of(&journal.pending().await.unwrap(), column);
        tells_of(&journal.orphans(at(0)).await.unwrap(), column);
        let recovering = Mark::new(FaultState::Recovering, at(9));
        if column != "id" {
            let error = journal.mark(id(1), &recovering).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{column}");
            assert!(error.to_string().contains(journal.path().to_str().unwrap()), "{error}");
        }
        journal.mark(id(2), &recovering).await.unwrap();
        journal.mark(id(2), &Mark::new(FaultState::Recovered, at(9))).await.unwrap();
        assert_eq!(journal.orphans(at(0)).await.unwrap().unreadable.len(), 1, "{column}: it is still there");
    }
}

/// Without its incarnation, another target of the same name might be taken for this one. A damaged one does not count
/// as none.
#[tokio::test]
async fn an_incarnation_that_cannot_be_read_is_none_that_is_missing() {
    let (_folder, journal, mut connection) = two_faults().await;
    // Not UTF-8.
    let damaged = "UPDATE fault SET incarnation = CAST(x'fe' AS TEXT) WHERE position = 1";
    sqlx::query(damaged).execute(&mut connection).await.unwrap();
    tells_of(&journal.find(&FaultQuery::all()).await.unwrap(), "incarnation");
    tells_of(&journal.pending().await.unwrap(), "incarnation");
    tells_of(&journal.orphans(at(0)).await.unwrap(), "incarnation");
    let error = journal.mark(id(1), &Mark::new(FaultState::Recovering, at(9))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn what_is_not_needed_to_undo_a_fault_does_not_keep_it_from_being_undone() {
    for (column, value) in TOLD {
        let (_folder, journal, mut connection) = two_faults().await;
        journal.mark(id(1), &Mark::new(FaultState::Injecting, at(5))).await.unwrap();
        write(&mut connection, column, value).await;
        for found in [journal.pending().await.unwrap(), journal.orphans(at(0)).await.unwrap()] {
            assert_eq!(found.faults.len(), 2, "{column}");
            assert_eq!(found.unreadable, [], "{column}");
        }
        if column != "no_effect" {
            // A query reports that its answer is not complete.
            tells_of(&journal.find(&FaultQuery::all()).await.unwrap(), column);
        }
        let seen = vec![Reached::new(Milestone::Healthy, at(8))];
        journal.mark(id(1), &Mark::new(FaultState::Recovering, at(9)).milestones(seen)).await.unwrap();
        journal.mark(id(1), &Mark::new(FaultState::Recovered, at(9))).await.unwrap();
        assert_eq!(journal.pending().await.unwrap().faults.len(), 1, "{column}");
        assert_eq!(stored(&mut connection, column).await, value, "and nothing overwrites it");
    }
}

#[tokio::test]
async fn an_unreadable_fault_counts_for_the_limits() {
    let refused = async |journal: &SqlJournal, target: &str, limits: Limits| match journal
        .arm(&fault(9, target, "stop"), &limits)
        .await
        .unwrap()
    {
        Arming::Refused(reason) => reason,
        Arming::Armed(_) => panic!("armed"),
    };
    for (column, value) in NEEDED {
        let (_folder, journal, mut connection) = two_faults().await;
        write(&mut connection, column, value).await;
        let total = refused(&journal, "local:db/a", Limits::none().total_active(2)).await;
        assert!(matches!(total, Reason::ActiveLimit { active: 2, .. }), "{column}: {total:?}");
        let group = refused(&journal, "local:web/c", Limits::none().group_active(2)).await;
        assert!(matches!(group, Reason::GroupLimit { active: 2, .. }), "{column}: {group:?}");
        if column != "target" {
            let target = refused(&journal, "local:web/a", Limits::none()).await;
            assert!(matches!(target, Reason::UnderFault { .. }), "{column}: {target:?}");
        }
        if column == "group_id" {
            let anywhere = refused(&journal, "local:db/a", Limits::none().group_active(1)).await;
            assert!(matches!(anywhere, Reason::GroupLimit { active: 1, .. }), "{column}: {anywhere:?}");
        }
    }
}

/// A state of a later version may be the requested one.
#[tokio::test]
async fn a_query_for_a_state_tells_of_those_that_it_does_not_know() {
    let (_folder, journal, mut connection) = two_faults().await;
    write(&mut connection, "state", "held-by-a-later-version").await;
    for state in FaultState::ALL {
        let found = journal.find(&FaultQuery::all().state(state)).await.unwrap();
        assert_eq!(found.faults.len(), usize::from(state == FaultState::Armed), "{state}");
        assert_eq!(found.unreadable.len(), 1, "{state}");
    }
    let elsewhere = FaultQuery::all().state(FaultState::Armed).target("local:web/b".parse().unwrap());
    assert_eq!(journal.find(&elsewhere).await.unwrap().unreadable, []);
}

/// If the session of a fault cannot be read, no live process is known to hold the fault.
#[tokio::test]
async fn a_fault_without_a_session_is_nobodys() {
    for session in ["", "../../etc/passwd", "0000000000000000"] {
        let (_folder, journal, mut connection) = two_faults().await;
        write(&mut connection, "session", session).await;
        assert_eq!(journal.orphans(at(0)).await.unwrap().faults.len(), 2, "{session:?}");
    }
}

#[tokio::test]
async fn a_lease_counts_no_more_once_its_fault_is_overdue() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    let (holder, other) = (SqlJournal::open(&path).await.unwrap(), SqlJournal::open(&path).await.unwrap());
    let held = fault(1, "local:web/a", "stop");
    let _lease = arm(&holder, &held).await;
    let in_time = held.recover_by;
    let late = in_time.checked_add(jiff::SignedDuration::from_nanos(1)).unwrap();
    for journal in [&holder, &other] {
        let orphans = async |now: Timestamp| journal.orphans(now).await.unwrap().faults.len();
        assert_eq!((orphans(in_time).await, orphans(late).await), (0, 1));
    }
}
