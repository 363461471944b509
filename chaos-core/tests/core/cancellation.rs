//! A run is cut off at every possible point: the caller drops its future, or the whole runtime ends.
//!
//! The tokio scheduler of one thread under paused time makes each cut exact: after `ticks` turns of the scheduler, for
//! every number of ticks until a run gets through.

use std::time::Duration;

use crate::support::{Busy, BusyProvider, PowerCycle, clock};
use chaos_core::{
    Health, Hold, Journal, MemoryJournal, Monkey, clock::Clock, fault::FaultState, journal::FaultQuery,
    testing::MemoryProvider,
};

/// More turns of the scheduler than any run here takes.
pub(crate) const ENOUGH: usize = 2_000;

pub(crate) fn world() -> MemoryProvider {
    MemoryProvider::default().with_group("web", 5).unwrap()
}

/// A monkey whose journal and provider yield at every call, so a run can be cut off between any two calls.
fn monkey(world: &MemoryProvider, journal: &MemoryJournal, hold: Hold) -> Monkey {
    Monkey::builder()
        .provider(BusyProvider(world.clone()))
        .event(PowerCycle(hold))
        .clock(clock())
        .seed(42)
        .unleash(Busy(journal.clone()), crate::support::registry())
        .build()
        .unwrap()
}

pub(crate) async fn ticks(number: usize) {
    for _ in 0..number {
        tokio::task::yield_now().await;
    }
}

pub(crate) async fn assert_whole(world: &MemoryProvider, journal: &MemoryJournal, context: &str) {
    assert_eq!(journal.pending().await.unwrap().faults, [], "{context}");
    for number in 0..5 {
        let id = format!("memory:web/machine-{number}").parse().unwrap();
        assert_eq!(crate::support::health(world, &id).await, Health::Healthy, "{context}: {id}");
    }
}

/// Every state that the cuts met, so that a test that cuts too early or too late fails.
fn assert_met(met: &[Option<FaultState>], expected: &[FaultState]) {
    assert!(met.contains(&None), "no cut came before the fault was armed");
    for state in expected {
        assert!(met.contains(&Some(*state)), "no cut met a fault that was {state}");
    }
}

pub(crate) async fn state(journal: &MemoryJournal) -> Option<FaultState> {
    journal.find(&FaultQuery::all()).await.unwrap().faults.first().map(|fault| fault.state)
}

#[test]
fn dropping_the_future_at_any_point_cuts_the_hold_short_and_brings_the_target_back() {
    // The hold is so long that it ends within the test only if it is cut short.
    let held = Hold::lasting(Hold::LONGEST).unwrap();
    let mut met = Vec::new();
    for number in 0..ENOUGH {
        let runtime = crate::support::runtime();
        let met_now = runtime.block_on(async {
            let (world, journal) = (world(), MemoryJournal::new());
            let monkey = monkey(&world, &journal, held);
            tokio::select! {
                biased;
                report = monkey.run_once() => panic!("a run that holds for hours got through: {report:?}"),
                () = ticks(number) => {}
            }
            let met_now = state(&journal).await;
            // Paused time moves on only when every task waits: half a minute later, everything that could happen has
            // happened.
            clock().sleep(Duration::from_secs(30)).await;
            assert_whole(
                &world,
                &journal,
                &format!("dropped after {number} ticks, when the fault was {met_now:?}"),
            )
            .await;
            met_now
        });
        met.push(met_now);
        // During its hold, a run waits for time to pass, and ticks change nothing.
        if met.iter().filter(|state| **state == Some(FaultState::Active)).count() > 20 {
            break;
        }
    }
    assert_met(&met, &[FaultState::Armed, FaultState::Injecting, FaultState::Active]);
}

#[test]
fn dropping_the_future_during_a_recovery_does_not_stop_it() {
    let mut met = Vec::new();
    for number in 0..ENOUGH {
        let runtime = crate::support::runtime();
        let (met_now, got_through) = runtime.block_on(async {
            let (world, journal) = (world(), MemoryJournal::new());
            let monkey = monkey(&world, &journal, Hold::MOMENTARY);
            let got_through = tokio::select! {
                biased;
                report = monkey.run_once() => report.is_ok(),
                () = ticks(number) => false,
            };
            let met_now = state(&journal).await;
            clock().sleep(Duration::from_secs(30)).await;
            assert_whole(
                &world,
                &journal,
                &format!("dropped after {number} ticks, when the fault was {met_now:?}"),
            )
            .await;
            (met_now, got_through)
        });
        met.push(met_now);
        if got_through {
            assert_met(
                &met,
                &[FaultState::Injecting, FaultState::Active, FaultState::Recovering, FaultState::Recovered],
            );
            return;
        }
    }
    panic!("no run got through within {ENOUGH} ticks");
}

/// The closest thing in memory to a killed process: no part of the run can act any more.
#[test]
fn when_the_runtime_ends_at_any_point_a_replay_brings_the_target_back() {
    for hold in [Hold::MOMENTARY, Hold::lasting(Hold::LONGEST).unwrap()] {
        let mut met = Vec::new();
        for number in 0..ENOUGH {
            let (world, journal) = (world(), MemoryJournal::new());
            let first = crate::support::runtime();
            let got_through = first.block_on(async {
                let monkey = monkey(&world, &journal, hold);
                tokio::select! {
                    biased;
                    report = monkey.run_once() => report.is_ok(),
                    () = ticks(number) => false,
                }
            });
            drop(first);
            let met_now = crate::support::runtime().block_on(async {
                let met_now = state(&journal).await;
                let replayed = monkey(&world, &journal, hold).recover_pending().await.unwrap().faults;
                assert_eq!(replayed.is_empty(), !met_now.is_some_and(FaultState::is_pending));
                assert_whole(&world, &journal, &format!("ended after {number} ticks, fault {met_now:?}"))
                    .await;
                met_now
            });
            met.push(met_now);
            if got_through || met.iter().filter(|state| **state == Some(FaultState::Active)).count() > 20 {
                break;
            }
        }
        assert_met(&met, &[FaultState::Armed, FaultState::Injecting, FaultState::Active]);
        if hold.is_momentary() {
            assert_met(&met, &[FaultState::Recovering, FaultState::Recovered]);
        }
    }
}
