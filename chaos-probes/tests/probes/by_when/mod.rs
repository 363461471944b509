//! A service begins to fail during a fault: by when the recovery begins. `cargo bench --package benches --bench
//! by_when` prints the times.

mod round;

use std::time::Duration;

use chaos_core::chance::{Entropy, SystemEntropy};
use chaos_probes::Http;

use round::{Failing, TIME_LIMIT, round};

/// What a busy machine may take in addition.
const ROOM: Duration = Duration::from_millis(2_100);

#[tokio::test]
async fn the_recovery_begins_one_interval_and_one_time_limit_after_the_failure_at_the_latest() {
    let looking = |url: &str| Http::get(url).answering_within(TIME_LIMIT);
    for failing in Failing::ALL {
        for _ in 0..3 {
            let moment = Duration::from_millis(SystemEntropy::default().draw().unwrap() % 2_000);
            let took = round(looking, failing, moment).await;
            let limit = failing.seen_within() + ROOM;
            assert!(
                took <= limit,
                "{failing:?} {moment:?} after the injection: it took {took:?}, more than {limit:?}"
            );
        }
    }
}
