//! Disk fill: its distance from the request, in bytes.

use std::time::Duration;

use chaos_core::{ChaosEvent, Outcome, observer::Activity};
use chaos_events::DiskFill;

use crate::{
    places::{Disk, may_make},
    target::OneTarget,
};

const MEBIBYTE: u64 = 1 << 20;

pub(crate) async fn compare() {
    if !may_make("the accuracy of disk fill") {
        return;
    }
    println!("| file system | requested | error, bytes |");
    println!("|---|---|---|");
    for (name, make) in [("ext4", Disk::ext4 as fn() -> Disk), ("tmpfs", Disk::tmpfs)] {
        for percent in [50, 75, 90, 95] {
            let disk = make();
            let event =
                DiskFill::up_to_percent(path(&disk), f64::from(percent)).unwrap().keeping_free(MEBIBYTE);
            let (free, used) = filled(&disk, event.lasting(HOLD).unwrap()).await;
            let wanted = (free + used) as f64 * f64::from(percent) / 100.0;
            println!("| {name} | {percent} % used | {:+.0} |", used as f64 - wanted);
        }
        for bytes in [MEBIBYTE, 100 * MEBIBYTE, 123_456_789] {
            let disk = make();
            let (before, _) = disk.free_and_used();
            let event = DiskFill::bytes(path(&disk), bytes).unwrap().lasting(HOLD).unwrap();
            let (free, _) = filled(&disk, event).await;
            println!(
                "| {name} | {bytes} bytes | {:+} |",
                (before - free).cast_signed() - bytes.cast_signed()
            );
        }
        let disk = make();
        let event = DiskFill::all_but(path(&disk), 70 * MEBIBYTE).unwrap().lasting(HOLD).unwrap();
        let (free, _) = filled(&disk, event).await;
        println!("| {name} | all but 70 MiB | {:+} |", (70 * MEBIBYTE).cast_signed() - free.cast_signed());
    }
}

const HOLD: Duration = Duration::from_millis(1500);

fn path(disk: &Disk) -> String {
    disk.path().to_str().unwrap().to_owned()
}

/// The free and the used space while the event is held.
async fn filled(disk: &Disk, event: impl ChaosEvent) -> (u64, u64) {
    let mut target = OneTarget::here().await;
    let (monkey, id) = (target.monkey.clone(), target.id.clone());
    let looking = async {
        target.next(|activity| matches!(activity, Activity::Injected { .. })).await;
        disk.free_and_used()
    };
    let (report, seen) = tokio::join!(monkey.inject(event, &id), looking);
    let report = report.unwrap();
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    seen
}
