//! Other users of the machine: the files that they may not touch, and those that they may have left.

use std::{
    env, fs,
    os::unix::fs::{MetadataExt, symlink},
    path::{Path, PathBuf},
};

use crate::common::{
    arm, at,
    child::{CHILD, child, child_by, say, wait_for, wait_for_parent},
    contents, fault, names,
    stranger::{self, give, mode, set_mode},
};
use chaos_core::{ErrorKind, Journal};
use chaos_journal::SqlJournal;

/// A folder into which others may look.
fn open_folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    set_mode(folder.path(), 0o755);
    let path = folder.path().join("j");
    (folder, path)
}

/// A journal with a fault in it, closed.
async fn journal(path: &Path) {
    let journal = SqlJournal::open(path).await.unwrap();
    drop(arm(&journal, &fault(1, "local:web/a", "stop")).await);
    journal.close().await.unwrap();
}

async fn refused(path: &Path, expected: &str) {
    let folder = path.parent().unwrap();
    let before = contents(folder);
    let error = SqlJournal::open(path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{}", error.chain());
    assert!(error.to_string().contains(expected), "{error}");
    assert_eq!(contents(folder), before);
}

#[tokio::test]
async fn the_files_of_a_journal_are_their_owners_alone_whatever_the_umask() {
    let name = "others::the_files_of_a_journal_are_their_owners_alone_whatever_the_umask";
    if let Some(path) = env::var_os(CHILD) {
        let journal = SqlJournal::open(path).await.unwrap();
        let _lease = arm(&journal, &fault(1, "local:web/a", "stop")).await;
        say("armed");
        return wait_for_parent();
    }
    for umask in ["0000", "0022", "0777"] {
        let (folder, path) = open_folder();
        let umask = format!("umask {umask}; exec \"$@\"");
        let mut child = child_by(&["sh", "-ec", &umask, "sh"], name, &path);
        wait_for(&mut child, "armed");
        let names = names(folder.path());
        assert_eq!(names.len(), 4, "{names:?}");
        for name in names {
            let file = folder.path().join(&name);
            assert_eq!(mode(&file), 0o600, "{umask}, {name}");
            if stranger::is_there() {
                assert!(!stranger::succeeds("exec 9<\"$1\"", &file), "{name} can be opened, and so locked");
            }
        }
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
    }
}

/// Earlier versions left files that everybody could read.
#[tokio::test]
async fn a_journal_that_others_might_read_is_closed_to_them() {
    let (folder, path) = open_folder();
    journal(&path).await;
    set_mode(&path, 0o644);
    let journal = SqlJournal::open(&path).await.unwrap();
    assert_eq!(journal.pending().await.unwrap().faults.len(), 1);
    for name in names(folder.path()) {
        assert_eq!(mode(&folder.path().join(&name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_users_own_group_is_that_user() {
    let (folder, path) = open_folder();
    if !owned_by_ones_own_group(folder.path()) {
        println!(
            "skipped: a journal in a folder of one's own group: this user has no group of the same number"
        );
        return;
    }
    journal(&path).await;
    set_mode(folder.path(), 0o775);
    set_mode(&path, 0o664);
    assert_eq!(SqlJournal::open(&path).await.unwrap().pending().await.unwrap().faults.len(), 1);
    assert_eq!(mode(&path), 0o600, "closed to it all the same");
}

/// Whether new files of this user belong to a group of the same number.
fn owned_by_ones_own_group(path: &Path) -> bool {
    let metadata = fs::metadata(path).unwrap();
    metadata.uid() == metadata.gid()
}

/// Gives the file to a group that is not its owner's own, as far as this user may.
fn give_to_a_group(path: &Path) -> bool {
    std::os::unix::fs::chown(path, None, Some(54_321)).is_ok() || !owned_by_ones_own_group(path)
}

#[tokio::test]
async fn what_others_could_have_written_is_refused() {
    let (folder, path) = open_folder();
    journal(&path).await;
    if !give_to_a_group(&path) || !give_to_a_group(folder.path()) {
        println!("skipped: a journal that a group may write: only root can give it to one");
        return;
    }
    for bits in [0o620, 0o602, 0o666] {
        set_mode(&path, bits);
        refused(&path, "chmod go-w").await;
    }
    set_mode(&path, 0o600);
    for bits in [0o775, 0o757, 0o777] {
        set_mode(folder.path(), bits);
        refused(&path, "other users may replace the journal in its folder").await;
        let error = SqlJournal::open(folder.path().join("new")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "nor is one made there: {error}");
    }
    set_mode(folder.path(), 0o755);

    // Not only the last folder counts.
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    fs::copy(&path, inner.join("j")).unwrap();
    set_mode(folder.path(), 0o777);
    refused(&inner.join("j"), "other users may replace the journal in its folder").await;
    set_mode(folder.path(), 0o755);
    assert!(SqlJournal::open(&path).await.is_ok());
}

#[tokio::test]
async fn what_belongs_to_others_is_refused() {
    if !stranger::is_there() {
        return;
    }
    let (folder, path) = open_folder();
    journal(&path).await;
    give(&path);
    refused(&path, "belongs to another user").await;
    std::os::unix::fs::chown(&path, Some(0), Some(0)).unwrap();

    for beside in ["j-wal", "j-shm", "j-journal"] {
        let file = folder.path().join(beside);
        fs::write(&file, "what SQLite would obey").unwrap();
        give(&file);
        refused(&path, "move the journal alone into a folder of your own").await;
        fs::remove_file(&file).unwrap();
    }

    let link = folder.path().join("link");
    symlink("j", &link).unwrap();
    // Closed, because a journal that is only dropped removes its log a little later.
    SqlJournal::open(&link).await.expect("a link of one's own").close().await.unwrap();
    std::os::unix::fs::lchown(&link, Some(stranger::STRANGER), None).unwrap();
    refused(&link, "a symbolic link of another user").await;

    give(folder.path());
    refused(&path, "folder of another user").await;
}

#[tokio::test]
async fn in_a_folder_where_all_may_make_files_nobody_puts_one_beside_the_journal() {
    let (folder, path) = open_folder();
    set_mode(folder.path(), 0o1777);
    fs::write(&path, "").unwrap();
    let journal = SqlJournal::open(&path).await.unwrap();
    let _lease = arm(&journal, &fault(1, "local:web/a", "stop")).await;
    for name in ["j", "j-wal", "j-shm", "j-journal"] {
        let file = folder.path().join(name);
        assert_eq!(
            (mode(&file), fs::metadata(&file).unwrap().uid()),
            (0o600, rustix::process::geteuid().as_raw())
        );
    }
    journal.close().await.unwrap();
    let journal = SqlJournal::open(&path).await.unwrap();
    assert_eq!(journal.pending().await.unwrap().faults.len(), 1);
}

/// The lock that proves that a process lives is one that nobody else can take.
#[tokio::test]
async fn a_strangers_lock_makes_nobody_look_alive() {
    let name = "others::a_strangers_lock_makes_nobody_look_alive";
    if let Some(path) = env::var_os(CHILD) {
        let journal = SqlJournal::open(path).await.unwrap();
        let _lease = arm(&journal, &fault(1, "local:web/a", "stop")).await;
        say("armed");
        return wait_for_parent();
    }
    if !stranger::is_there() {
        return;
    }
    for forge in [
        // As earlier versions made it.
        (|holder: &Path| set_mode(holder, 0o644)) as fn(&Path),
        // In its place, after the owner's was removed.
        |holder| {
            fs::remove_file(holder).unwrap();
            fs::write(holder, "").unwrap();
            give(holder);
        },
    ] {
        let (folder, path) = open_folder();
        let mut child = child(name, &path);
        wait_for(&mut child, "armed");
        let holder = names(folder.path()).into_iter().find(|name| name.contains(".holder-")).unwrap();
        let holder = folder.path().join(holder);
        let journal = SqlJournal::open(&path).await.unwrap();
        assert!(journal.orphans(at(0)).await.unwrap().faults.is_empty(), "its holder lives");
        child.kill().unwrap();
        child.wait().unwrap();
        forge(&holder);
        let mut lock = stranger::lock(&holder);
        assert_eq!(journal.orphans(at(0)).await.unwrap().faults.len(), 1, "its holder is dead");
        drop(lock.stdin.take());
        lock.wait().unwrap();
    }
}
