//! Several journals over one file, in one process and in several.

use std::{env, future::poll_fn, process::Child, task::Poll};

use crate::common::{
    arm, at,
    child::{CHILD, child, say, wait_for, wait_for_parent},
    fault, id, names,
};
use chaos_core::{
    ErrorKind, Journal,
    fault::{FaultState, Mark},
    journal::{Arming, Halt, Limits},
    plan::Reason,
};
use chaos_journal::SqlJournal;
use tokio::task::JoinSet;

#[tokio::test]
async fn a_killed_process_leaves_its_faults_to_the_others_at_once() {
    let name = "sharing::a_killed_process_leaves_its_faults_to_the_others_at_once";
    if let Some(path) = env::var_os(CHILD) {
        let journal = SqlJournal::open(path).await.unwrap();
        let _held = arm(&journal, &fault(1, "local:web/a", "stop")).await;
        drop(arm(&journal, &fault(2, "local:web/b", "stop")).await);
        journal.mark(id(1), &Mark::new(FaultState::Injecting, at(5))).await.unwrap();
        say("armed");
        return wait_for_parent();
    }

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    let mut child = child(name, &path);
    wait_for(&mut child, "armed");

    let journal = SqlJournal::open_existing(&path).await.unwrap();
    let pending = journal.pending().await.unwrap().faults;
    assert_eq!(pending.len(), 2);
    assert_eq!(pending[0].state, FaultState::Injecting);
    assert!(
        journal.orphans(jiff::Timestamp::UNIX_EPOCH).await.unwrap().faults.is_empty(),
        "its holder lives"
    );

    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(journal.orphans(jiff::Timestamp::UNIX_EPOCH).await.unwrap().faults, pending);
    assert_eq!(journal.pending().await.unwrap().faults, pending);
    // Asked twice, because the first question removes the dead session's file.
    assert_eq!(journal.orphans(jiff::Timestamp::UNIX_EPOCH).await.unwrap().faults, pending);
    journal.close().await.unwrap();
    assert_eq!(names(folder.path()), ["j"]);
}

#[tokio::test]
async fn processes_that_open_a_new_journal_at_once_all_succeed() {
    let name = "sharing::processes_that_open_a_new_journal_at_once_all_succeed";
    if let Some(path) = env::var_os(CHILD) {
        say("ready");
        wait_for_parent();
        let journal = SqlJournal::open(path).await.unwrap();
        let number = u64::from(std::process::id());
        drop(arm(&journal, &fault(number, &format!("local:web/{number}"), "stop")).await);
        return journal.close().await.unwrap();
    }

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    let mut children: Vec<Child> = (0..6).map(|_| child(name, &path)).collect();
    for child in &mut children {
        wait_for(child, "ready");
    }
    for child in &mut children {
        drop(child.stdin.take());
    }
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let journal = SqlJournal::open_existing(&path).await.unwrap();
    assert_eq!(
        journal.orphans(jiff::Timestamp::UNIX_EPOCH).await.unwrap().faults.len(),
        6,
        "every one wrote into the same file"
    );
    journal.close().await.unwrap();
    assert_eq!(names(folder.path()), ["j"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tasks_that_open_a_new_journal_at_once_all_succeed() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
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
        let journal = SqlJournal::open_existing(&path).await.unwrap();
        assert_eq!(journal.pending().await.unwrap().faults.len(), 4);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn journals_over_one_file_never_exceed_a_limit_together() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    let limits = Limits::none().group_active(3).total_active(5);
    let mut tasks = JoinSet::new();
    for task in 0..6_u64 {
        let journal = SqlJournal::open(&path).await.unwrap();
        tasks.spawn(async move {
            let mut leases = Vec::new();
            for number in 0..20 {
                let group = ["web", "db", "cache"][usize::try_from(number % 3).unwrap()];
                // Every task wants the same targets, too.
                let fault = fault(1_000 * task + number, &format!("local:{group}/{number}"), "stop");
                match journal.arm(&fault, &limits).await.unwrap() {
                    Arming::Armed(lease) => leases.push((fault.group, lease)),
                    Arming::Refused(
                        Reason::GroupLimit { .. } | Reason::ActiveLimit { .. } | Reason::UnderFault { .. },
                    ) => {}
                    Arming::Refused(other) => panic!("{other:?}"),
                }
            }
            (journal, leases)
        });
    }
    let done = tasks.join_all().await;
    let groups: Vec<_> = done.iter().flat_map(|(_, leases)| leases).map(|(group, _)| group).collect();
    assert_eq!(groups.len(), 5, "as many as the limit allows, and not one more: {groups:?}");
    for group in &groups {
        assert!(groups.iter().filter(|other| other == &group).count() <= 3, "{groups:?}");
    }
    assert_eq!(done[0].0.pending().await.unwrap().faults.len(), 5);
    assert!(done[0].0.orphans(jiff::Timestamp::UNIX_EPOCH).await.unwrap().faults.is_empty());
}

#[tokio::test]
async fn two_journals_in_one_process_see_whose_fault_is_whose() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    let first = SqlJournal::open(&path).await.unwrap();
    let second = SqlJournal::open(&path).await.unwrap();
    let orphans = async |journal: &SqlJournal| -> Vec<_> {
        let found = journal.orphans(jiff::Timestamp::UNIX_EPOCH).await.unwrap().faults;
        found.into_iter().map(|fault| fault.id).collect()
    };
    let kept = arm(&first, &fault(1, "local:web/a", "stop")).await;
    let dropped = arm(&first, &fault(2, "local:web/b", "stop")).await;
    let other = arm(&second, &fault(3, "local:web/c", "stop")).await;
    assert_eq!((orphans(&first).await, orphans(&second).await), (vec![], vec![]));

    drop(dropped);
    assert_eq!(orphans(&first).await, [id(2)]);
    assert_eq!(orphans(&second).await, [], "only the journal that gave a lease knows that it was dropped");

    // The journal is gone, but a lease of it lives: its owner still takes care of the fault.
    first.close().await.unwrap();
    assert_eq!(orphans(&second).await, []);
    drop(kept);
    assert_eq!(orphans(&second).await, [id(1), id(2)]);

    // A fault that another process has recovered is no orphan.
    for fault in [1, 2] {
        crate::common::pass_through(&second, id(fault), 9, &[FaultState::Recovering, FaultState::Recovered])
            .await;
    }
    assert_eq!(orphans(&second).await, []);
    drop(other);
    assert_eq!(orphans(&second).await, [id(3)]);
}

#[tokio::test]
async fn a_halt_by_one_stops_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    let first = SqlJournal::open(&path).await.unwrap();
    let second = SqlJournal::open(&path).await.unwrap();
    first.set_halt(Some(Halt::new("smoke", at(0)))).await.unwrap();
    match second.arm(&fault(1, "local:web/a", "stop"), &Limits::none()).await.unwrap() {
        Arming::Refused(Reason::Halted { reason, .. }) => assert_eq!(reason, "smoke"),
        other => panic!("{other:?}"),
    }
    assert!(second.find(&chaos_core::journal::FaultQuery::all()).await.unwrap().faults.is_empty());
    second.set_halt(None).await.unwrap();
    assert_eq!(first.halt().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_all_who_want_to_inject_a_fault_one_may() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    let first = SqlJournal::open(&path).await.unwrap();
    let _lease = arm(&first, &fault(1, "local:web/a", "stop")).await;
    let mut tasks = JoinSet::new();
    for _ in 0..6 {
        let journal = SqlJournal::open(&path).await.unwrap();
        tasks.spawn(async move { journal.mark(id(1), &Mark::new(FaultState::Injecting, at(1))).await });
    }
    let (won, lost): (Vec<_>, Vec<_>) = tasks.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    assert!(lost.iter().all(|lost| lost.as_ref().unwrap_err().kind() == ErrorKind::Conflict));
}

/// Drops calls after one poll, then after two, and so on.
#[tokio::test]
async fn a_dropped_call_happened_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let journal = SqlJournal::open(folder.path().join("j")).await.unwrap();
    let limits = Limits::none();
    let (mut dropped, mut finished) = (0, 0);
    for number in 0..120 {
        let fault = fault(number, &format!("local:web/{number}"), "stop");
        let mut call = Box::pin(journal.arm(&fault, &limits));
        let mut polls_left = number % 12;
        let armed = poll_fn(|context| match call.as_mut().poll(context) {
            Poll::Ready(armed) => Poll::Ready(Some(armed)),
            Poll::Pending if polls_left == 0 => Poll::Ready(None),
            Poll::Pending => {
                polls_left -= 1;
                Poll::Pending
            }
        })
        .await;
        drop(call);
        match armed {
            None => dropped += 1,
            Some(armed) => {
                assert!(matches!(armed.unwrap(), Arming::Armed(_)));
                finished += 1;
            }
        }
        let pending = journal.pending().await.unwrap().faults;
        let there: Vec<_> = pending.iter().filter(|other| other.id == fault.id).collect();
        assert!(there.iter().all(|other| **other == fault), "whole");
        assert_eq!(
            journal.orphans(jiff::Timestamp::UNIX_EPOCH).await.unwrap().faults,
            pending,
            "no lease holds a dropped fault"
        );
        // The journal still works, and no transaction was left open.
        let next = crate::common::fault(1_000 + number, &format!("local:next/{number}"), "stop");
        drop(arm(&journal, &next).await);
        let other = SqlJournal::open(journal.path()).await.unwrap();
        other.set_halt(None).await.unwrap();
        other.close().await.unwrap();
    }
    assert!(dropped > 0 && finished > 0, "{dropped} dropped, {finished} finished");
}
