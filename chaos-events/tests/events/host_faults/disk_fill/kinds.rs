//! File systems that count late, that never give out their last blocks, or that have no room for another file.

use std::time::Duration;

use chaos_core::{Outcome, fault::CutShort};
use chaos_events::DiskFill;

use super::{
    by_hand::ByHand,
    disk::{Disk, MEBIBYTE},
};
use crate::host_faults::{
    held::{Held, own_note},
    machine::{Machine, Tools, lacks_root, until},
};

const LONG: Duration = Duration::from_secs(60);

fn disks() -> impl Iterator<Item = Disk> {
    [Disk::btrfs(), Disk::xfs()].into_iter().flatten()
}

/// The reason why it was not prepared. Nothing was injected.
async fn skipped(tools: Tools, fill: DiskFill) -> String {
    let machine = Machine::with(tools);
    let report = machine.monkey().inject(fill, &machine.id()).await.unwrap();
    assert_eq!(report.outcome(), Outcome::Skipped, "{report}");
    assert!(machine.ran().is_empty(), "{report}");
    report.why_nothing().join("; ")
}

#[tokio::test]
async fn the_space_is_back_when_the_recovery_is_over_also_where_that_is_counted_late() {
    if lacks_root("disks that count late") {
        return;
    }
    for disk in disks() {
        for tools in Tools::all() {
            let before = disk.free();
            let fill = DiskFill::bytes(disk.name(), 150 * MEBIBYTE).unwrap().lasting(LONG).unwrap();
            let held = Held::inject(&Machine::with(tools), fill).await;
            assert!(before - disk.free() >= 149 * MEBIBYTE, "{}", disk.kind);
            let record = held.cut_short().await;
            assert!(disk.free() + MEBIBYTE > before, "{}: {} of {before}", disk.kind, disk.free());
            assert_eq!(own_note(&record), None, "{}", disk.kind);
        }
    }
}

#[tokio::test]
async fn a_fill_that_was_killed_is_counted_when_its_recovery_is_over() {
    if lacks_root("disks that count late") {
        return;
    }
    for disk in disks() {
        let before = disk.free();
        let fill = DiskFill::bytes(disk.name(), 150 * MEBIBYTE).unwrap().lasting(LONG).unwrap();
        let held = Held::inject(&Machine::with(Tools::of_debian()), fill).await;
        for pid in crate::host_faults::machine::marked(&held.fault.to_string()) {
            super::by_hand::kill(pid);
        }
        let record = held.cut_short().await;
        assert!(disk.free() + MEBIBYTE > before, "{}: {} of {before}", disk.kind, disk.free());
        assert_eq!(own_note(&record), None, "{}", disk.kind);
    }
}

#[tokio::test]
async fn as_full_as_it_gets_is_no_failure() {
    if lacks_root("disks that become as full as they get") {
        return;
    }
    for disk in disks() {
        for tools in Tools::all() {
            let what = disk.kind;
            let before = disk.free();
            let fill = DiskFill::all_but(disk.name(), 0).unwrap().keeping_free(0).lasting(LONG).unwrap();
            let held = Held::inject(&Machine::with(tools), fill).await;
            assert!(disk.free() < 5 * MEBIBYTE, "{what}: {}", disk.free());
            let record = held.cut_short().await;
            assert_eq!(record.failure, None, "{what}: {record:?}");
            assert!(disk.free() + MEBIBYTE > before, "{what}: {} of {before}", disk.free());
        }
    }
}

/// Space that was given back is counted late. It must not be given back once more at each look.
#[tokio::test]
async fn it_gives_no_more_than_the_floor_lacks() {
    if lacks_root("disks that count late and that others fill") {
        return;
    }
    for disk in disks() {
        let floor = 64 * MEBIBYTE;
        let fill = ByHand::bytes(Tools::of_debian(), &disk.path(), 1 << 40, floor, LONG);
        let held = fill.succeeds("start").await.number("bytes");
        disk.write(20, Duration::ZERO).await;
        until("the floor is free again", Duration::from_secs(20), async || {
            rustix::fs::sync();
            disk.free() >= floor
        })
        .await;
        // Were more given back, it would be by now.
        chaos_core::clock::Clock::sleep(&chaos_core::clock::SystemClock::default(), Duration::from_secs(2))
            .await;
        let answer = fill.succeeds("status").await;
        let (given_up, left) = (answer.number("given_up"), answer.number("bytes"));
        assert!((15 * MEBIBYTE..40 * MEBIBYTE).contains(&given_up), "{}: {answer:?}", disk.kind);
        assert!(held.abs_diff(left + given_up) < MEBIBYTE, "{}: {held} and {answer:?}", disk.kind);
        fill.succeeds("stop").await;
    }
}

#[tokio::test]
async fn what_it_has_given_up_is_said() {
    if lacks_root("a disk that others fill") {
        return;
    }
    let disk = Disk::tmpfs();
    let fill = DiskFill::up_to_percent(disk.name(), 100.0).unwrap().lasting(LONG).unwrap();
    let held = Held::inject(&Machine::with(Tools::of_debian()), fill).await;
    disk.write(20, Duration::from_millis(20)).await;
    until("the floor is free again", Duration::from_secs(5), async || disk.free() >= 64 * MEBIBYTE).await;
    let record = held.cut_short().await;
    let note = record.note.clone().unwrap();
    assert!(note.contains("bytes to other writers before it ended"), "{note}");
}

#[tokio::test]
async fn one_that_has_given_way_altogether_ended_early() {
    if lacks_root("a disk that others fill altogether") {
        return;
    }
    let disk = Disk::tmpfs();
    let fill = DiskFill::bytes(disk.name(), 40 * MEBIBYTE).unwrap().keeping_free(200 * MEBIBYTE);
    let held =
        Held::inject(&Machine::with(Tools::of_debian()), fill.lasting(Duration::from_secs(6)).unwrap()).await;
    until("a look has seen it", LONG, async || held.record().await.is_some()).await;
    disk.write(110, Duration::from_millis(5)).await;
    let record = held.ended().await;
    assert_eq!(record.cut_short, Some(CutShort::EndedEarly), "{record:?}");
}

#[tokio::test]
async fn what_cannot_be_filled_is_skipped_with_the_reason() {
    if lacks_root("disks without inodes") {
        return;
    }
    for tools in Tools::all() {
        let disk = Disk::without_inodes();
        let fill = DiskFill::bytes(disk.name(), MEBIBYTE).unwrap().keeping_free(0);
        let why = skipped(tools.copied(), fill).await;
        assert!(why.contains("no inode left"), "{why}");

        let disk = Disk::tmpfs();
        let fill = DiskFill::bytes(disk.name(), MEBIBYTE).unwrap().keeping_free(u64::MAX);
        let why = skipped(tools.copied(), fill).await;
        assert!(why.contains("are to stay free, and its file system has only"), "{why}");

        let limited = tools.copied().entered_through("ulimit -f 2000\nexec sh \"$@\"");
        let fill = DiskFill::bytes(disk.name(), 100 * MEBIBYTE).unwrap();
        let why = skipped(limited, fill).await;
        assert!(why.contains("(ulimit -f)"), "{why}");
    }
}
