//! The longest hold, with three probes and ten looks a second, takes the memory of a short one, and its report is
//! small. Each hold is a process of its own, which is this test, started once more.

use std::{env, fs, process::Command, sync::Arc, time::Duration};

use chaos_core::{
    Hold, MemoryJournal, Monkey, Outcome, SteadyState,
    clock::Clock,
    probe,
    testing::{MemoryProvider, PowerOff},
};

use crate::support::{clock, registry};

const NAME: &str = "twelve_hours::looks_of_twelve_hours_take_the_memory_of_one";
/// The environment variable with the hold in hours, for the process that holds.
const HOURS: &str = "CHAOS_HOURS_OF_LOOKS";
/// The most that a report may take, in bytes, as JSON or as text.
const REPORT: usize = 1 << 20;
/// Less than four bytes for each look of the eleven hours more.
const GROWTH: u64 = 4 << 20;

#[test]
fn looks_of_twelve_hours_take_the_memory_of_one() {
    if let Ok(hours) = env::var(HOURS) {
        crate::support::runtime().block_on(hold(hours.parse().unwrap()));
        println!("\npeak: {}", peak());
        return;
    }
    let [one, twelve] = [1, 12].map(|hours: u64| {
        let child = Command::new(env::current_exe().unwrap())
            .args(["--exact", NAME, "--nocapture"])
            .env(HOURS, hours.to_string())
            .output()
            .unwrap();
        let printed = String::from_utf8(child.stdout).unwrap();
        assert!(child.status.success(), "{hours} h: {printed}{}", String::from_utf8_lossy(&child.stderr));
        let peak = printed.lines().find_map(|line| line.strip_prefix("peak: ")).unwrap();
        peak.parse::<u64>().unwrap()
    });
    println!("peak of 1 h: {one} bytes; of 12 h: {twelve} bytes");
    assert!(twelve <= one + GROWTH, "1 h takes {one} bytes, and 12 h take {twelve}");
}

async fn hold(hours: u64) {
    let hold = Duration::from_secs(hours * 3_600);
    assert!(hold <= Hold::LONGEST);
    let clock = Arc::new(clock());
    // The value differs from look to look.
    let looking = |name: &str| {
        let clock = Arc::clone(&clock);
        probe(name, move || {
            let passed = clock.monotonic().as_secs_f64();
            async move { passed.sin() }
        })
    };
    let steady = SteadyState::new("If one machine is off, then nothing else changes")
        .every(Duration::from_millis(100))
        .probe("one", looking("the first"), -1.0..=1.0)
        .probe("two", looking("the second"), -1.0..=1.0)
        .probe("three", looking("the third"), -1.0..=1.0);
    let monkey = Monkey::builder()
        .provider(MemoryProvider::default().with_group("web", 5).unwrap())
        .event(PowerOff::lasting(Hold::lasting(hold).unwrap()))
        .clock(Arc::clone(&clock))
        .seed(42)
        .steady_state(steady)
        .unleash(MemoryJournal::new(), registry())
        .build()
        .unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    for probe in &report.steady_state.as_ref().unwrap().probes {
        // A look takes no time here, so only the edges are left out.
        assert!(probe.during.met > hold.as_secs() * 10 - 10, "{}", probe.during.met);
    }
    for size in [serde_json::to_string(&report).unwrap().len(), report.to_string().len()] {
        assert!(size <= REPORT, "{hours} h: {size} bytes");
        println!("{hours} h: {size} bytes");
    }
}

/// The most memory that this process has had, in bytes, by proc_pid_status(5).
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    peak.unwrap().trim().parse::<u64>().unwrap() * 1_024
}
