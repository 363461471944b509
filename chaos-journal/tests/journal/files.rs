//! The file that a journal is in: removed, replaced, empty, or on a mount that is read-only.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::common::{
    arm, at,
    child::{CHILD, child, child_on_read_only_mount, say, wait_for, wait_for_parent},
    contents, fault, id, names, stranger,
};
use chaos_core::{
    ErrorKind, Journal,
    fault::{FaultState, Mark},
    journal::{Arming, Halt, Limits},
};
use chaos_journal::SqlJournal;
use tokio::task::JoinSet;

type Move = (&'static str, fn(&Path));

/// Damage to the files of a journal while it is open.
const MOVES: [Move; 4] = [
    ("removed", |path| fs::remove_file(path).unwrap()),
    ("renamed", |path| fs::rename(path, path.with_file_name("old")).unwrap()),
    ("replaced", |path| {
        let copy = path.with_file_name("copy");
        fs::copy(path, &copy).unwrap();
        fs::rename(copy, path).unwrap();
    }),
    ("without its log", |path| fs::remove_file(path.with_file_name("j-wal")).unwrap()),
];

#[tokio::test]
async fn a_file_that_was_removed_or_replaced_is_noticed_before_each_arming() {
    for (what, happen) in MOVES {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let journal = SqlJournal::open(&path).await.unwrap();
        let _lease = arm(&journal, &fault(1, "local:web/a", "stop")).await;
        happen(&path);
        let error = journal.arm(&fault(2, "local:web/b", "stop"), &Limits::none()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Journal, "{what}: {error}");
        assert!(error.to_string().contains("removed or replaced"), "{what}: {error}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{what}: {error}");
        // No injection begins, and no halt is written to a file that no other process would see.
        let begun = journal.mark(id(1), &Mark::new(FaultState::Injecting, at(2))).await;
        assert_eq!(begun.unwrap_err().kind(), ErrorKind::Journal, "{what}");
        let halted = journal.set_halt(Some(Halt::new("smoke", at(3)))).await;
        assert_eq!(halted.unwrap_err().kind(), ErrorKind::Journal, "{what}");
        assert_eq!(journal.halt().await.unwrap_err().kind(), ErrorKind::Journal, "{what}");
        // A process that has to bring something back can still read its entries.
        assert_eq!(journal.pending().await.unwrap().faults.len(), 1, "{what}");
    }
}

#[tokio::test]
async fn an_empty_file_is_an_empty_journal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    fs::write(&path, "").unwrap();
    let journal = SqlJournal::open_existing(&path).await.unwrap();
    assert!(journal.pending().await.unwrap().faults.is_empty());
    drop(arm(&journal, &fault(1, "local:web/a", "stop")).await);
    journal.close().await.unwrap();
    assert_eq!(names(folder.path()), ["j"]);
    assert_eq!(SqlJournal::open(&path).await.unwrap().pending().await.unwrap().faults.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_who_find_a_file_empty_at_once_share_one_journal() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        fs::write(&path, "").unwrap();
        let mut tasks = JoinSet::new();
        for number in 0..4 {
            let path = path.clone();
            tasks.spawn(async move {
                let journal = SqlJournal::open(&path).await.unwrap();
                drop(arm(&journal, &fault(number, &format!("local:web/{number}"), "stop")).await);
                journal.close().await.unwrap();
            });
        }
        tasks.join_all().await;
        assert_eq!(SqlJournal::open_existing(&path).await.unwrap().pending().await.unwrap().faults.len(), 4);
    }
}

/// A journal that was truncated to nothing does not count as a new one.
#[tokio::test]
async fn an_empty_file_with_a_log_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    fs::write(&path, "").unwrap();
    fs::write(folder.path().join("j-wal"), "a recorded entry").unwrap();
    let before = contents(folder.path());
    let error = SqlJournal::open(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert_eq!(contents(folder.path()), before);
}

/// The three ways in which a journal may come to lie on a read-only mount: closed, left behind by a crash, and copied
/// from there without its index.
#[tokio::test]
async fn a_journal_on_a_read_only_mount_can_be_read_and_says_that_it_cannot_record() {
    let name = "files::a_journal_on_a_read_only_mount_can_be_read_and_says_that_it_cannot_record";
    if let Some(path) = env::var_os(CHILD) {
        let path = PathBuf::from(path);
        if path.ends_with("left/j") {
            let journal = SqlJournal::open(&path).await.unwrap();
            for number in 1..3 {
                drop(arm(&journal, &fault(number, &format!("local:web/{number}"), "stop")).await);
                // Written into the log alone.
                journal.mark(id(number), &Mark::new(FaultState::Recovering, at(9))).await.unwrap();
            }
            say("armed");
            return wait_for_parent();
        }
        let journal = SqlJournal::open_existing(&path).await.unwrap();
        assert!(journal.is_read_only());
        let pending = journal.pending().await.unwrap().faults;
        assert_eq!(pending.len(), 2);
        assert!(pending.iter().all(|fault| fault.state == FaultState::Recovering), "{pending:#?}");
        assert_eq!(journal.orphans(at(0)).await.unwrap().faults, pending);
        assert_eq!(journal.halt().await.unwrap(), None);
        for error in [
            journal.mark(id(1), &Mark::new(FaultState::Recovered, at(10))).await.unwrap_err(),
            journal.arm(&fault(3, "local:web/3", "stop"), &Limits::none()).await.unwrap_err(),
            journal.set_halt(None).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Journal);
            assert!(error.to_string().contains("read-only file system"), "{error}");
        }
        journal.close().await.unwrap();
        return say("read");
    }
    if !stranger::is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let left = folder.path().join("left");
    fs::create_dir(&left).unwrap();
    let mut writer = child(name, &left.join("j"));
    wait_for(&mut writer, "armed");
    writer.kill().unwrap();
    writer.wait().unwrap();
    let crashed = folder.path().join("crashed");
    fs::rename(&left, &crashed).unwrap();
    let (copied, closed) = (folder.path().join("copied"), folder.path().join("closed"));
    for copy in [&copied, &closed] {
        fs::create_dir(copy).unwrap();
        for file in ["j", "j-wal"] {
            fs::copy(crashed.join(file), copy.join(file)).unwrap();
        }
    }
    SqlJournal::open(closed.join("j")).await.unwrap().close().await.unwrap();
    assert_eq!(names(&closed), ["j"]);
    for place in [closed, crashed, copied] {
        let before = contents(&place);
        let mut reader = child_on_read_only_mount(&place, name, &place.join("j"));
        wait_for(&mut reader, "read");
        assert!(reader.wait().unwrap().success());
        assert_eq!(contents(&place), before, "{}", place.display());
    }
}

#[tokio::test(start_paused = true)]
async fn paused_time_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = SqlJournal::open(folder.path().join("j")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("paused"), "{error}");
}

#[tokio::test]
async fn an_arming_after_all_is_as_it_was_is_no_different() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    let journal = SqlJournal::open(&path).await.unwrap();
    fs::rename(&path, folder.path().join("away")).unwrap();
    assert!(journal.arm(&fault(1, "local:web/a", "stop"), &Limits::none()).await.is_err());
    fs::rename(folder.path().join("away"), &path).unwrap();
    let armed = journal.arm(&fault(1, "local:web/a", "stop"), &Limits::none()).await.unwrap();
    assert!(matches!(armed, Arming::Armed(_)));
}
