use std::time::Duration;

/// How often and how long a recovery is retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// The time for the recovery of a fault from its beginning, for all attempts together. Default: 5 minutes.
    pub budget: Duration,
    /// The wait after the first attempt; it doubles after each. Default: 100 ms.
    pub first_wait: Duration,
    /// The longest wait between two attempts. Default: 10 s.
    pub longest_wait: Duration,
    /// How long a target must stay well before a fault that was never seen in effect counts as over. A platform may
    /// carry out an order long after it has accepted it, even if its reply was lost. Default: 5 s.
    pub settle: Duration,
}

impl RetryPolicy {
    /// The wait after attempt `number`, counted from 1.
    pub(crate) fn wait_after(&self, number: u32) -> Duration {
        let doubled = 1u32.checked_shl(number.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first_wait.saturating_mul(doubled).min(self.longest_wait)
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            budget: Duration::from_secs(300),
            first_wait: Duration::from_millis(100),
            longest_wait: Duration::from_secs(10),
            settle: Duration::from_secs(5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_the_longest() {
        let policy = RetryPolicy::default();
        let waits: Vec<u128> = (1..=9).map(|number| policy.wait_after(number).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
        assert_eq!(policy.wait_after(u32::MAX), policy.longest_wait);
    }
}
