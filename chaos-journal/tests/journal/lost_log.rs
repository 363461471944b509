//! Armed faults are found without SQLite's log: it may be deleted, truncated or damaged after a crash.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::common::{
    arm, at,
    child::{CHILD, child, say, wait_for, wait_for_parent},
    fault, id,
};
use chaos_core::{
    ErrorKind, Journal,
    fault::{FaultState, Injection, Mark},
    journal::{Arming, Limits},
};
use chaos_journal::SqlJournal;
use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};

type Loss = (&'static str, fn(&Path));

/// Damage to a log.
const LOSSES: [Loss; 5] = [
    ("deleted", |log| fs::remove_file(log).unwrap()),
    ("deleted with its index", |log| {
        fs::remove_file(log).unwrap();
        fs::remove_file(log.with_file_name("j-shm")).unwrap();
    }),
    ("emptied", |log| fs::write(log, "").unwrap()),
    ("cut off", |log| {
        let bytes = fs::read(log).unwrap();
        fs::write(log, &bytes[..bytes.len() / 3]).unwrap();
    }),
    ("damaged", |log| {
        let length = fs::read(log).unwrap().len();
        fs::write(log, vec![0xa5; length]).unwrap();
    }),
];

/// The journal of a process that was killed in the middle of a fault, with its log as it was.
fn killed(name: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    let mut child = child(name, &path);
    wait_for(&mut child, "armed");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(fs::metadata(folder.path().join("j-wal")).unwrap().len() > 0, "there is something to lose");
    (folder, path)
}

#[tokio::test]
async fn a_fault_is_found_after_a_kill_whatever_happens_to_the_log() {
    let name = "lost_log::a_fault_is_found_after_a_kill_whatever_happens_to_the_log";
    if let Some(path) = env::var_os(CHILD) {
        let journal = SqlJournal::open(path).await.unwrap();
        let _armed = arm(&journal, &fault(1, "local:web/a", "stop")).await;
        let _begun = arm(&journal, &fault(2, "local:web/b", "stop")).await;
        journal.mark(id(2), &Mark::new(FaultState::Injecting, at(5))).await.unwrap();
        say("armed");
        return wait_for_parent();
    }
    for (loss, lose) in LOSSES {
        let (folder, path) = killed(name);
        lose(&folder.path().join("j-wal"));
        let journal = SqlJournal::open_existing(&path).await.unwrap();
        let orphans = journal.orphans(at(0)).await.unwrap().faults;
        let states: Vec<_> = orphans.iter().map(|fault| fault.state).collect();
        assert_eq!(states, [FaultState::Armed, FaultState::Injecting], "{loss}");
        assert_eq!(orphans[1].injection(), Injection::Unknown, "{loss}: never taken for untouched");
    }
}

/// A reader of an old state keeps the log from being copied into the file.
#[tokio::test]
async fn nothing_is_armed_while_a_reader_keeps_it_out_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    let journal = SqlJournal::open(&path).await.unwrap();
    drop(arm(&journal, &fault(1, "local:web/a", "stop")).await);
    let lease = arm(&journal, &fault(2, "local:web/b", "stop")).await;

    let mut reader = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    let mut reading = reader.begin().await.unwrap();
    let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM fault").fetch_one(&mut *reading).await.unwrap();
    assert_eq!(seen, 2);
    let error = journal.arm(&fault(3, "local:web/c", "stop"), &Limits::none()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Journal);
    assert!(error.is_retryable());
    assert!(error.to_string().contains("another program has been reading the journal"), "{error}");
    assert_eq!(journal.pending().await.unwrap().faults.len(), 2, "an unarmed fault is not in the journal");
    let begun = journal.mark(id(2), &Mark::new(FaultState::Injecting, at(5))).await;
    assert_eq!(begun.unwrap_err().kind(), ErrorKind::Journal, "nor is an injection begun");

    reading.rollback().await.unwrap();
    let armed = journal.arm(&fault(3, "local:web/c", "stop"), &Limits::none()).await.unwrap();
    assert!(matches!(armed, Arming::Armed(_)));
    drop(lease);
}
