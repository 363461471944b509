//! The time from the moment at which a service begins to fail, at a random moment of a hold, to the start of the
//! recovery: a real HTTP service, a probe that looks every 200 ms and waits at most 1 s for the answer.
//!
//! `cargo bench --package benches --bench by_when`. The machine should have nothing else to do. `-- --test` makes one
//! round of each. The same rounds are a test of `chaos-probes`.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and may panic")]

#[path = "../../chaos-probes/tests/probes/by_when/round.rs"]
mod round;

use std::time::Duration;

use chaos_core::chance::{Entropy, SystemEntropy};
use chaos_probes::Http;

use round::{Failing, TIME_LIMIT, round};

/// The number of rounds of each kind.
const ROUNDS: usize = 50;
/// The time from the end of the look that sees the failure to the start of the recovery.
const REACTION: Duration = Duration::from_millis(100);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let is_trial = std::env::args().any(|word| word == "--test");
    let rounds = if is_trial { 1 } else { ROUNDS };
    println!("| the service | median of {rounds}, ms | worst, ms | at most, ms |");
    println!("|---|---|---|---|");
    let looking = |url: &str| Http::get(url).answering_within(TIME_LIMIT);
    for failing in Failing::ALL {
        let mut times = Vec::new();
        for _ in 0..rounds {
            let moment = Duration::from_millis(SystemEntropy::default().draw().unwrap() % 2_000);
            times.push(round(looking, failing, moment).await);
        }
        times.sort();
        let what = match failing {
            Failing::Unavailable => "answers 503",
            Failing::Silent => "no longer answers",
        };
        let figures = [times[rounds / 2], times[rounds - 1], failing.seen_within() + REACTION];
        let [median, worst, most] = figures.map(|time| time.as_secs_f64() * 1000.0);
        println!("| {what} | {median:.0} | {worst:.0} | {most:.0} |");
    }
}
