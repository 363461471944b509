//! Monkeys over a platform, and a time limit for work that might never end.

use std::{future::Future, time::Duration};

use chaos_core::{
    ChaosEvent, Journal, MemoryJournal, Monkey, MonkeyBuilder, Provider, RunReport, clock::Clock,
};

use super::Platform;

pub(crate) fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

/// An unleashed monkey over `platform` and `journal`.
pub(crate) fn builder(platform: &Platform, journal: impl Journal) -> MonkeyBuilder {
    over(platform.clone(), platform, journal)
}

/// As [`builder`], with the platform as `provider` shows it.
pub(crate) fn over(provider: impl Provider, platform: &Platform, journal: impl Journal) -> MonkeyBuilder {
    Monkey::builder().provider(provider).clock(platform.clock()).unleash(journal, chaos_events::registry())
}

/// Injects into machine 1 of `platform`, over a journal of its own.
pub(crate) async fn inject(platform: &Platform, event: impl ChaosEvent) -> RunReport {
    inject_into(platform, platform.clone(), event).await
}

/// As [`inject`], with the platform as `provider` shows it.
pub(crate) async fn inject_into(
    platform: &Platform,
    provider: impl Provider,
    event: impl ChaosEvent,
) -> RunReport {
    let monkey = over(provider, platform, MemoryJournal::new()).build().unwrap();
    let target = platform.id(1);
    within(platform, seconds(24 * 3600), monkey.inject(event, &target)).await.unwrap()
}

/// The result of `work`, which must be there before `limit` has passed.
pub(crate) async fn within<T>(platform: &Platform, limit: Duration, work: impl Future<Output = T>) -> T {
    let clock = platform.clock();
    tokio::select! {
        biased;
        done = work => done,
        () = clock.sleep(limit) => panic!("not done after {limit:?}"),
    }
}
