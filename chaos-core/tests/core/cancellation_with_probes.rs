//! A run with a steady state is cut off at every point at which it can be, whatever its probe does during the fault.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::{
    cancellation::{ENOUGH, assert_whole, state, ticks, world},
    support::{Busy, BusyProvider, PowerCycle, clock},
};
use chaos_core::{
    Error, ErrorKind, Hold, MemoryJournal, Monkey, Result, SteadyState, clock::Clock, fault::FaultState,
    probe, testing::MemoryProvider,
};

/// The looks before the injection: one for the plan, and one for the victim.
const BEFORE: usize = 2;

/// The behaviour of the probe during the fault.
#[derive(Clone, Copy, Debug)]
enum During {
    Met,
    Violated,
    Hangs,
    Panics,
    Errs,
}

const ALL: [During; 5] = [During::Met, During::Violated, During::Hangs, During::Panics, During::Errs];

async fn answer(during: During, look: usize) -> Result<bool> {
    tokio::task::yield_now().await;
    if look < BEFORE {
        return Ok(true);
    }
    match during {
        During::Met => Ok(true),
        During::Violated => Ok(false),
        During::Hangs => std::future::pending().await,
        During::Panics => panic!("the probe is broken"),
        During::Errs => Err(Error::new(ErrorKind::Unavailable, "the proxy is down")),
    }
}

fn monkey(world: &MemoryProvider, journal: &MemoryJournal, during: During) -> Monkey {
    let looks = Arc::new(AtomicUsize::new(0));
    let looking = probe("the service", move || answer(during, looks.fetch_add(1, Ordering::SeqCst)));
    let steady = SteadyState::new("If one machine is off, then the service answers")
        .probe("service", looking, true)
        .again_within(Duration::from_secs(5));
    Monkey::builder()
        .provider(BusyProvider(world.clone()))
        .event(PowerCycle(Hold::lasting(Hold::LONGEST).unwrap()))
        .clock(clock())
        .seed(42)
        .steady_state(steady)
        .unleash(Busy(journal.clone()), crate::support::registry())
        .build()
        .unwrap()
}

/// Whether a run got to its hold or beyond, from where it waits for time to pass, however many ticks go by.
fn is_late(state: &Option<FaultState>) -> bool {
    matches!(state, Some(FaultState::Active | FaultState::Recovering | FaultState::Recovered))
}

#[test]
fn dropping_the_future_at_any_point_leaves_nothing() {
    for during in ALL {
        let mut met = Vec::new();
        for number in 0..ENOUGH {
            let met_now = crate::support::runtime().block_on(async {
                let (world, journal) = (world(), MemoryJournal::new());
                let monkey = monkey(&world, &journal, during);
                tokio::select! {
                    biased;
                    _ = monkey.run_once() => {}
                    () = ticks(number) => {}
                }
                let met_now = state(&journal).await;
                // Paused time moves on only when everybody waits: a minute later all that could happen has happened.
                clock().sleep(Duration::from_secs(60)).await;
                assert_whole(
                    &world,
                    &journal,
                    &format!("{during:?}, dropped after {number} ticks: {met_now:?}"),
                )
                .await;
                met_now
            });
            met.push(met_now);
            let is_through = |state: &&Option<FaultState>| is_late(state);
            if met.iter().filter(is_through).count() > 20 {
                break;
            }
        }
        assert!(met.contains(&None), "{during:?}: no cut came before the fault was armed");
        for state in [FaultState::Armed, FaultState::Injecting] {
            assert!(met.contains(&Some(state)), "{during:?}: no cut met a fault that was {state}: {met:?}");
        }
    }
}

#[test]
fn when_the_runtime_ends_at_any_point_a_replay_brings_the_target_back() {
    for during in ALL {
        let mut through = 0;
        for number in 0..ENOUGH {
            let (world, journal) = (world(), MemoryJournal::new());
            let first = crate::support::runtime();
            first.block_on(async {
                let monkey = monkey(&world, &journal, during);
                tokio::select! {
                    biased;
                    _ = monkey.run_once() => {}
                    () = ticks(number) => {}
                }
            });
            drop(first);
            let met_now = crate::support::runtime().block_on(async {
                let met_now = state(&journal).await;
                let replayed = monkey(&world, &journal, during).recover_pending().await.unwrap().faults;
                assert_eq!(replayed.is_empty(), !met_now.is_some_and(FaultState::is_pending));
                assert_whole(
                    &world,
                    &journal,
                    &format!("{during:?}, ended after {number} ticks: {met_now:?}"),
                )
                .await;
                met_now
            });
            through += usize::from(is_late(&met_now));
            if through > 20 {
                break;
            }
        }
        assert!(through > 20, "{during:?}: no run got that far");
    }
}

/// Nobody orders the end: the steady state does, or the deadline.
#[test]
fn a_run_that_is_left_alone_ends_as_its_probe_says() {
    use chaos_core::Outcome;
    for (during, expected) in [
        (During::Met, Outcome::Completed),
        (During::Violated, Outcome::Deviated),
        (During::Hangs, Outcome::Inconclusive),
        (During::Panics, Outcome::Inconclusive),
        (During::Errs, Outcome::Inconclusive),
    ] {
        crate::support::runtime().block_on(async {
            let (world, journal) = (world(), MemoryJournal::new());
            let report = monkey(&world, &journal, during).run_once().await.unwrap();
            assert_eq!(report.outcome(), expected, "{during:?}: {report}");
            assert_whole(&world, &journal, &format!("{during:?}")).await;
        });
    }
}
