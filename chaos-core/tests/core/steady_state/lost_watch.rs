//! The watch breaks off or hangs: then nobody watches any more, which is a doubt.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chaos_core::{Outcome, async_trait, clock::Clock, fault::CutShort, testing::ManualClock};

use super::trial::{STEP, Trial, held_for, seconds};

/// Breaks the first short sleep after a second of the hold, which is that of the watch between two looks.
#[derive(Debug)]
pub(super) struct BreaksTheWatch {
    pub(super) clock: Arc<ManualClock>,
    pub(super) from: Duration,
    pub(super) panics: bool,
    pub(super) is_done: AtomicBool,
}

#[async_trait]
impl Clock for BreaksTheWatch {
    fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    async fn sleep(&self, duration: Duration) {
        let is_due = duration <= STEP && self.monotonic() >= self.from;
        if is_due && !self.is_done.swap(true, Ordering::SeqCst) {
            assert!(!self.panics, "the watch is broken");
            std::future::pending().await
        }
        self.clock.sleep(duration).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_lost_or_hangs_is_a_doubt_and_ends_the_hold() {
    // One that hangs is noticed once it has given no sign of life for the interval, the time limit and five seconds.
    for (panics, within, why) in [(true, 1.5, "broke off"), (false, 25.0, "gives no sign of life")] {
        let trial = Trial::of(&[]);
        let from = trial.clock.monotonic() + seconds(1);
        let clock = Arc::clone(&trial.clock);
        let clock = BreaksTheWatch { clock, from, panics, is_done: AtomicBool::new(false) };
        let monkey = trial.monkey(trial.steady(), 1_000).clock(clock).build().unwrap();
        let report = monkey.run_once().await.unwrap();
        trial.assert_whole().await;
        assert_eq!(report.outcome(), Outcome::Inconclusive, "{report}");
        let fault = &report.faults[0];
        assert_eq!((fault.cut_short, &fault.failure), (Some(CutShort::InDoubt), &None), "{report}");
        assert!(held_for(fault) < within, "{report}");
        assert!(fault.note.as_deref().unwrap().contains(why), "{report}");
    }
}
