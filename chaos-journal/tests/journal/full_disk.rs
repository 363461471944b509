//! A full disk, as a real file system reports it.

use std::{env, fs, io::Write, path::Path};

use crate::common::{
    arm, at,
    child::{CHILD, child_by, say, wait_for},
    fault, id, stranger,
};
use chaos_core::{
    ErrorKind, Journal,
    fault::{FaultState, Mark},
    journal::Limits,
};
use chaos_journal::SqlJournal;

/// Takes the rest of the space on the file system of `folder`.
fn fill(folder: &Path) {
    let mut file = fs::File::create(folder.join("everything")).unwrap();
    while file.write(&[0; 4096]).is_ok() {}
}

#[tokio::test]
async fn a_disk_that_fills_up_in_a_hold_keeps_nothing_from_being_recorded() {
    let name = "full_disk::a_disk_that_fills_up_in_a_hold_keeps_nothing_from_being_recorded";
    if let Some(path) = env::var_os(CHILD) {
        let folder = Path::new(&path).parent().unwrap();
        let journal = SqlJournal::open(&path).await.unwrap();
        let _lease = arm(&journal, &fault(1, "local:web/a", "stop")).await;
        journal.mark(id(1), &Mark::new(FaultState::Injecting, at(1))).await.unwrap();
        fill(folder);
        for state in [FaultState::Active, FaultState::Recovering, FaultState::Recovered] {
            let marked = journal.mark(id(1), &Mark::new(state, at(2))).await;
            marked.unwrap_or_else(|error| panic!("{state}: {error}"));
        }
        // A write that finds no space in the end says so, and leaves nothing half-written.
        let mut number = 2;
        let error = loop {
            match journal.arm(&fault(number, "local:web/b", "stop"), &Limits::none()).await {
                Err(error) => break error,
                Ok(_) if number == 200 => panic!("the disk never was too full"),
                Ok(_) => {}
            }
            for state in [FaultState::Recovering, FaultState::Recovered] {
                journal.mark(id(number), &Mark::new(state, at(3))).await.unwrap();
            }
            number += 1;
        };
        assert_eq!(error.kind(), ErrorKind::Journal, "{error}");
        assert!(error.to_string().contains("no space is left"), "{error}");
        assert!(journal.pending().await.unwrap().faults.is_empty());
        fs::remove_file(folder.join("everything")).unwrap();
        drop(arm(&journal, &fault(number, "local:web/b", "stop")).await);
        return say("recorded");
    }
    if !stranger::is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mount =
        format!("mount -t tmpfs -o size=256k,mode=0700 chaos '{}'; exec \"$@\"", folder.path().display());
    let starter = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", &mount, "sh"];
    let mut child = child_by(&starter, name, &folder.path().join("j"));
    wait_for(&mut child, "recorded");
    assert!(child.wait().unwrap().success());
}
