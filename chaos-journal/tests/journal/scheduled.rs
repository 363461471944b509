//! A monkey with a schedule over a journal on disk, in real time.

use std::{sync::Arc, time::Duration};

use chaos_core::{
    BlastRadius, Hold, Journal, Monkey, Registry,
    journal::{FaultQuery, Halt},
    schedule::Schedule,
    testing::{ManualClock, MemoryProvider, PowerOff, PowerOn},
};
use chaos_journal::SqlJournal;

const GROUPS: usize = 12;

/// Many groups are due at once, and everything is halted: the runs wait for the journal while the monkey looks into it.
#[tokio::test]
async fn dues_that_wait_for_the_journal_keep_nobody_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Arc::new(SqlJournal::open(folder.path().join("j")).await.unwrap());
    // Nearly all of a day's instants are over.
    let start: jiff::Timestamp = "2026-03-02T23:50:00Z".parse().unwrap();
    let clock = Arc::new(ManualClock::starting_at(start));
    journal.set_halt(Some(Halt::new("a person is at work", start))).await.unwrap();
    let world = (0..GROUPS)
        .fold(MemoryProvider::default(), |world, number| world.with_group(&format!("g{number}"), 3).unwrap());
    let monkey = Monkey::builder()
        .provider(world)
        .event(PowerOff::lasting(Hold::lasting(Duration::from_secs(1)).unwrap()))
        .blast_radius(BlastRadius::default().max_active(GROUPS))
        .recovery_budget(Duration::from_secs(10))
        .clock(Arc::clone(&clock))
        .seed(42)
        .schedule(Schedule::new("UTC").unwrap())
        .retry_dues_every(Duration::from_millis(300))
        .unleash(Arc::clone(&journal), Registry::default().register::<PowerOn>())
        .build()
        .unwrap();
    let (tell, told) = tokio::sync::oneshot::channel::<()>();
    let life = tokio::spawn(async move { monkey.run(async { told.await.unwrap() }).await });
    let is_soon = tokio::time::timeout(Duration::from_secs(120), async {
        // Some rounds of refusals.
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(journal.find(&FaultQuery::all()).await.unwrap().faults, []);
        journal.set_halt(None).await.unwrap();
        while journal.find(&FaultQuery::all()).await.unwrap().faults.len() < GROUPS {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tell.send(()).unwrap();
        life.await.unwrap().unwrap();
    });
    is_soon.await.expect("it hangs");
    let mut groups: Vec<_> =
        journal.find(&FaultQuery::all()).await.unwrap().faults.into_iter().map(|fault| fault.group).collect();
    groups.sort();
    groups.dedup();
    assert_eq!(groups.len(), GROUPS);
    assert_eq!(journal.pending().await.unwrap().faults, []);
}
