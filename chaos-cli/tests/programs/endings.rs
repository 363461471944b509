//! The endings of programs after a hang-up, a quit or a stop, and of those that find faults which they cannot recover.

use std::{path::Path, time::Duration};

use crate::support::{
    CHAOS, DRILL, FleetProgram, HISTORY, RECOVER, Watched, end, pending, run, send, terminal::OnTerminal,
    text,
};
use chaos_core::{
    Journal,
    clock::{Clock, SystemClock},
    fault::{FaultRecord, Magnitude},
    journal::{Arming, Lease, Limits},
    recovery::RecoveryRecord,
};
use chaos_journal::SqlJournal;
use jiff::{SignedDuration, Timestamp};
use rustix::process::Signal;
use serde_json::json;
use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};

/// A stop of one replica for this long.
fn stop<'a>(journal: &'a Path, duration: &'a str) -> [&'a str; 6] {
    ["--journal", text(journal), "--event", "stop", "--duration", duration]
}

#[tokio::test]
async fn a_closed_terminal_is_ctrl_c() {
    let fleet = FleetProgram::start(5).await;
    let path = fleet.place("closed.journal");
    let mut drill = OnTerminal::with_session(&[], &fleet.attached(&stop(&path, "10m")));
    drill.is_asked("replica-").await;
    drill.is_asked("hold").await;
    assert_eq!(fleet.stopped().len(), 1);
    let ended = end(drill.hangs_up()).await.with_code(5);
    assert_eq!(ended.json()["outcome"], "failed", "as after Ctrl-C");
    assert_eq!(ended.json()["faults"][0]["state"], "recovered");
    assert_eq!(fleet.stopped(), [0; 0]);
    assert!(pending(&path).await.is_empty());
    fleet.stop().await;
}

#[tokio::test]
async fn a_drill_that_was_told_to_ignore_it_goes_on_without_a_terminal() {
    let fleet = FleetProgram::start(5).await;
    let path = fleet.place("ignored.journal");
    // With a log, which is written across the live lines.
    let starter = ["env", "RUST_LOG=debug", "sh", "-c", "trap '' HUP; exec \"$@\"", "sh"];
    let mut drill = OnTerminal::with_session(&starter, &fleet.attached(&stop(&path, "2s")));
    drill.is_asked("hold").await;
    let ended = end(drill.hangs_up()).await.with_code(0);
    assert_eq!(ended.json()["outcome"], "completed");
    assert!(ended.json()["faults"][0]["achieved"]["seconds"].as_f64().unwrap() >= 1.5, "{ended:#?}");
    fleet.stop().await;
}

/// The kernel, the shell and the session's end each send one.
#[tokio::test]
async fn all_hang_ups_of_a_terminal_are_one_and_a_quit_is_ctrl_c() {
    for signals in [&[Signal::HUP; 3][..], &[Signal::QUIT]] {
        let fleet = FleetProgram::start(5).await;
        let path = fleet.place("signals.journal");
        let mut drill = Watched::start(DRILL, fleet.attached(&stop(&path, "10m")));
        drill.says("inject ").await;
        for signal in signals {
            drill.signal(*signal);
        }
        let ended = drill.end().await.with_code(5);
        assert_eq!(ended.json()["faults"][0]["state"], "recovered", "{signals:?}: {ended:#?}");
        assert!(pending(&path).await.is_empty(), "{signals:?}");
        fleet.stop().await;
    }
}

#[tokio::test]
async fn a_fleet_leaves_no_replica_when_its_terminal_is_closed() {
    for signal in [Signal::HUP, Signal::QUIT] {
        FleetProgram::start(2).await.ends_by(signal).await;
    }
}

#[tokio::test]
async fn a_recovery_goes_on_when_the_terminal_is_closed() {
    let fleet = FleetProgram::start(5).await;
    let path = fleet.place("recovery.journal");
    // The recovery takes its time: nothing replaces the terminated replica.
    fleet.signal(Signal::STOP);
    let crash = ["--journal", text(&path), "--crash-at", "after:active"];
    assert!(run(DRILL, fleet.attached(&crash)).await.was_killed());
    let recovering = Watched::start(RECOVER, ["--journal", text(&path), "--json"]);
    let journal = SqlJournal::open_existing(&path).await.unwrap();
    while journal.pending().await.unwrap().faults[0].recovering_at.is_none() {
        SystemClock::default().sleep(Duration::from_millis(5)).await;
    }
    recovering.signal(Signal::HUP);
    fleet.signal(Signal::CONT);
    let recovered = recovering.end().await.with_code(0).json();
    assert_eq!(recovered["faults"][0]["state"], "recovered", "{recovered:#}");
    fleet.stop().await;
}

/// A drill that is stopped, as by Ctrl-Z, holds its lease and does not act.
#[tokio::test]
async fn a_stopped_drill_does_not_keep_its_fault() {
    let fleet = FleetProgram::start(5).await;
    let path = fleet.place("stopped.journal");
    let hold = [&stop(&path, "1s")[..], &["--recovery-budget", "1s"]].concat();
    let mut drill = Watched::start(DRILL, fleet.attached(&hold));
    drill.says("inject ").await;
    drill.signal(Signal::STOP);
    let clock = SystemClock::default();
    let recover_by = pending(&path).await[0].recover_by;
    let left = Duration::try_from(recover_by.duration_since(clock.now())).unwrap_or_default();
    clock.sleep(left + Duration::from_millis(1)).await;

    let recovered = run(RECOVER, ["--journal", text(&path), "--json"]).await.with_code(0).json();
    assert_eq!(recovered["faults"][0]["state"], "recovered", "{recovered:#}");
    assert_eq!((fleet.stopped().len(), fleet.healthy().await), (0, 5));
    assert!(pending(&path).await.is_empty());
    drill.signal(Signal::CONT);
    let ended = drill.end().await;
    assert_eq!(ended.json()["faults"][0]["state"], "recovered", "{ended:#?}");
    fleet.stop().await;
}

/// A journal in which this process holds a fault of `fleet`.
async fn held(path: &Path, fleet: &FleetProgram, replica: u32, deadline: Timestamp) -> (SqlJournal, Lease) {
    let journal = SqlJournal::open(path).await.unwrap();
    let target = format!("local:{}/replica-{replica}", text(&fleet.state()));
    let recovery = RecoveryRecord::new(
        "chaos-events/start-again/1",
        json!({ "replaced": false, "healthy": 5, "from_the_beginning": false }),
    );
    let armed_at = deadline - SignedDuration::from_secs(60);
    let fault = FaultRecord::armed(
        format!("{replica:016x}").parse().unwrap(),
        1,
        target.parse().unwrap(),
        "stop",
        recovery,
        Magnitude::default(),
        armed_at,
        deadline,
    );
    match journal.arm(&fault, &Limits::none()).await.unwrap() {
        Arming::Armed(lease) => (journal, lease),
        Arming::Refused(reason) => panic!("{reason}"),
    }
}

#[tokio::test]
async fn what_is_overdue_and_held_is_named_and_no_success() {
    let fleet = FleetProgram::start(1).await;
    let path = fleet.place("overdue.journal");
    let now = SystemClock::default().now();
    let (_journal, _lease) = held(&path, &fleet, 0, now - SignedDuration::from_secs(5)).await;
    let left = run(RECOVER, ["--journal", text(&path), "--json"]).await.with_code(4).json();
    assert_eq!(left["outcome"], "failed");
    assert_eq!(left["held"][0]["id"], "0000000000000000", "{left:#}");
    let said = run(RECOVER, ["--journal", text(&path)]).await.with_code(4).stdout;
    assert!(said.contains("OVERDUE") && said.contains("0000000000000000"), "{said}");
    fleet.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_named_and_keeps_nothing_else_from_being_recovered() {
    let fleet = FleetProgram::start(5).await;
    let path = fleet.place("unreadable.journal");
    let crash = [&stop(&path, "10m")[..], &["--crash-at", "after:active"]].concat();
    assert!(run(DRILL, fleet.attached(&crash)).await.was_killed());
    let stopped = u32::try_from(fleet.stopped()[0]).unwrap();
    let (journal, lease) = held(&path, &fleet, (stopped + 1) % 5, SystemClock::default().now()).await;
    let mut connection = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    let update = "UPDATE fault SET state = 'of-a-\u{202e}later-version' WHERE state = 'armed'";
    sqlx::query(update).execute(&mut connection).await.unwrap();
    drop((lease, connection));
    journal.close().await.unwrap();

    let recovered = run(RECOVER, ["--journal", text(&path), "--json"]).await.with_code(4).json();
    assert_eq!(recovered["faults"][0]["state"], "recovered", "{recovered:#}");
    let entry = format!("{:016x}", (stopped + 1) % 5);
    assert_eq!(recovered["unreadable"][0]["entry"], *entry, "{recovered:#}");
    assert_eq!(fleet.stopped().len(), 0);
    let said = run(RECOVER, ["--journal", text(&path)]).await.with_code(4).stdout;
    assert!(said.contains("CANNOT BE READ") && said.contains(&entry), "{said}");
    let history = run(HISTORY, ["--journal", text(&path)]).await.with_code(0).stdout;
    assert!(history.contains("CANNOT BE READ") && history.contains(&entry), "{history}");
    assert!(!history.contains('\u{202e}') && history.contains("\\u{202e}"), "{history}");

    // The entry counts for the limits of a drill, and the drill says so.
    let drill = run(DRILL, fleet.attached(&stop(&path, "100ms"))).await.with_code(4);
    assert_eq!(drill.json()["unreadable"][0]["entry"], *entry, "{drill:#?}");
    fleet.stop().await;
}

#[tokio::test]
async fn a_journal_that_may_only_be_read_says_so_and_what_it_holds_is_recovered() {
    if crate::support::lacks_root("a_journal_that_may_only_be_read_says_so_and_what_it_holds_is_recovered") {
        return;
    }
    let fleet = FleetProgram::start(5).await;
    let folder = fleet.place("read-only");
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join("a.journal");
    let crash = [&stop(&path, "10m")[..], &["--crash-at", "after:active"]].concat();
    assert!(run(DRILL, fleet.attached(&crash)).await.was_killed());
    assert_eq!(fleet.stopped().len(), 1);
    let on_read_only_mount = async |program: &str| {
        let mount = "mount --bind \"$1\" \"$1\"; mount -o remount,bind,ro \"$1\"; shift; exec \"$@\"";
        let starter = ["--mount", "--propagation", "private", "sh", "-ec", mount, "sh", text(&folder)];
        run("unshare", starter.into_iter().chain([CHAOS, program, "--journal", text(&path)])).await
    };
    let history = on_read_only_mount(HISTORY).await.with_code(0);
    assert!(history.stdout.contains("active"), "{history:#?}");
    let recovered = on_read_only_mount(RECOVER).await.with_code(4);
    assert!(recovered.stderr.contains("read-only file system"), "{recovered:#?}");
    assert!(recovered.stdout.contains("back, not recorded"), "{recovered:#?}");
    assert_eq!((fleet.stopped().len(), fleet.healthy().await), (0, 5));
    assert_eq!(pending(&path).await.len(), 1, "nothing was recorded");
    fleet.stop().await;
}

#[tokio::test]
async fn a_stop_that_others_end_is_cut_short_and_no_success() {
    let fleet = FleetProgram::start(5).await;
    let path = fleet.place("early.journal");
    let mut drill = Watched::start(DRILL, fleet.attached(&stop(&path, "4s")));
    drill.says("inject ").await;
    let stopped = fleet.stopped();
    let (_, pid, _) = fleet.replicas().into_iter().find(|(index, ..)| *index == stopped[0]).unwrap();
    let looked = pending(&path).await;
    assert_eq!(looked.len(), 1);
    SystemClock::default().sleep(Duration::from_millis(500)).await;
    send(pid.unwrap(), Signal::CONT);
    let ended = drill.end().await.with_code(5);
    assert_eq!(ended.json()["outcome"], "cut-short", "{ended:#?}");
    assert_eq!(ended.json()["faults"][0]["cut_short"], "ended-early", "{ended:#?}");
    let history = run(HISTORY, ["--journal", text(&path)]).await.with_code(0).stdout;
    assert!(history.contains("cut short: it ended before its time"), "{history}");
    assert!(history.contains("REVERTED IN"), "{history}");
    fleet.stop().await;
}
