mod by_hand;
pub(crate) mod disk;
mod ends;
mod hostile;
mod kinds;
mod strangers;

use std::{fs, time::Duration};

use chaos_core::{Outcome, fault::FaultRecord};
use chaos_events::{DiskFill, FreeSpace};
use chaos_testkit::{Subject, Timing, contract};
use futures_util::future::join_all;

use self::{
    by_hand::ByHand,
    disk::{Disk, MEBIBYTE},
};
use crate::host_faults::{
    held::{Held, own_note},
    machine::{Machine, Tools, lacks_root, marked, until},
};

/// Injects it for longer than the test takes, and cuts it short once `look` has looked.
async fn while_held(tools: Tools, fill: DiskFill, disk: &Disk, look: impl AsyncFnOnce()) -> FaultRecord {
    let before = disk.free();
    let held = Held::inject(&Machine::with(tools), fill.lasting(Duration::from_secs(60)).unwrap()).await;
    look().await;
    let fault = held.cut_short().await;
    assert_eq!(marked(&fault.id.to_string()), [0; 0]);
    assert!(disk.free().abs_diff(before) < MEBIBYTE || !disk.shows().is_empty(), "{fault:?}");
    fault
}

fn assert_close(what: &str, found: f64, wanted: f64) {
    eprintln!("{what}: {:+.0} bytes", found - wanted);
    assert!((found - wanted).abs() <= MEBIBYTE as f64, "{what}: {found} and not {wanted}");
}

async fn takes_what_was_asked_for(name: &str, tools: impl Fn() -> Tools) {
    let check = async |make: fn() -> Disk, which: &str| {
        let disk = make();
        let what = format!("{name}, {}, {which}", disk.kind);
        let before = disk.free();
        let fill = match which {
            "percent" => DiskFill::up_to_percent(disk.name(), 60.0),
            "bytes" => DiskFill::bytes(disk.name(), 123_456_789),
            _ => DiskFill::all_but(disk.name(), 100_000_000),
        };
        let mut seen = (0, 0.0);
        let fault = while_held(tools(), fill.unwrap(), &disk, async || {
            seen = (disk.free(), disk.used_percent());
            assert_eq!(disk.shows(), [""; 0]);
        })
        .await;
        let (free, used_percent) = seen;
        let whole = before as f64 / (1.0 - disk.used_percent() / 100.0);
        match which {
            "percent" => assert_close(&what, used_percent / 100.0 * whole, 0.6 * whole),
            "bytes" => assert_close(&what, (before - free) as f64, 123_456_789.0),
            _ => assert_close(&what, free as f64, 100_000_000.0),
        }
        let achieved = |what| fault.achieved.get(what).unwrap();
        assert!((achieved("bytes") - (before - free) as f64).abs() <= MEBIBYTE as f64, "{fault:?}");
        assert!((achieved("used_percent") - used_percent).abs() < 0.01, "{fault:?}");
        assert_eq!(fault.requested.get("seconds"), Some(60.0));
        assert_eq!(fault.requested.get("used_percent"), (which == "percent").then_some(60.0));
        assert_eq!(fault.requested.get("bytes").is_some(), which != "percent");
        assert_eq!(own_note(&fault), None);
    };
    let disks: [fn() -> Disk; 2] = [Disk::ext4, Disk::tmpfs];
    let cases = disks.into_iter().flat_map(|disk| ["percent", "bytes", "all_but"].map(|which| (disk, which)));
    join_all(cases.map(|(disk, which)| check(disk, which))).await;
}

#[tokio::test]
async fn it_takes_what_was_asked_for_and_says_how_much() {
    if lacks_root("disks that are filled") {
        return;
    }
    takes_what_was_asked_for("debian", Tools::of_debian).await;
    takes_what_was_asked_for("debian without fallocate", || Tools::of_debian().without("fallocate")).await;
    if let Some(tools) = Tools::of_busybox() {
        takes_what_was_asked_for("busybox", || Tools::of_busybox().unwrap()).await;
        // Its shell would find all of its own tools, with or without a name.
        let busybox = fs::read_link(tools.path().join("dd")).unwrap();
        let mixed = || Tools::of_debian().without("fallocate").with("dd", &busybox);
        takes_what_was_asked_for("dd of busybox", mixed).await;
    }
}

#[tokio::test]
async fn a_few_bytes_are_taken_where_nobody_is_root() {
    let home = tempfile::tempdir().unwrap();
    for tools in Tools::all() {
        let machine = Machine::with(tools);
        let fill = DiskFill::bytes(home.path().to_str().unwrap(), 300_000).unwrap();
        let fill = fill.lasting(Duration::from_secs(6)).unwrap();
        let report = machine.monkey().inject(fill, &machine.id()).await.unwrap();
        assert_eq!(report.outcome(), Outcome::Completed, "{report}");
        let achieved = report.faults[0].achieved.get("bytes").unwrap();
        assert!((300_000.0..=365_536.0).contains(&achieved), "{achieved}");
    }
}

#[tokio::test]
async fn a_floor_and_the_reserve_of_root_stay_free() {
    if lacks_root("a disk with a floor") {
        return;
    }
    for tools in Tools::all() {
        let disk = Disk::ext4();
        let reserve = disk.reserve();
        let fill = DiskFill::up_to_percent(disk.name(), 100.0).unwrap();
        let fault = while_held(tools, fill, &disk, async || {
            assert!(disk.free() >= 64 * MEBIBYTE, "{}", disk.free());
            assert!(disk.free() < 65 * MEBIBYTE, "{}", disk.free());
            assert_eq!(disk.reserve(), reserve);
        })
        .await;
        let note = fault.note.unwrap();
        assert!(note.contains("67108864 bytes must stay free"), "{note}");
    }
    let disk = Disk::ext4();
    let reserve = disk.reserve();
    let fill = DiskFill::all_but(disk.name(), 0).unwrap().keeping_free(0);
    let fault = while_held(Tools::of_debian(), fill, &disk, async || {
        assert!(disk.free() < MEBIBYTE, "{}", disk.free());
        assert!(disk.reserve().abs_diff(reserve) < MEBIBYTE && reserve > 0, "{}", disk.reserve());
    })
    .await;
    assert_eq!(own_note(&fault), None);
}

#[tokio::test]
async fn it_gives_way_to_another_writer() {
    if lacks_root("a disk that another writer fills as well") {
        return;
    }
    for tools in Tools::all() {
        let disk = Disk::ext4();
        let floor = 32 * MEBIBYTE;
        let fill = ByHand::bytes(tools, &disk.path(), 1 << 40, floor, Duration::from_secs(60));
        // While it fills, as fast as this can; it must not see a full disk, nor what is left when it is done be less.
        let (started, least) = tokio::join!(fill.succeeds("start"), disk.write(25, Duration::from_millis(4)));
        assert!(least > 0);
        until("the floor is free again", Duration::from_secs(2), async || disk.free() >= floor).await;
        // While it holds, slowly: what it lacks is what it writes between two looks.
        let least = disk.write(40, Duration::from_millis(50)).await;
        eprintln!("floor: {floor}, least free: {least}");
        assert!(least + 15 * MEBIBYTE > floor, "{least}");
        until("the floor is free again", Duration::from_secs(2), async || disk.free() >= floor).await;
        assert!(fill.succeeds("status").await.number("bytes") + 35 * MEBIBYTE < started.number("bytes"));
        assert!(disk.free() < floor + MEBIBYTE, "{}", disk.free());
        fill.succeeds("stop").await;
        assert_eq!(fill.traces(), [""; 0]);
    }
}

#[tokio::test]
async fn what_is_as_full_already_is_left_alone() {
    if lacks_root("a disk that is full already") {
        return;
    }
    for tools in Tools::all() {
        let disk = Disk::tmpfs();
        disk.write(200, Duration::ZERO).await;
        let machine = Machine::with(tools);
        let fill = DiskFill::up_to_percent(disk.name(), 50.0).unwrap();
        let fill = fill.lasting(Duration::from_secs(6)).unwrap();
        let report = machine.monkey().inject(fill, &machine.id()).await.unwrap();
        assert_eq!(report.outcome(), Outcome::NoEffect, "{report}");
        let fault = &report.faults[0];
        assert_eq!(fault.achieved.get("bytes"), Some(0.0));
        assert!((fault.achieved.get("used_percent").unwrap() - disk.used_percent()).abs() < 0.01);
        assert_eq!(
            fault.no_effect.as_deref(),
            Some(
                "nothing was filled: the file system was already as full as \
            requested"
            )
        );
    }
}

#[tokio::test]
async fn space_that_others_took_meanwhile_is_told_from_its_own() {
    if lacks_root("a disk that others fill meanwhile") {
        return;
    }
    let disk = Disk::tmpfs();
    let fill = DiskFill::bytes(disk.name(), 50 * MEBIBYTE).unwrap();
    let fault = while_held(Tools::of_debian(), fill, &disk, async || {
        disk.write(20, Duration::ZERO).await;
    })
    .await;
    let note = fault.note.unwrap();
    assert!(note.contains("20971520 bytes less are free than before, because others took them"), "{note}");
}

#[tokio::test]
async fn its_recovery_keeps_the_contract() {
    let home = tempfile::tempdir().unwrap();
    for tools in Tools::all() {
        let machine = Machine::with(tools);
        let fresh = async || Ok(Subject::new(machine.clone(), machine.id()));
        let fill = DiskFill::bytes(home.path().to_str().unwrap(), MEBIBYTE).unwrap();
        contract::recovery::check::<FreeSpace>(&Timing::default(), fill, fresh).await.assert_kept();
    }
    assert_eq!(disk::names(home.path()), [""; 0]);
}

#[tokio::test]
async fn it_keeps_the_contract() {
    let home = tempfile::tempdir().unwrap();
    let machine = Machine::with(Tools::of_debian());
    let fresh = async || Ok(Subject::new(machine.clone(), machine.id()));
    let fill = DiskFill::bytes(home.path().to_str().unwrap(), MEBIBYTE).unwrap();
    let fill = fill.lasting(Duration::from_secs(6)).unwrap();
    contract::event::check(&Timing::default(), fill, chaos_events::registry(), fresh).await.assert_kept();
}
