//! Many faults at once: the time that a run takes in addition to its hold, in one group over a journal in memory, and
//! in groups of 20 over a journal on disk.
//!
//! `cargo bench --package benches --bench many_faults`, or with `-- memory` or `-- disk` for a part. The machine should
//! have nothing else to do. `-- --test` runs everything once with a few dozen faults and a brief hold.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and may panic")]

use std::time::Duration;

use chaos_core::{
    BlastRadius, Hold, Journal, MemoryJournal, Monkey, Registry,
    calendar::Always,
    clock::{Clock, SystemClock},
    fault::FaultState,
    plan::Percent,
    testing::{MemoryProvider, PowerOff, PowerOn},
};
use chaos_journal::SqlJournal;

/// The number of targets that are hit in each group.
const SHARE: Percent = Percent(50);

/// The effort of this run.
#[derive(Clone, Copy, Debug)]
struct Effort {
    hold: Duration,
    /// The numbers of faults at once.
    in_one_group: &'static [usize],
    in_many_groups: &'static [usize],
}

impl Effort {
    const WHOLE: Self = Self {
        hold: Duration::from_secs(20),
        in_one_group: &[1_000, 2_000, 4_000],
        in_many_groups: &[1_000, 5_000, 10_000],
    };
    const TRIAL: Self = Self { hold: Duration::from_secs(1), in_one_group: &[40], in_many_groups: &[40] };
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let effort = if arguments.iter().any(|word| word == "--test") { Effort::TRIAL } else { Effort::WHOLE };
    let parts: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|word| !word.starts_with('-')).collect();
    let wants = |part: &str| parts.is_empty() || parts.contains(&part);
    println!("besides a hold of {:?}:", effort.hold);
    if wants("memory") {
        for &faults in effort.in_one_group {
            let took = strike(1, faults * 2, MemoryJournal::new(), effort.hold).await;
            report("in one group, journal in memory", faults, took);
        }
    }
    if wants("disk") {
        for &faults in effort.in_many_groups {
            let folder = tempfile::tempdir_in(std::env::current_dir().unwrap()).unwrap();
            let journal = SqlJournal::open(folder.path().join("journal.sqlite")).await.unwrap();
            let took = strike(faults / 10, 20, journal, effort.hold).await;
            report("in groups of 20, journal on disk", faults, took);
        }
    }
}

/// Hits half of every group at once, and returns the time that this took in addition to the hold. Every fault must be
/// injected and recovered.
async fn strike(groups: usize, size: usize, journal: impl Journal, hold: Duration) -> Duration {
    let faults = groups * (size / 2);
    let world = (0..groups).try_fold(MemoryProvider::default(), |world, number| {
        world.with_fixed_group(&format!("group-{number}"), size)
    });
    let all = BlastRadius::default()
        .targets_per_group(SHARE)
        .targets_per_run(faults)
        .min_healthy(SHARE)
        .max_active(faults);
    let monkey = Monkey::builder()
        .provider(world.unwrap())
        .event(PowerOff::lasting(Hold::lasting(hold).unwrap()))
        .calendar(Always)
        .blast_radius(all)
        .concurrency(faults)
        .seed(42)
        .unleash(journal, Registry::default().register::<PowerOn>())
        .build()
        .unwrap();
    let clock = SystemClock::default();
    let began = clock.monotonic();
    let run = monkey.run_once().await.unwrap();
    let took = clock.monotonic() - began;
    assert!(run.skipped.is_empty(), "refused: {:?} and {} more", run.skipped[0], run.skipped.len() - 1);
    assert_eq!(run.faults.len(), faults);
    let amiss =
        run.faults.iter().find(|fault| fault.state != FaultState::Recovered || fault.failure.is_some());
    assert!(amiss.is_none(), "{amiss:#?}");
    took - hold
}

fn report(what: &str, faults: usize, took: Duration) {
    let each = took / u32::try_from(faults).unwrap();
    println!("{faults:>6} faults {what}: {:.2} s, {each:.0?} each", took.as_secs_f64());
}
