//! Requested against achieved: CPU burn beside `stress-ng`, disk fill in bytes, and for each host fault the time until
//! it is in effect and until it is gone. Everything is measured from outside: by the kernel's counters and by traffic,
//! not by what the events report.
//!
//! `cargo bench --package benches --bench accuracy`, or with `-- cpu`, `-- disk` or `-- latency` for a part. The
//! machine should have nothing else to do. Needs `stress-ng` for the comparison, and root for the file systems and
//! networks that it makes for itself. It says which parts it skips. `-- --test` runs everything once and briefly.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and may panic")]

mod cpu;
mod disk;
mod latency;
mod places;
mod processes;
mod target;

use std::time::Duration;

/// The effort of this run.
#[derive(Clone, Copy, Debug)]
struct Effort {
    /// The time for which each load is measured.
    window: Duration,
    /// The loads, in percent.
    loads: &'static [u32],
    repetitions: usize,
}

impl Effort {
    const WHOLE: Self =
        Self { window: Duration::from_secs(10), loads: &[10, 25, 50, 75, 90], repetitions: 20 };
    const TRIAL: Self = Self { window: Duration::from_millis(500), loads: &[50], repetitions: 1 };
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let effort = if arguments.iter().any(|word| word == "--test") { Effort::TRIAL } else { Effort::WHOLE };
    let parts: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|word| !word.starts_with('-')).collect();
    let wants = |part: &str| parts.is_empty() || parts.contains(&part);
    if wants("cpu") {
        cpu::compare(effort).await;
    }
    if wants("disk") {
        disk::compare().await;
    }
    if wants("latency") {
        latency::compare(effort).await;
    }
}
