use std::path::Path;

use chaos_core::{Error, ErrorKind, Result};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use super::error;

/// `PRAGMA application_id` of every journal: the letters `CHJL`.
const APPLICATION_ID: i64 = 0x4348_4a4c;

/// The migrations from each version to the next, in order. A released migration never changes; new ones are added.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/0001_faults.sql"),
    include_str!("../../migrations/0002_ends.sql"),
    include_str!("../../migrations/0003_incarnation.sql"),
    include_str!("../../migrations/0004_progress.sql"),
    include_str!("../../migrations/0005_dues.sql"),
    include_str!("../../migrations/0006_due_records.sql"),
];

/// Up to this size, in pages, damage is found when the file is opened; in a larger file, when the damage is read. The
/// check reads the whole file, and opening a long history must stay quick.
const PAGES_CHECKED: i64 = 1024;

/// The application and the version of a file: two numbers in SQLite's header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity {
    application_id: i64,
    version: i64,
}

impl Identity {
    /// Reads both numbers. No lock outlives the call.
    pub(super) async fn read(connection: &mut SqliteConnection) -> sqlx::Result<Self> {
        Ok(Self {
            application_id: number(connection, "PRAGMA application_id").await?,
            version: number(connection, "PRAGMA user_version").await?,
        })
    }

    /// Whether this library may touch such a file.
    pub(super) fn check(self, path: &Path) -> Result<()> {
        if self.application_id != APPLICATION_ID {
            return Err(not_a_journal(path, "it is a SQLite database of another application"));
        }
        match usize::try_from(self.version) {
            Ok(version) if version > MIGRATIONS.len() => Err(Error::new(
                ErrorKind::Conflict,
                "the journal has a newer version than this program supports; use the newer program, or another journal",
            )
            .with("journal", path.display())
            .with("version", version)
            .with("known", MIGRATIONS.len())),
            Ok(1..) => Ok(()),
            _ => Err(
                Error::new(ErrorKind::Corrupt, "the journal has a version that never existed; name another file")
                    .with("journal", path.display())
                    .with("version", self.version),
            ),
        }
    }
}

/// The error for a file that is something else.
pub(super) fn not_a_journal(path: &Path, why: &'static str) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("the file is not a journal: {why}; name another file"))
        .with("file", path.display())
}

/// Whether the version is still the one that this library writes. Another process may have upgraded the file.
pub(super) async fn check_unchanged(connection: &mut SqliteConnection, path: &Path) -> Result<()> {
    let version = number(connection, "PRAGMA user_version")
        .await
        .map_err(error::of_database(path, "read its version"))?;
    if usize::try_from(version) == Ok(MIGRATIONS.len()) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Conflict,
        "a newer program has upgraded the journal; continue with that program",
    )
    .with("journal", path.display())
    .with("version", version)
    .with("known", MIGRATIONS.len()))
}

/// Whether the file has the table of dues. A file of an earlier version that cannot be upgraded has none.
pub(super) async fn keeps_dues(connection: &mut SqliteConnection, path: &Path) -> Result<bool> {
    let tables =
        number(connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'due' AND type = 'table'");
    Ok(tables.await.map_err(error::of_database(path, "read its schema"))? > 0)
}

/// Checks the structure of a file that is small enough.
pub(super) async fn check_structure(connection: &mut SqliteConnection, path: &Path) -> Result<()> {
    let doing = "check its structure";
    let pages = number(connection, "PRAGMA page_count").await.map_err(error::of_database(path, doing))?;
    if pages > PAGES_CHECKED {
        return Ok(());
    }
    let verdict: String = sqlx::query_scalar("PRAGMA quick_check(1)")
        .fetch_one(connection)
        .await
        .map_err(error::of_database(path, doing))?;
    if verdict == "ok" {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Corrupt,
        "the journal is damaged; keep the file for repair, and use another journal",
    )
    .with("journal", path.display())
    .with("found", verdict))
}

/// Applies the missing migrations, each in a transaction of its own. Several processes may do so at once.
pub(super) async fn migrate(
    connection: &mut SqliteConnection,
    path: &Path,
    migrations: &[&'static str],
) -> Result<()> {
    if number(connection, "PRAGMA user_version")
        .await
        .is_ok_and(|version| usize::try_from(version).is_ok_and(|version| version >= migrations.len()))
    {
        return Ok(());
    }
    for (version, migration) in (1..).zip(migrations) {
        step(connection, version, migration).await.map_err(error::of_database(path, "upgrade its schema"))?;
    }
    // Writes the new version into the file itself, so that an older program sees it without touching the log. Other
    // processes that have the file open can keep this from completing, which does no harm.
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(connection)
        .await
        .map_err(error::of_database(path, "upgrade its schema"))?;
    Ok(())
}

async fn step(connection: &mut SqliteConnection, version: i64, migration: &'static str) -> sqlx::Result<()> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    if number(&mut transaction, "PRAGMA user_version").await? >= version {
        return transaction.rollback().await;
    }
    sqlx::raw_sql(migration).execute(&mut *transaction).await?;
    let identity = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {version}");
    sqlx::raw_sql(AssertSqlSafe(identity)).execute(&mut *transaction).await?;
    transaction.commit().await
}

async fn number(connection: &mut SqliteConnection, pragma: &'static str) -> sqlx::Result<i64> {
    sqlx::query_scalar(pragma).fetch_one(connection).await
}

#[cfg(test)]
mod tests {
    use chaos_core::chance::SystemEntropy;

    use super::*;
    use crate::sqlite::{database, location};

    const NEXT: &str = "ALTER TABLE fault ADD COLUMN more TEXT";

    async fn open() -> (tempfile::TempDir, std::path::PathBuf, SqliteConnection) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let path = location::locate(&path, true, &SystemEntropy::default()).await.unwrap();
        let connection = database::connect(&path).await.unwrap().connection;
        (folder, path, connection)
    }

    #[tokio::test]
    async fn an_older_file_gets_the_migrations_that_it_lacks_once() {
        let (_folder, path, mut connection) = open().await;
        let migrations = [MIGRATIONS, &[NEXT]].concat();
        for _ in 0..2 {
            migrate(&mut connection, &path, &migrations).await.unwrap();
            let identity = Identity::read(&mut connection).await.unwrap();
            assert_eq!(identity.version, 7);
        }
        // The file itself has the version now, and the log is empty.
        assert_eq!(std::fs::metadata(path.with_file_name("j-wal")).unwrap().len(), 0);
        connection.close().await.unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes[60..64], 7_u32.to_be_bytes());
    }

    #[tokio::test]
    async fn a_migration_that_fails_changes_nothing() {
        let (_folder, path, mut connection) = open().await;
        let migrations = [MIGRATIONS, &["CREATE TABLE half (x); CREATE TABLE fault (x)"]].concat();
        let error = migrate(&mut connection, &path, &migrations).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Journal, "{error}");
        assert_eq!(Identity::read(&mut connection).await.unwrap().version, 6);
        let halves = number(&mut connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'").await;
        assert_eq!(halves.unwrap(), 0);
        migrate(&mut connection, &path, &[MIGRATIONS, &[NEXT]].concat()).await.unwrap();
    }

    #[tokio::test]
    async fn every_query_of_the_history_uses_an_index() {
        let (_folder, _path, mut connection) = open().await;
        for (condition, index) in [
            ("TRUE", "fault_by_time"),
            ("armed_at >= '2' AND armed_at < '3'", "fault_by_time"),
            ("group_id = 'a'", "fault_by_group"),
            ("target = 'a'", "fault_by_target"),
            ("event = 'a'", "fault_by_event"),
            ("state = 'a'", "fault_by_state"),
        ] {
            let explain = format!(
                "EXPLAIN QUERY PLAN SELECT * FROM fault WHERE TRUE AND {condition} \
                 ORDER BY armed_at DESC, position DESC LIMIT 5"
            );
            let rows = sqlx::query(AssertSqlSafe(explain)).fetch_all(&mut connection).await.unwrap();
            let plan: Vec<String> = rows.iter().map(|row| sqlx::Row::get(row, "detail")).collect();
            assert_eq!(plan.len(), 1, "no sorting: {plan:?}");
            assert!(plan[0].contains(index), "{condition}: {plan:?}");
        }
    }
}
