use std::time::Duration;

/// The back-off before a replica is restarted: 50 ms after its first exit, then twice as long each time up to 10 s. A
/// life of 10 s resets it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BackOff {
    next: Duration,
}

impl BackOff {
    const FIRST: Duration = Duration::from_millis(50);
    const LONGEST: Duration = Duration::from_secs(10);
    const FORGIVEN_AFTER: Duration = Duration::from_secs(10);

    pub(crate) fn new() -> Self {
        Self { next: Self::FIRST }
    }

    /// The wait after a life that took this long.
    pub(crate) fn wait_after(&mut self, life: Duration) -> Duration {
        if life >= Self::FORGIVEN_AFTER {
            self.next = Self::FIRST;
        }
        let wait = self.next;
        self.next = (wait * 2).min(Self::LONGEST);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_ten_seconds_and_forgets_after_a_long_life() {
        let mut back_off = BackOff::new();
        let waits: Vec<_> =
            (0..10).map(|_| back_off.wait_after(Duration::from_millis(9_999)).as_millis()).collect();
        assert_eq!(waits, [50, 100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
        assert_eq!(back_off.wait_after(Duration::from_secs(10)), Duration::from_millis(50));
        assert_eq!(back_off.wait_after(Duration::ZERO), Duration::from_millis(100));
    }
}
