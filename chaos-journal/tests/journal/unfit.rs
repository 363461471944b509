//! A file that is not a journal, or not one for this version, is an error and stays as it is to the last byte.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::common::{arm, contents, fault};
use chaos_core::{Error, ErrorKind, Journal};
use chaos_journal::{JournalOptions, SqlJournal};
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};

/// A journal with a fault in it, closed.
async fn journal(folder: &Path) -> PathBuf {
    let path = folder.join("j");
    let journal = SqlJournal::open(&path).await.unwrap();
    for number in 1..40 {
        drop(arm(&journal, &fault(number, &format!("local:web/{number}"), "stop")).await);
    }
    journal.close().await.unwrap();
    path
}

async fn connect(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
}

async fn execute(connection: &mut SqliteConnection, statements: &'static str) {
    sqlx::raw_sql(statements).execute(connection).await.unwrap();
}

/// Every way to open the file fails with this kind, names the file, and changes nothing in its folder.
async fn refuses(path: &Path, kind: ErrorKind) -> Error {
    let folder = path.parent().unwrap();
    let before = contents(folder);
    let mut last = None;
    for create in [true, false] {
        let error = JournalOptions::new().create(create).open(path).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{}", error.chain());
        assert!(!error.is_retryable());
        assert!(error.to_string().contains(path.file_name().unwrap().to_str().unwrap()), "{error}");
        assert_eq!(contents(folder), before, "{error}");
        last = Some(error);
    }
    last.unwrap()
}

#[tokio::test]
async fn a_newer_journal_is_refused_with_both_versions() {
    let folder = tempfile::tempdir().unwrap();
    let path = journal(folder.path()).await;
    let mut connection = connect(&path).await;
    execute(&mut connection, "PRAGMA user_version = 99").await;
    connection.close().await.unwrap();
    assert_eq!(crate::common::names(folder.path()), ["j"]);

    let error = refuses(&path, ErrorKind::Conflict).await;
    let text = error.to_string();
    assert!(text.contains(r#"version="99""#) && text.contains(r#"known="6""#), "{text}");
}

#[tokio::test]
async fn a_newer_journal_that_another_process_has_open_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = journal(folder.path()).await;
    let mut connection = connect(&path).await;
    // Its version is in the log alone.
    execute(&mut connection, "PRAGMA user_version = 99").await;
    let error = SqlJournal::open(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_journal_that_a_newer_program_took_over_is_written_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    let journal = SqlJournal::open(&path).await.unwrap();
    let mut connection = connect(&path).await;
    execute(&mut connection, "PRAGMA user_version = 99").await;
    let armed = journal.arm(&fault(1, "local:web/a", "stop"), &chaos_core::journal::Limits::none()).await;
    assert_eq!(armed.unwrap_err().kind(), ErrorKind::Conflict);
    assert!(journal.pending().await.unwrap().faults.is_empty());
}

#[tokio::test]
async fn a_version_that_never_was_is_corrupt() {
    for statement in ["PRAGMA user_version = 0", "PRAGMA user_version = -1"] {
        let folder = tempfile::tempdir().unwrap();
        let path = journal(folder.path()).await;
        let mut connection = connect(&path).await;
        execute(&mut connection, statement).await;
        connection.close().await.unwrap();
        refuses(&path, ErrorKind::Corrupt).await;
    }
}

#[tokio::test]
async fn what_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let texts: [&[u8]; 4] = [
        b"hello\n",
        &b"a long text, longer than the header of a database. ".repeat(1_000),
        &[0; 8192],
        b"SQLite format 3\0",
    ];
    for (index, text) in texts.iter().enumerate() {
        let path = folder.path().join(format!("file-{index}"));
        fs::write(&path, text).unwrap();
        refuses(&path, ErrorKind::InvalidInput).await;
    }
    let directory = folder.path().join("directory");
    fs::create_dir(&directory).unwrap();
    refuses(&directory, ErrorKind::InvalidInput).await;
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_is_not_regular_is_refused_without_being_read() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    refuses(&socket, ErrorKind::InvalidInput).await;
}

#[tokio::test]
async fn a_database_of_another_application_is_refused() {
    for (index, statements) in [
        "CREATE TABLE fault (id TEXT)",
        "PRAGMA journal_mode = WAL; CREATE TABLE t (x); PRAGMA user_version = 1",
        "PRAGMA application_id = 77; CREATE TABLE t (x)",
    ]
    .into_iter()
    .enumerate()
    {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(format!("other-{index}"));
        let mut connection = connect(&path).await;
        execute(&mut connection, statements).await;
        // Once while the other application has it open, once after.
        refuses(&path, ErrorKind::InvalidInput).await;
        connection.close().await.unwrap();
        refuses(&path, ErrorKind::InvalidInput).await;
    }
}

#[tokio::test]
async fn a_database_of_another_application_keeps_the_log_of_its_crash() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other");
    let mut connection = connect(&path).await;
    execute(&mut connection, "PRAGMA journal_mode = WAL; CREATE TABLE t (x)").await;
    // As after a crash: the file and its log, without the connection.
    let crashed = tempfile::tempdir().unwrap();
    for name in ["other", "other-wal"] {
        fs::copy(folder.path().join(name), crashed.path().join(name)).unwrap();
    }
    connection.close().await.unwrap();
    assert!(!contents(crashed.path())["other-wal"].is_empty());
    refuses(&crashed.path().join("other"), ErrorKind::InvalidInput).await;
}

#[tokio::test]
async fn a_damaged_journal_is_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(journal(folder.path()).await).unwrap();
    assert!(whole.len() > 4 * 4096, "{}", whole.len());
    for (name, damage) in [
        (
            "truncated",
            Box::new(|bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2)) as Box<dyn Fn(&mut Vec<u8>)>,
        ),
        ("only-a-page", Box::new(|bytes| bytes.truncate(4096))),
        ("schema", Box::new(|bytes| bytes[100..4096].fill(0xff))),
        ("table", Box::new(|bytes| bytes[4096..8192].fill(0xa5))),
        (
            "last-page",
            Box::new(|bytes| {
                let start = bytes.len() - 4096;
                bytes[start..].fill(0xa5);
            }),
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let mut bytes = whole.clone();
        damage(&mut bytes);
        fs::write(&path, bytes).unwrap();
        refuses(&path, ErrorKind::Corrupt).await;
    }
}

#[tokio::test]
async fn a_missing_file_is_created_or_refused_as_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing");
    let error = SqlJournal::open_existing(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

    let error = SqlJournal::open(folder.path().join("no/folder")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

    SqlJournal::open(&path).await.unwrap().close().await.unwrap();
    assert_eq!(crate::common::names(folder.path()), ["missing"]);
}

#[cfg(unix)]
#[tokio::test]
async fn one_file_under_two_names_is_one_journal() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("j"), folder.path().join("link"));
    let journal = SqlJournal::open(&path).await.unwrap();
    std::os::unix::fs::symlink("j", &link).unwrap();
    let linked = SqlJournal::open(&link).await.unwrap();
    assert_eq!(linked.path(), journal.path());
    let lease = arm(&journal, &fault(1, "local:web/a", "stop")).await;
    assert_eq!(linked.pending().await.unwrap().faults.len(), 1);
    assert!(linked.orphans(jiff::Timestamp::UNIX_EPOCH).await.unwrap().faults.is_empty());
    drop(lease);

    let dangling = folder.path().join("dangling");
    std::os::unix::fs::symlink("nowhere", &dangling).unwrap();
    let error = SqlJournal::open(&dangling).await.unwrap_err();
    assert!(error.to_string().contains("dangling"), "{error}");
}

#[tokio::test]
async fn reading_an_idle_journal_leaves_it_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = journal(folder.path()).await;
    let before = contents(folder.path());
    let journal = SqlJournal::open_existing(&path).await.unwrap();
    assert_eq!(journal.pending().await.unwrap().faults.len(), 39);
    assert_eq!(journal.orphans(jiff::Timestamp::UNIX_EPOCH).await.unwrap().faults.len(), 39);
    journal.close().await.unwrap();
    assert_eq!(contents(folder.path()), before);
}
