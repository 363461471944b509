//! Journals of earlier versions of the schema.

use std::{collections::BTreeSet, env, path::Path};

use crate::common::{
    arm, at,
    child::{CHILD, child_on_read_only_mount, say, wait_for},
    fault, id, stranger,
};
use chaos_core::{
    ErrorKind, Journal,
    fault::{CutShort, FaultState, Mark},
    journal::{Arming, DueQuery, DueState, FaultQuery, Limits},
    plan::Reason,
    schedule::TakenDue,
};
use chaos_journal::SqlJournal;
use jiff::{SignedDuration, Timestamp, civil::Date};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};

/// A journal of the first version, closed: two faults, one of them pending, and one whose deadline is the end of time.
const VERSION_1: &str = include_str!("version_1.sql");

/// The migrations to the versions from 2 on, before the current one.
const MIGRATIONS: [&str; 4] = [
    include_str!("../../migrations/0002_ends.sql"),
    include_str!("../../migrations/0003_incarnation.sql"),
    include_str!("../../migrations/0004_progress.sql"),
    include_str!("../../migrations/0005_dues.sql"),
];

const CURRENT: i64 = 6;

async fn connect(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
}

async fn journal(path: &Path) {
    let mut connection = connect(path).await;
    sqlx::raw_sql(VERSION_1).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// The same journal, in a later version.
async fn journal_of_version(path: &Path, version: usize) {
    journal(path).await;
    let mut connection = connect(path).await;
    for migration in &MIGRATIONS[..version - 1] {
        sqlx::raw_sql(*migration).execute(&mut connection).await.unwrap();
    }
    let identity = AssertSqlSafe(format!("PRAGMA user_version = {version}"));
    sqlx::raw_sql(identity).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn version(path: &Path) -> i64 {
    let mut connection = connect(path).await;
    let version = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    version
}

#[tokio::test]
async fn a_journal_of_version_1_is_brought_up_to_date_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    journal(&path).await;
    for _ in 0..2 {
        let journal = SqlJournal::open_existing(&path).await.unwrap();
        let found = journal.find(&FaultQuery::all()).await.unwrap();
        assert_eq!(found.unreadable, []);
        let [recovered, pending] = &found.faults[..] else { panic!("{found:#?}") };
        assert_eq!((recovered.id, recovered.state), (id(0xa1), FaultState::Recovered));
        assert_eq!(recovered.recover_by, recovered.deadline + SignedDuration::from_mins(5));
        assert_eq!(recovered.achieved.get("seconds"), Some(59.5));
        assert_eq!(recovered.note.as_deref(), Some("gone for good"));
        assert_eq!((recovered.cut_short, recovered.no_effect.as_deref()), (None, None));
        assert_eq!((pending.id, pending.state), (id(0xa2), FaultState::Active));
        assert_eq!(pending.recover_by, Timestamp::MAX);
        assert_eq!(journal.orphans(at(0)).await.unwrap().faults, std::slice::from_ref(pending));
        journal.close().await.unwrap();
    }
    let journal = SqlJournal::open(&path).await.unwrap();
    let mark = Mark::new(FaultState::Recovering, at(1))
        .cut_short(Some(CutShort::EndedEarly))
        .no_effect(Some("nothing was filled".to_owned()));
    journal.mark(id(0xa2), &mark).await.unwrap();
    let found = journal.pending().await.unwrap().faults;
    assert_eq!(found[0].cut_short, Some(CutShort::EndedEarly));
    assert_eq!(found[0].no_effect.as_deref(), Some("nothing was filled"));
    journal.close().await.unwrap();
    assert_eq!(version(&path).await, CURRENT);
}

/// Older faults have no incarnation, and new ones keep theirs.
#[tokio::test]
async fn a_journal_of_version_2_is_brought_up_to_date_and_keeps_incarnations_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    journal_of_version(&path, 2).await;
    assert_eq!(version(&path).await, 2);
    let journal = SqlJournal::open_existing(&path).await.unwrap();
    let found = journal.find(&FaultQuery::all()).await.unwrap();
    assert_eq!((found.faults.len(), found.unreadable.len()), (2, 0));
    assert!(found.faults.iter().all(|fault| fault.incarnation.is_none()), "{found:#?}");
    let recorded = fault(3, "local:web/c", "stop").incarnation(Some("4711.158125".to_owned()));
    arm(&journal, &recorded).await;
    // The pending fault can be brought to its end.
    journal.mark(id(0xa2), &Mark::new(FaultState::Recovering, at(1))).await.unwrap();
    journal.mark(id(0xa2), &Mark::new(FaultState::Recovered, at(2))).await.unwrap();
    journal.close().await.unwrap();
    assert_eq!(version(&path).await, CURRENT);
    let journal = SqlJournal::open_existing(&path).await.unwrap();
    let pending = journal.pending().await.unwrap();
    assert_eq!((pending.faults, pending.unreadable), (vec![recorded], vec![]));
}

#[tokio::test]
async fn a_journal_of_version_1_on_a_read_only_mount_can_be_read_as_it_is() {
    let name = "older_versions::a_journal_of_version_1_on_a_read_only_mount_can_be_read_as_it_is";
    if let Some(path) = env::var_os(CHILD) {
        let journal = SqlJournal::open_existing(path).await.unwrap();
        assert!(journal.is_read_only());
        let found = journal.find(&FaultQuery::all()).await.unwrap();
        assert_eq!((found.faults.len(), found.unreadable.len()), (2, 0));
        assert_eq!(found.faults[0].recover_by, found.faults[0].deadline + SignedDuration::from_mins(5));
        // It keeps none, which is not the same as that there were none.
        let error = journal.dues(&DueQuery::all()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        return say("read");
    }
    if !stranger::is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    journal(&path).await;
    let mut reader = child_on_read_only_mount(folder.path(), name, &path);
    wait_for(&mut reader, "read");
    assert!(reader.wait().unwrap().success());
}

/// Dues are carried out once from then on, and the faults of before count as the last ones of their groups.
#[tokio::test]
async fn a_journal_of_any_earlier_version_takes_dues() {
    for earlier in 1..=MIGRATIONS.len() + 1 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        journal_of_version(&path, earlier).await;
        assert_eq!(version(&path).await, i64::try_from(earlier).unwrap());
        let journal = SqlJournal::open_existing(&path).await.unwrap();
        let before = journal.find(&FaultQuery::all()).await.unwrap().faults;
        let last = before.iter().max_by_key(|fault| fault.armed_at).unwrap();
        let due = |run: &str, last_fault| {
            let mut due = fault(3, &format!("{}/c", last.group), "stop");
            due.due = Some(TakenDue::new(Date::constant(2026, 3, 2), run.parse().unwrap(), last_fault));
            due
        };
        let unaware = journal.arm(&due("0000000000000001", None), &Limits::none()).await.unwrap();
        assert!(matches!(unaware, Arming::Refused(Reason::HitSince { .. })), "{earlier}: {unaware:?}");
        let first = due("0000000000000001", Some(last.armed_at));
        arm(&journal, &first).await;
        let mut second = due("0000000000000002", Some(last.armed_at.max(first.armed_at)));
        second.id = id(4);
        second.target = format!("{}/d", last.group).parse().unwrap();
        let again = journal.arm(&second, &Limits::none()).await.unwrap();
        assert!(matches!(again, Arming::Refused(Reason::DueTaken { .. })), "{earlier}: {again:?}");
        journal.close().await.unwrap();
        assert_eq!(version(&path).await, CURRENT);
    }
}

/// Faults of version 5 name their dues; from then on each due has a record.
#[tokio::test]
async fn a_due_that_a_journal_of_version_5_took_has_its_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    journal_of_version(&path, 5).await;
    let mut connection = connect(&path).await;
    let due = TakenDue::new(Date::constant(2026, 3, 2), "00000000000000ff".parse().unwrap(), None);
    let json = serde_json::to_string(&due).unwrap();
    sqlx::query("UPDATE fault SET due = ?").bind(json).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    for _ in 0..2 {
        let journal = SqlJournal::open_existing(&path).await.unwrap();
        let faults = journal.find(&FaultQuery::all()).await.unwrap().faults;
        let found = journal.dues(&DueQuery::all()).await.unwrap();
        assert_eq!(found.unreadable, []);
        let groups: BTreeSet<_> = faults.iter().map(|fault| &fault.group).collect();
        assert_eq!(found.dues.iter().map(|due| &due.id.group).collect::<BTreeSet<_>>(), groups);
        assert_eq!(found.dues.len(), groups.len());
        for record in &found.dues {
            assert_eq!((record.id.day, record.state), (due.day, DueState::CarriedOut), "{record:?}");
            assert_eq!(record.run, Some(due.run));
            assert!(!record.faults.is_empty());
        }
        journal.close().await.unwrap();
    }
}

/// After that, a program of version 1 refuses it by the version in its header, as this one refuses a later one.
#[tokio::test]
async fn a_journal_of_a_later_version_is_left_to_whoever_knows_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    SqlJournal::open(&path).await.unwrap().close().await.unwrap();
    let mut connection = connect(&path).await;
    sqlx::raw_sql("PRAGMA user_version = 7").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let error = SqlJournal::open(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("known=\"6\""), "{error}");
}
