//! A monkey that is retired begins nothing new, and what it holds goes on.

use std::{sync::Arc, time::Duration};

use chaos_core::{
    Hold, Journal, MemoryJournal, Monkey, MonkeyBuilder, Registry,
    clock::Clock,
    fault::{CutShort, FaultRecord, FaultState},
    journal::FaultQuery,
    schedule::Schedule,
    testing::{ManualClock, MemoryProvider, PowerOff, PowerOn},
};

const HOLD: Duration = Duration::from_secs(60);

fn world(journal: &MemoryJournal) -> (MonkeyBuilder, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()));
    let builder = Monkey::builder()
        .provider(MemoryProvider::default().with_group("web", 5).unwrap())
        .event(PowerOff::lasting(Hold::lasting(HOLD).unwrap()))
        .clock(Arc::clone(&clock))
        .every(Duration::from_secs(10))
        .seed(42)
        .unleash(journal.clone(), Registry::default().register::<PowerOn>());
    (builder, clock)
}

/// The first fault, once it is held.
async fn held(journal: &MemoryJournal, clock: &ManualClock) -> FaultRecord {
    loop {
        let found = journal.find(&FaultQuery::all().state(FaultState::Active)).await.unwrap();
        if let Some(fault) = found.faults.into_iter().next() {
            return fault;
        }
        clock.sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_retired_monkey_holds_what_it_holds_to_the_end_and_begins_nothing_more() {
    let schedule = Schedule::new("UTC").unwrap();
    for schedule in [None, Some(schedule)] {
        let journal = MemoryJournal::new();
        let (builder, clock) = world(&journal);
        let builder = match schedule {
            Some(schedule) => builder.schedule(schedule),
            None => builder,
        };
        let monkey = builder.build().unwrap();
        let running = tokio::spawn({
            let monkey = monkey.clone();
            async move { monkey.run(std::future::pending()).await }
        });
        let fault = held(&journal, &clock).await;
        monkey.retire().await;
        running.await.unwrap().unwrap();
        let faults = journal.find(&FaultQuery::all()).await.unwrap().faults;
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!((faults[0].state, faults[0].cut_short), (FaultState::Recovered, None));
        let held_for = faults[0].ended_at.unwrap().duration_since(fault.armed_at);
        assert!(held_for.unsigned_abs() >= HOLD, "{held_for:?}");
        let refused = monkey.run_once().await.unwrap_err();
        assert!(
            refused.to_string().contains("retired") || refused.to_string().contains("shut down"),
            "{refused}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_on_a_target_that_is_let_go_of_ends_at_once_and_no_other() {
    let journal = MemoryJournal::new();
    let (builder, clock) = world(&journal);
    let monkey = builder.build().unwrap();
    let running = tokio::spawn({
        let monkey = monkey.clone();
        async move { monkey.run_once().await.unwrap() }
    });
    let fault = held(&journal, &clock).await;
    monkey.let_go(&"memory:web/machine-of-others".parse().unwrap());
    clock.sleep(Duration::from_secs(5)).await;
    assert_eq!(journal.pending().await.unwrap().faults.len(), 1, "another target is another fault");
    monkey.let_go(&fault.target);
    let report = running.await.unwrap();
    assert_eq!(report.faults[0].cut_short, Some(CutShort::Cancelled));
    assert_eq!(report.faults[0].state, FaultState::Recovered);
    let held_for = report.faults[0].ended_at.unwrap().duration_since(fault.armed_at);
    assert!(held_for.unsigned_abs() < HOLD, "{held_for:?}");
}

/// A run that has chosen its victims, and waits for a slot.
#[tokio::test(start_paused = true)]
async fn a_victim_that_waits_while_its_monkey_is_retired_is_left_alone() {
    let journal = MemoryJournal::new();
    let (builder, clock) = world(&journal);
    let wide = chaos_core::BlastRadius::default().targets_per_group(2).targets_per_run(2);
    let monkey = builder.blast_radius(wide).concurrency(1).build().unwrap();
    let running = tokio::spawn({
        let monkey = monkey.clone();
        async move { monkey.run_once().await.unwrap() }
    });
    held(&journal, &clock).await;
    monkey.retire().await;
    let report = running.await.unwrap();
    assert_eq!((report.faults.len(), report.skipped.len()), (1, 1), "{report}");
    assert!(report.skipped[0].reason.to_string().contains("another monkey"), "{report}");
}
