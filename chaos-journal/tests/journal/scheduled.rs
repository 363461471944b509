//! A monkey with a schedule over a journal on disk, in real time.

use std::{sync::Arc, time::Duration};

use chaos_core::{
    BlastRadius, Hold, Journal, Monkey, Observer, Registry,
    clock::Clock,
    journal::{FaultQuery, Halt},
    observer::Activity,
    schedule::Schedule,
    testing::{ManualClock, MemoryProvider, PowerOff, PowerOn},
};
use chaos_journal::SqlJournal;
use jiff::Timestamp;
use tokio::sync::{oneshot, watch};

const GROUPS: usize = 12;

/// Counts runs that have begun, and victims that are back.
#[derive(Debug, Default)]
struct Counting {
    begun: watch::Sender<usize>,
    recovered: watch::Sender<usize>,
}

impl Observer for Counting {
    fn observe(&self, _: Timestamp, activity: &Activity) {
        match activity {
            Activity::RunBegan { .. } => self.begun.send_modify(|count| *count += 1),
            Activity::Recovered { .. } => self.recovered.send_modify(|count| *count += 1),
            _ => {}
        }
    }
}

/// Many groups are due at once, and everything is halted: the runs wait for the journal while the monkey looks into it.
#[tokio::test]
async fn dues_that_wait_for_the_journal_keep_nobody_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Arc::new(SqlJournal::open(folder.path().join("j")).await.unwrap());
    // Nearly all of a day's instants are over.
    let start: Timestamp = "2026-03-02T23:50:00Z".parse().unwrap();
    let clock = Arc::new(ManualClock::starting_at(start));
    journal.set_halt(Some(Halt::new("a person is at work", start))).await.unwrap();
    let world = (0..GROUPS)
        .fold(MemoryProvider::default(), |world, number| world.with_group(&format!("g{number}"), 3).unwrap());
    let counting = Counting::default();
    let (mut begun, mut recovered) = (counting.begun.subscribe(), counting.recovered.subscribe());
    let monkey = Monkey::builder()
        .provider(world)
        .event(PowerOff::lasting(Hold::lasting(Duration::from_secs(1)).unwrap()))
        .blast_radius(BlastRadius::default().max_active(GROUPS))
        .recovery_budget(Duration::from_secs(10))
        .clock(Arc::clone(&clock))
        .observer(counting)
        .seed(42)
        .schedule(Schedule::new("UTC").unwrap())
        .retry_dues_every(Duration::from_millis(300))
        .unleash(Arc::clone(&journal), Registry::default().register::<PowerOn>())
        .build()
        .unwrap();
    let (tell, told) = oneshot::channel::<()>();
    let life = tokio::spawn(async move { monkey.run(async { told.await.unwrap() }).await });
    let work = async {
        // Each group was refused at least once.
        begun.wait_for(|count| *count > 2 * GROUPS).await.unwrap();
        assert_eq!(journal.find(&FaultQuery::all()).await.unwrap().faults, []);
        journal.set_halt(None).await.unwrap();
        recovered.wait_for(|count| *count >= GROUPS).await.unwrap();
        tell.send(()).unwrap();
        life.await.unwrap().unwrap();
    };
    tokio::select! {
        () = work => {}
        () = clock.sleep(Duration::from_secs(120)) => panic!("it hangs"),
    }
    let mut groups: Vec<_> =
        journal.find(&FaultQuery::all()).await.unwrap().faults.into_iter().map(|fault| fault.group).collect();
    groups.sort();
    groups.dedup();
    assert_eq!(groups.len(), GROUPS);
    assert_eq!(journal.pending().await.unwrap().faults, []);
}
