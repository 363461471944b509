//! The journal on disk behaves like the one in memory, and reads back its own records.

use std::time::Duration;

use crate::common::{arm, at, fault, id, pass_through};
use chaos_core::{
    ErrorKind, Journal, MemoryJournal,
    error::Failure,
    fault::{FaultRecord, FaultState, Magnitude, Mark, Milestone, Reached},
    journal::{Arming, FaultQuery, Halt, Limits},
    recovery::RecoveryRecord,
};
use chaos_journal::SqlJournal;
use chaos_testkit::{Timing, contract};
use jiff::Timestamp;
use serde_json::json;

#[tokio::test]
async fn the_journal_on_disk_keeps_the_contract_of_journals() {
    let fresh = async || {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chaos.journal");
        Ok((SqlJournal::open(&path).await?, (folder, path)))
    };
    let reopen = async |place: &(tempfile::TempDir, std::path::PathBuf)| SqlJournal::open(&place.1).await;
    contract::journal::check_durable(&Timing::default(), fresh, reopen).await.assert_kept();
}

/// The answers of a journal, call by call.
#[derive(Default)]
struct Transcript(Vec<String>);

impl Transcript {
    fn faults(&mut self, call: &str, found: chaos_core::Result<chaos_core::journal::Found>) {
        self.0.push(format!("{call}: {found:#?}"));
    }

    fn answer(&mut self, call: &str, answer: impl std::fmt::Debug) {
        self.0.push(format!("{call}: {answer:?}"));
    }

    async fn state_of(&mut self, call: &str, journal: &dyn Journal) {
        self.faults(&format!("{call}, all"), journal.find(&FaultQuery::all()).await);
        self.faults(&format!("{call}, pending"), journal.pending().await);
        self.faults(&format!("{call}, orphans"), journal.orphans(jiff::Timestamp::UNIX_EPOCH).await);
        self.answer(&format!("{call}, halt"), journal.halt().await);
    }
}

/// Every point of the contract, in one long story.
async fn story(journal: &dyn Journal) -> Vec<String> {
    use FaultState::{Active, Armed, Injecting, Recovered, Recovering, RecoveryFailed};

    let mut told = Transcript::default();
    told.state_of("empty", journal).await;

    // Armed out of the order of time, and two at the same instant.
    let mut leases = Vec::new();
    for (number, target, event) in [
        (5, "local:web/a", "stop"),
        (3, "local:web/b", "stop"),
        (9, "local:db/a", "reboot"),
        (4, "other:web/a", "stop"),
    ] {
        leases.push(arm(journal, &fault(number, target, event)).await);
    }
    let mut twin = fault(10, "local:db/b", "reboot");
    twin.armed_at = fault(9, "local:db/a", "reboot").armed_at;
    leases.push(arm(journal, &twin).await);
    told.state_of("armed", journal).await;

    // Limits, each met and each missed by one.
    let next = |number| fault(number, "local:web/c", "stop");
    for (number, limits) in [
        (20, Limits::none().group_active(2)),
        (21, Limits::none().total_active(5)),
        (22, Limits::none().group_active(3).total_active(6)),
        (23, Limits::none()),
        (5, Limits::none()),
    ] {
        match journal.arm(&next(number), &limits).await {
            Ok(Arming::Armed(lease)) => {
                told.answer("armed within limits", number);
                leases.push(lease);
            }
            Ok(Arming::Refused(reason)) => told.answer("refused", reason),
            Err(error) => told.answer("error", error.kind()),
        }
    }

    // Every move between states, from each state that a fault can be in.
    for (start, path) in [
        (Armed, vec![]),
        (Injecting, vec![Injecting]),
        (Active, vec![Injecting, Active]),
        (Recovering, vec![Recovering]),
        (Recovered, vec![Recovering, Recovered]),
        (RecoveryFailed, vec![Recovering, RecoveryFailed]),
    ] {
        for (number, wanted) in (0..).zip(FaultState::ALL) {
            let number = 100 + 10 * start as u64 + number;
            let fault = fault(number, &format!("moves:{start}/{wanted}"), "stop");
            let lease = arm(journal, &fault).await;
            pass_through(journal, fault.id, 1_000, &path).await;
            let moved = journal.mark(fault.id, &Mark::new(wanted, at(2_000))).await;
            told.answer(&format!("{start} to {wanted}"), moved.map_err(|error| error.kind()));
            drop(lease);
        }
    }
    let unknown = journal.mark(id(77_777), &Mark::new(Recovering, at(0))).await;
    told.answer("unknown", unknown.map_err(|error| error.kind()));
    told.state_of("moved", journal).await;

    // Cool-down: counted from the injection, for the same target and event alone.
    pass_through(journal, id(5), 3_000, &[Injecting, Active, Recovering, Recovered]).await;
    for (number, event, cool_down) in
        [(3_100, "stop", 101), (3_100, "stop", 100), (3_200, "reboot", 100_000), (3_300, "stop", u64::MAX)]
    {
        let again = fault(number, "local:web/a", event);
        let limits = Limits::none().cool_down(Duration::from_secs(cool_down));
        match journal.arm(&again, &limits).await {
            Ok(Arming::Armed(_)) => {
                told.answer("cooled down", number);
                pass_through(journal, again.id, 0, &[Recovering, Recovered]).await;
            }
            Ok(Arming::Refused(reason)) => told.answer("refused", reason),
            Err(error) => told.answer("error", error.kind()),
        }
    }

    // The contents of marks: milestones once each, numbers by name, the last failure and note.
    let mut achieved = Magnitude::default();
    achieved.set("load_percent", 99.5);
    achieved.set("bytes", f64::MAX);
    let rich = Mark::new(Recovering, at(4_000))
        .achieved(achieved.clone())
        .milestones(vec![Reached::new(Milestone::DetectedUnhealthy, at(4_001))])
        .failure(Some(Failure::new(ErrorKind::Timeout, "slow\nand \"odd\"")))
        .note(Some("a\u{0}note".into()));
    told.answer("rich", journal.mark(id(9), &rich).await);
    achieved.set("load_percent", 1.0);
    let richer = Mark::new(Recovering, at(4_100)).achieved(achieved).milestones(vec![
        Reached::new(Milestone::DetectedUnhealthy, at(4_101)),
        Reached::new(Milestone::Healthy, at(4_102)),
    ]);
    told.answer("richer", journal.mark(id(9), &richer).await);

    // Halt.
    told.answer("halt", journal.set_halt(Some(Halt::new("first", at(1)))).await);
    told.answer("halt", journal.set_halt(Some(Halt::new("the \"second\"", at(2)))).await);
    told.answer("halted", journal.halt().await);
    let halted = journal.arm(&fault(6_000, "local:new/a", "stop"), &Limits::none()).await;
    told.answer("arm while halted", halted);
    told.answer("resume", journal.set_halt(None).await);

    // Queries.
    let all = FaultQuery::all;
    for query in [
        all().since(at(4)).before(at(9)),
        all().since(at(9)).before(at(9)),
        all().since(Timestamp::MIN).before(Timestamp::MAX),
        all().since(Timestamp::MAX),
        all().group("local:web".parse().unwrap()),
        all().target("local:web/a".parse().unwrap()),
        all().event("reboot"),
        all().event("' OR TRUE --"),
        all().state(Recovered),
        all().state(RecoveryFailed).limit(2),
        all().limit(0),
        all().limit(3),
        all().before(at(10)).limit(1),
        all().limit(usize::MAX),
        all()
            .group("local:web".parse().unwrap())
            .target("local:web/a".parse().unwrap())
            .event("stop")
            .state(Recovered)
            .since(at(0))
            .before(at(6))
            .limit(1),
    ] {
        told.faults(&format!("{query:?}"), journal.find(&query).await);
    }
    drop(leases);
    told.state_of("at the end", journal).await;
    told.0
}

#[tokio::test]
async fn the_journal_on_disk_tells_the_same_story_as_the_one_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let on_disk = SqlJournal::open(folder.path().join("j")).await.unwrap();
    let in_memory = MemoryJournal::new();
    let (told, expected) = (story(&on_disk).await, story(&in_memory).await);
    assert_eq!(told.len(), expected.len());
    for (told, expected) in told.iter().zip(&expected) {
        assert_eq!(told, expected);
    }
    // Equal in every number and instant, not only in print; and after a reopening too.
    let all = in_memory.find(&FaultQuery::all()).await.unwrap().faults;
    assert!(all.len() > 40);
    assert_eq!(on_disk.find(&FaultQuery::all()).await.unwrap().faults, all);
    on_disk.close().await.unwrap();
    let reopened = SqlJournal::open_existing(folder.path().join("j")).await.unwrap();
    assert_eq!(reopened.find(&FaultQuery::all()).await.unwrap().faults, all);
    assert_eq!(reopened.pending().await.unwrap().faults, in_memory.pending().await.unwrap().faults);
}

#[tokio::test]
async fn extreme_values_come_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    let journal = SqlJournal::open(&path).await.unwrap();
    let mut written = Vec::new();
    // Numbers that a careless JSON reader gets wrong in the last bit.
    let numbers = [51.24817837550540_4, 1.7976931348623157e308, 5e-324, -0.0, 0.1 + 0.2];
    for (number, seed) in (1..).zip([0, 1, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX]) {
        let mut fault = fault(number, &format!("local:web/{number}"), "ev'ent\u{0}ü");
        fault.seed = seed;
        fault.deadline = Timestamp::MAX;
        for (index, number) in numbers.iter().enumerate() {
            fault.requested.set(format!("n{index}"), *number);
        }
        fault.recovery = RecoveryRecord::new(
            "k",
            json!({ "u": u64::MAX, "i": i64::MIN, "f": numbers, "deep": [[[null, true, "\u{0}"]]], "": {} }),
        );
        arm(&journal, &fault).await;
        written.push(fault);
    }
    journal.close().await.unwrap();
    let journal = SqlJournal::open(&path).await.unwrap();
    let read = journal.find(&FaultQuery::all()).await.unwrap().faults;
    assert_eq!(read, written);
    let bits = |fault: &FaultRecord| -> Vec<u64> {
        fault.requested.iter().map(|(_, value)| value.to_bits()).collect()
    };
    assert_eq!(bits(&read[0]), bits(&written[0]));
}

#[tokio::test]
async fn a_closed_journal_leaves_its_file_alone_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let journal = SqlJournal::open(folder.path().join("j")).await.unwrap();
    let lease = arm(&journal, &fault(1, "local:web/a", "stop")).await;
    let open = crate::common::names(folder.path());
    assert!(
        open.contains(&"j-wal".to_owned()) && open.iter().any(|name| name.contains(".holder-")),
        "{open:?}"
    );
    drop(lease);
    journal.close().await.unwrap();
    assert_eq!(crate::common::names(folder.path()), ["j"]);
}
