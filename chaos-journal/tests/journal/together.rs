//! Writes of the same moment: committed together, answered one by one, and never reported too early.

use std::{
    env, fs,
    future::poll_fn,
    io::{BufRead, BufReader},
    path::Path,
    pin::pin,
    sync::Arc,
    task::Poll,
};

use crate::common::{
    arm, at,
    child::{CHILD, child, say},
    fault, id,
};
use chaos_core::{
    ErrorKind, FaultId, Journal, Result,
    fault::{FaultState, Mark},
    journal::{Arming, Halt, Lease, Limits},
    plan::Reason,
};
use chaos_journal::SqlJournal;
use sqlx::{Connection, SqliteConnection};
use tokio::task::JoinSet;

/// The states of a fault from its arming to its end.
const WAY: [FaultState; 4] =
    [FaultState::Injecting, FaultState::Active, FaultState::Recovering, FaultState::Recovered];

async fn open(folder: &Path) -> Arc<SqlJournal> {
    Arc::new(SqlJournal::open(folder.join("j")).await.unwrap())
}

/// Arms these faults, all at once.
async fn arm_at_once(
    journal: &Arc<SqlJournal>,
    faults: impl IntoIterator<Item = (u64, String)>,
    limits: Limits,
) -> Vec<Result<Arming<Lease>>> {
    let tasks: Vec<_> = faults
        .into_iter()
        .map(|(number, target)| {
            let (journal, fault) = (Arc::clone(journal), fault(number, &target, "stop"));
            tokio::spawn(async move { journal.arm(&fault, &limits).await })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

/// Makes the same mark on all of these faults, all at once.
async fn mark_at_once(
    journal: &Arc<SqlJournal>,
    faults: impl IntoIterator<Item = u64>,
    state: FaultState,
) -> Vec<Result<()>> {
    let tasks: Vec<_> = faults
        .into_iter()
        .map(|number| {
            let (journal, mark) = (Arc::clone(journal), Mark::new(state, at(1)));
            tokio::spawn(async move { journal.mark(id(number), &mark).await })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

fn on_targets(numbers: impl IntoIterator<Item = u64>) -> Vec<(u64, String)> {
    numbers.into_iter().map(|number| (number, format!("local:web/{number}"))).collect()
}

fn leases(answers: Vec<Result<Arming<Lease>>>) -> Vec<Lease> {
    let armed = answers.into_iter().filter_map(|answer| match answer.unwrap() {
        Arming::Armed(lease) => Some(lease),
        Arming::Refused(_) => None,
    });
    armed.collect()
}

async fn states(journal: &SqlJournal) -> Vec<(FaultId, FaultState)> {
    let found = journal.find(&chaos_core::journal::FaultQuery::all()).await.unwrap();
    assert!(found.unreadable.is_empty());
    found.faults.into_iter().map(|fault| (fault.id, fault.state)).collect()
}

/// The number of transactions in the log since it started over (<https://www.sqlite.org/fileformat2.html#walformat>).
fn commits(log: &Path) -> usize {
    let bytes = fs::read(log).unwrap();
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    let frame = 24 + usize::try_from(number(8)).unwrap();
    (32..bytes.len())
        .step_by(frame)
        .take_while(|at| (number(at + 8), number(at + 12)) == (number(16), number(20)))
        .filter(|at| number(at + 4) != 0)
        .count()
}

#[tokio::test]
async fn many_marks_at_once_are_few_commits() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).await;
    let _leases = leases(arm_at_once(&journal, on_targets(0..300), Limits::none()).await);
    assert!(mark_at_once(&journal, 0..300, FaultState::Injecting).await.iter().all(Result::is_ok));

    // A reader keeps the log from starting over.
    let mut reader = SqliteConnection::connect(journal.path().to_str().unwrap()).await.unwrap();
    let mut reading = reader.begin().await.unwrap();
    sqlx::query("SELECT id FROM fault").fetch_all(&mut *reading).await.unwrap();
    assert!(mark_at_once(&journal, 0..300, FaultState::Active).await.iter().all(Result::is_ok));
    let commits = commits(&folder.path().join("j-wal"));
    assert!((1..=3).contains(&commits), "{commits}");
    reading.rollback().await.unwrap();
    assert!(states(&journal).await.iter().all(|(_, state)| *state == FaultState::Active));
}

#[tokio::test]
async fn limits_hold_among_faults_that_are_armed_together() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).await;
    let limits = Limits::none().group_active(3);
    let answers = arm_at_once(&journal, on_targets(0..20), limits).await;
    for (number, answer) in answers.iter().enumerate() {
        match answer.as_ref().unwrap() {
            Arming::Armed(_) => assert!(number < 3),
            Arming::Refused(Reason::GroupLimit { active: 3, limit: 3, .. }) => assert!(number >= 3),
            Arming::Refused(other) => panic!("{other:?}"),
        }
    }
    let twice = [(30, "local:db/a".to_owned()), (31, "local:db/a".to_owned())];
    let twice = arm_at_once(&journal, twice, Limits::none()).await;
    assert!(matches!(&twice[0], Ok(Arming::Armed(_))));
    match &twice[1] {
        Ok(Arming::Refused(Reason::UnderFault { fault, state: FaultState::Armed, .. })) => {
            assert_eq!(*fault, id(30));
        }
        other => panic!("{other:?}"),
    }
    let total = arm_at_once(&journal, on_targets(40..50), Limits::none().total_active(6)).await;
    assert_eq!(total.iter().filter(|answer| matches!(answer, Ok(Arming::Armed(_)))).count(), 2);
    assert_eq!(states(&journal).await.len(), 6);

    journal.set_halt(Some(Halt::new("smoke", at(0)))).await.unwrap();
    let halted = arm_at_once(&journal, on_targets(50..60), Limits::none()).await;
    assert!(halted.iter().all(|answer| matches!(answer, Ok(Arming::Refused(Reason::Halted { .. })))));
}

#[tokio::test]
async fn what_is_refused_spoils_nothing_that_is_written_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).await;
    let numbers = [1, 2, 2, 3].map(|number| (number, format!("local:web/{number}")));
    let mut answers = arm_at_once(&journal, numbers, Limits::none()).await;
    assert_eq!(answers.remove(2).unwrap_err().kind(), ErrorKind::Conflict);
    let leases = leases(answers);
    assert_eq!(leases.len(), 3);

    let answers = mark_at_once(&journal, [1, 9, 2, 2, 3], FaultState::Injecting).await;
    let kinds: Vec<_> = answers.into_iter().map(|answer| answer.map_err(|error| error.kind())).collect();
    assert_eq!(
        kinds,
        [Ok(()), Err(ErrorKind::NotFound), Ok(()), Err(ErrorKind::Conflict), Ok(())],
        "each for itself"
    );
    let injecting = [1, 2, 3].map(|number| (id(number), FaultState::Injecting));
    assert_eq!(states(&journal).await, injecting);
    assert!(journal.orphans(jiff::Timestamp::UNIX_EPOCH).await.unwrap().faults.is_empty(), "all are held");
    drop(leases);
    assert_eq!(journal.orphans(jiff::Timestamp::UNIX_EPOCH).await.unwrap().faults.len(), 3);
}

#[tokio::test]
async fn a_call_that_is_dropped_while_it_waits_has_not_happened() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).await;
    let _lease = arm(&*journal, &fault(1, "local:web/1", "stop")).await;
    let (limits, waits) = (Limits::none(), fault(2, "local:web/2", "stop"));
    let mark = Mark::new(FaultState::Injecting, at(1));
    {
        let mut arming = pin!(journal.arm(&waits, &limits));
        let mut marking = pin!(journal.mark(id(1), &mark));
        // No other task has had a turn on this thread yet.
        poll_fn(|context| {
            assert!(arming.as_mut().poll(context).is_pending());
            assert!(marking.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
    }
    let _other = arm(&*journal, &fault(3, "local:web/3", "stop")).await;
    assert_eq!(states(&journal).await, [(id(1), FaultState::Armed), (id(3), FaultState::Armed)]);
}

/// The first caller in the queue is dropped at every moment of the writing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_dropped_spoils_nobody_who_is_written_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).await;
    for round in 0..40_u64 {
        let numbers = round * 10..round * 10 + 5;
        let mut calls: Vec<_> = on_targets(numbers.clone())
            .into_iter()
            .map(|(number, target)| {
                let (journal, fault) = (Arc::clone(&journal), fault(number, &target, "stop"));
                tokio::spawn(async move { journal.arm(&fault, &Limits::none()).await })
            })
            .collect();
        let first = calls.remove(0);
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        first.abort();
        let first_is_dropped = first.await.is_err();
        let mut held = Vec::new();
        for call in calls {
            match call.await.unwrap().unwrap() {
                Arming::Armed(lease) => held.push(lease),
                Arming::Refused(reason) => panic!("{reason:?}"),
            }
        }
        let others = numbers.clone().skip(1);
        assert!(mark_at_once(&journal, others, FaultState::Injecting).await.iter().all(Result::is_ok));
        let orphans = journal.orphans(jiff::Timestamp::UNIX_EPOCH).await.unwrap().faults;
        assert!(
            orphans.iter().all(|fault| !(numbers.start + 1..numbers.end).any(|other| id(other) == fault.id))
        );
        let there = journal.pending().await.unwrap().faults.iter().any(|fault| fault.id == id(numbers.start));
        assert!(first_is_dropped || there, "who was told is there");
        for state in [FaultState::Active, FaultState::Recovering, FaultState::Recovered] {
            let marked = mark_at_once(&journal, numbers.clone().skip(1), state).await;
            assert!(marked.iter().all(Result::is_ok));
        }
    }
    Arc::try_unwrap(journal).unwrap().close().await.unwrap();
}

/// Everything that a child was told before it was killed is in the file and its log. Everything that may have been
/// injected is in the file even without the log.
#[tokio::test]
async fn nothing_is_told_before_it_is_durable() {
    let name = "together::nothing_is_told_before_it_is_durable";
    if let Some(path) = env::var_os(CHILD) {
        let runtime = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            runtime.block_on(go_the_whole_way(Path::new(&path)));
        });
        return runtime.join().unwrap();
    }
    for round in 0..12_usize {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let mut child = child(name, &path);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut told: Vec<(FaultId, FaultState)> = Vec::new();
        // Killed in another batch each time.
        while told.len() < round * 83 + 1 {
            told.extend(lines.next().map(|line| heard(&line)).expect("the child goes on").into_iter());
        }
        child.kill().unwrap();
        child.wait().unwrap();
        told.extend(lines.filter_map(|line| heard(&line)));

        let alone = folder.path().join("alone");
        fs::copy(&path, &alone).unwrap();
        check(&path, &told, "with its log").await;
        let begun: Vec<_> = told
            .into_iter()
            .filter(|(_, state)| matches!(state, FaultState::Armed | FaultState::Injecting))
            .collect();
        check(&alone, &begun, "without its log").await;
    }
}

/// Takes many faults from arming to end at once, and reports each step that was confirmed.
async fn go_the_whole_way(path: &Path) {
    let journal = Arc::new(SqlJournal::open(path).await.unwrap());
    let mut tasks = JoinSet::new();
    for number in 0..400 {
        let journal = Arc::clone(&journal);
        tasks.spawn(async move {
            let _lease = arm(&*journal, &fault(number, &format!("local:web/{number}"), "stop")).await;
            say(&format!("told {number} {}", FaultState::Armed));
            for state in WAY {
                journal.mark(id(number), &Mark::new(state, at(1))).await.unwrap();
                say(&format!("told {number} {state}"));
            }
        });
    }
    tasks.join_all().await;
}

fn heard(line: &str) -> Option<(FaultId, FaultState)> {
    let (number, state) = line.strip_prefix("told ")?.split_once(' ')?;
    Some((id(number.parse().unwrap()), state.parse().unwrap()))
}

async fn check(path: &Path, told: &[(FaultId, FaultState)], which: &str) {
    let rank = |state: FaultState| WAY.iter().position(|other| *other == state).map_or(0, |rank| rank + 1);
    let journal = SqlJournal::open_existing(path).await.unwrap();
    let found = states(&journal).await;
    for (fault, state) in told {
        let there = found.iter().find(|(other, _)| other == fault).map(|(_, there)| *there);
        assert!(
            there.is_some_and(|there| rank(there) >= rank(*state)),
            "{fault} was told to be {state}, and {which} the file says {there:?}"
        );
    }
    journal.close().await.unwrap();
}
