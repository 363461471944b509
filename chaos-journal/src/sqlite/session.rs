use std::{
    collections::BTreeSet,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chaos_core::{Error, ErrorKind, FaultId, Result, chance::Entropy, journal::Lease};

use super::{error, identity::beside, ownership};

/// How often a new name is drawn if the drawn one is taken.
const DRAWS: usize = 16;

/// The part of a file's name between the journal and the session.
const MARK: &str = ".holder-";

/// The name of a session's file until it is locked.
const DRAFT: &str = ".new";

/// One open journal that arms faults: its leases, and the lock by which other processes see that it is alive.
///
/// Lives as long as the journal or any of its leases. A session that ended never comes back.
#[derive(Debug)]
pub(super) struct Session {
    name: String,
    file: PathBuf,
    held: Mutex<BTreeSet<FaultId>>,
    /// Locked. The kernel unlocks it when this process ends.
    _lock: File,
}

impl Session {
    /// Begins a session over the journal in the file `database`.
    ///
    /// Its file is locked under a temporary name and only then renamed, so an unlocked session file proves that the
    /// session has ended.
    pub(super) fn begin(database: &Path, entropy: &dyn Entropy) -> Result<Arc<Self>> {
        for _ in 0..DRAWS {
            let name = format!("{:016x}", entropy.draw()?);
            let file = file_of(database, &name);
            let draft = beside(&file, DRAFT);
            match lock_new(&draft, &file) {
                Ok(lock) => {
                    return Ok(Arc::new(Self { name, file, held: Mutex::default(), _lock: lock }));
                }
                // The name is taken, or another process removed the draft during a clean-up before it was locked.
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound)
                        && database.exists() => {}
                Err(error) => return Err(error::of_file(&draft, "lock the file of its session")(error)),
            }
        }
        Err(Error::new(ErrorKind::Journal, "no unused name was found for the session")
            .with("journal", database.display())
            .with("draws", DRAWS))
    }

    /// The value in the rows of this session.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Holds `fault` until the lease is dropped.
    pub(super) fn hold(self: &Arc<Self>, fault: FaultId) -> Lease {
        self.held().insert(fault);
        let session = Arc::clone(self);
        Lease::new(move || {
            session.held().remove(&fault);
        })
    }

    /// Whether a lease for `fault` lives.
    pub(super) fn holds(&self, fault: FaultId) -> bool {
        self.held().contains(&fault)
    }

    fn held(&self) -> MutexGuard<'_, BTreeSet<FaultId>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A file that stays behind is unlocked in a moment, and removed by the next process that finds it.
        let _ = fs::remove_file(&self.file);
    }
}

/// Whether the session `name` is alive, in any process.
///
/// The test takes a shared lock for an instant. It never meets an owner that still has to lock, and two concurrent
/// tests do not disturb each other. A file that other users may open, and so lock, is not a session's file, and an
/// invalid name belongs to no session.
///
/// # Errors
/// `Journal` if the file system cannot tell.
pub(super) fn is_alive(database: &Path, name: &str) -> Result<bool> {
    if !is_name(name) {
        return Ok(false);
    }
    let file = file_of(database, name);
    is_locked(&file).map_err(error::of_file(&file, "test the lock of a session"))
}

/// Removes the files of sessions that ended without removing theirs. Files that cannot be removed now are left to the
/// next clean-up.
pub(super) fn sweep(database: &Path) {
    let (Some(folder), Some(prefix)) =
        (database.parent(), database.file_name().and_then(|name| name.to_str()))
    else {
        return;
    };
    let prefix = format!("{prefix}{MARK}");
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_session = entry.file_name().to_str().is_some_and(|file| {
            file.strip_prefix(&prefix).is_some_and(|rest| is_name(rest.strip_suffix(DRAFT).unwrap_or(rest)))
        });
        if is_session && is_locked(&entry.path()).is_ok_and(|locked| !locked) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn lock_new(draft: &Path, file: &Path) -> io::Result<File> {
    if file.exists() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let lock = ownership::create_private(draft)?;
    lock.lock()?;
    fs::rename(draft, file)?;
    Ok(lock)
}

fn is_locked(file: &Path) -> io::Result<bool> {
    let Some(file) = ownership::open_private(file)? else { return Ok(false) };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn is_name(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn file_of(database: &Path, name: &str) -> PathBuf {
    beside(database, &format!("{MARK}{name}"))
}

#[cfg(test)]
mod tests {
    use chaos_core::testing::CountingEntropy;

    use super::*;

    fn database() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("j");
        fs::write(&database, "").unwrap();
        (folder, database)
    }

    #[test]
    fn a_session_lives_until_the_journal_and_the_last_lease_are_gone() {
        let (_folder, database) = database();
        let session = Session::begin(&database, &CountingEntropy::starting_at(7)).unwrap();
        assert_eq!(session.name(), "0000000000000007");
        let fault = "00000000000000ff".parse().unwrap();
        let lease = session.hold(fault);
        assert!(session.holds(fault));

        drop(session);
        assert!(is_alive(&database, "0000000000000007").unwrap());
        drop(lease);
        assert!(!is_alive(&database, "0000000000000007").unwrap());
        assert!(!file_of(&database, "0000000000000007").exists());
    }

    #[test]
    fn a_taken_name_is_never_shared() {
        let (_folder, database) = database();
        let first = Session::begin(&database, &CountingEntropy::starting_at(1)).unwrap();
        let second = Session::begin(&database, &CountingEntropy::starting_at(1)).unwrap();
        assert_ne!(first.name(), second.name());
    }

    #[test]
    fn a_sweep_removes_what_is_dead_and_nothing_else() {
        let (folder, database) = database();
        let alive = Session::begin(&database, &CountingEntropy::starting_at(1)).unwrap();
        let dead = ["j.holder-00000000000000aa", "j.holder-00000000000000ab.new"];
        let others = ["j.holder-notes", "j.holder-", "k.holder-00000000000000aa", "j-wal"];
        for name in dead.iter().chain(&others) {
            fs::write(folder.path().join(name), "").unwrap();
        }
        sweep(&database);
        for name in dead {
            assert!(!folder.path().join(name).exists(), "{name}");
        }
        for name in others {
            assert!(folder.path().join(name).exists(), "{name}");
        }
        assert!(is_alive(&database, alive.name()).unwrap());
    }

    #[test]
    fn a_hostile_name_reaches_no_other_file() {
        let (_folder, database) = database();
        for name in ["../x", "", "000000000000000g", "00000000000000001"] {
            let file = file_of(&database, name);
            let _lock =
                file.parent().is_some_and(Path::is_dir).then(|| lock_new(&beside(&database, "x"), &file));
            assert!(!is_alive(&database, name).unwrap(), "{name}");
        }
    }

    #[test]
    fn sessions_begin_while_others_sweep() {
        let (_folder, database) = database();
        std::thread::scope(|scope| {
            for start in 0..4 {
                let database = &database;
                scope.spawn(move || {
                    let entropy = CountingEntropy::starting_at(start << 32);
                    for _ in 0..200 {
                        let session = Session::begin(database, &entropy).unwrap();
                        sweep(database);
                        assert!(is_alive(database, session.name()).unwrap());
                    }
                });
            }
        });
    }
}
