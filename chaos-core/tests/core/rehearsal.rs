//! A leashed monkey with a journal goes as far as the arming, and no further.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use chaos_core::{
    BlastRadius, BusinessHours, ErrorKind, Hold, Journal, MemoryJournal, Monkey, MonkeyBuilder, Observer,
    Outcome, Result, async_trait,
    clock::Clock,
    journal::{DueQuery, DueState, FaultQuery, Halt},
    observer::{Activity, Intended},
    plan::Reason,
    schedule::Schedule,
    testing::{ManualClock, MemoryProvider, PowerOff},
};
use jiff::{Timestamp, civil::date};

use crate::support::{clock, health, orphan, registry, runtime};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn world() -> MemoryProvider {
    MemoryProvider::default().with_group("web", 5).unwrap().with_group("shop", 5).unwrap()
}

fn rehearsing(world: &MemoryProvider, journal: &MemoryJournal) -> MonkeyBuilder {
    Monkey::builder()
        .provider(world.clone())
        .event(PowerOff::lasting(Hold::lasting(Duration::from_secs(60)).unwrap()))
        .clock(clock())
        .seed(42)
        .rehearse(journal.clone(), registry())
}

/// Forbids everything, and remembers that it was asked.
#[derive(Clone, Debug, Default)]
struct Forbids {
    asked: Arc<Mutex<usize>>,
    told: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl Observer for Forbids {
    fn observe(&self, _: Timestamp, activity: &Activity) {
        self.told.lock().unwrap().push(activity.to_string());
    }

    async fn before_injection(&self, _: Timestamp, _: &Intended) -> Result<()> {
        *self.asked.lock().unwrap() += 1;
        Err(chaos_core::Error::new(ErrorKind::Refused, "not now"))
    }
}

async fn assert_untouched(world: &MemoryProvider, journal: &MemoryJournal) {
    assert_eq!(journal.find(&FaultQuery::all()).await.unwrap().faults, []);
    for group in ["web", "shop"] {
        for number in 0..5 {
            let id = format!("memory:{group}/machine-{number}").parse().unwrap();
            assert_eq!(health(world, &id).await, chaos_core::Health::Healthy, "{id}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rehearsal_prepares_and_checks_everything_and_changes_nothing() {
    let (world, journal, forbids) = (world(), MemoryJournal::new(), Forbids::default());
    let monkey = rehearsing(&world, &journal).observer(forbids.clone()).build().unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!((report.outcome(), report.faults.len()), (Outcome::DryRun, 0), "{report}");
    let [rehearsed] = &report.rehearsed[..] else { panic!("{report}") };
    let drawn: Vec<_> =
        report.plan.chosen().map(|(target, event)| (target.clone(), event.to_owned())).collect();
    assert_eq!(drawn, [(rehearsed.target.clone(), rehearsed.event.clone())]);
    assert_eq!(rehearsed.hold, Duration::from_secs(60));
    assert!(!rehearsed.by_hand.is_empty());
    assert!(report.to_string().contains("would have injected power-off into"), "{report}");
    assert_eq!(*forbids.asked.lock().unwrap(), 0, "an observer was asked");
    let told = forbids.told.lock().unwrap().clone();
    assert!(told.iter().any(|line| line.starts_with("rehearsed: power-off would have been")), "{told:?}");
    assert_untouched(&world, &journal).await;

    // The unleashed monkey with this seed hits what was rehearsed.
    let unleashed = Monkey::builder()
        .provider(world.clone())
        .event(PowerOff::default())
        .clock(clock())
        .seed(42)
        .unleash(journal.clone(), registry())
        .build()
        .unwrap();
    let hit = unleashed.run_once().await.unwrap();
    assert_eq!(hit.faults[0].target, rehearsed.target);
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<chaos_core::RunReport>(&json).unwrap(), report);
}

/// The limits count what real faults there are, and a rehearsal neither recovers nor adds one.
#[test]
fn the_limits_of_a_rehearsal_count_the_faults_that_there_are() {
    let (world, journal) = (world(), MemoryJournal::new());
    let (fault, target) = runtime().block_on(orphan(&world, &journal));
    runtime().block_on(async {
        let one = rehearsing(&world, &journal).build().unwrap().run_once().await.unwrap();
        assert_eq!(one.rehearsed, [], "one fault is active: {one}");
        assert!(one.to_string().contains("1 faults are active; at most 1 may be"), "{one}");
        assert_eq!(one.pending.iter().map(|fault| fault.id).collect::<Vec<_>>(), [fault]);
        assert!(one.to_string().contains(&format!("pending, and left as it is: {fault}")), "{one}");
        assert_eq!(one.replayed, []);

        let wide = BlastRadius::default().max_active(2);
        let two = rehearsing(&world, &journal).blast_radius(wide).build().unwrap();
        for _ in 0..3 {
            let two = two.run_once().await.unwrap();
            assert_eq!(two.rehearsed.len(), 1, "rehearsals count in no limit: {two}");
            assert_ne!(two.rehearsed[0].target, target);
        }
        let pending = journal.pending().await.unwrap().faults;
        assert_eq!(pending.iter().map(|fault| fault.id).collect::<Vec<_>>(), [fault]);
    });
}

/// In the last moment, after the plan.
#[tokio::test(start_paused = true)]
async fn a_limit_that_only_the_arming_would_check_skips_the_victim_with_its_reason() {
    /// Halts everything while the event is prepared.
    #[derive(Debug)]
    struct Halting(MemoryJournal);

    impl Observer for Halting {
        fn observe(&self, at: Timestamp, activity: &Activity) {
            if matches!(activity, Activity::Planned { .. }) {
                use futures_util::FutureExt;
                let halt = Some(Halt::new("smoke", at));
                self.0.set_halt(halt).now_or_never().unwrap().unwrap();
            }
        }
    }
    let (world, journal) = (world(), MemoryJournal::new());
    let monkey = rehearsing(&world, &journal).observer(Halting(journal.clone())).build().unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!(report.rehearsed, []);
    assert_eq!(report.skipped.len(), 1, "{report}");
    assert_eq!(report.skipped[0].reason, Reason::halted("smoke"));
    assert!(report.to_string().contains("everything is halted: smoke"), "{report}");
}

/// A recovery that does not read back would never be armed.
#[tokio::test(start_paused = true)]
async fn a_rehearsal_proves_that_the_recovery_reads_back() {
    let (world, journal) = (world(), MemoryJournal::new());
    let monkey = rehearsing(&world, &journal)
        .rehearse(journal.clone(), chaos_core::Registry::default())
        .build()
        .unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!(report.rehearsed, []);
    assert!(report.to_string().contains("a recovery that cannot be read back"), "{report}");
}

/// On each open day each group would have been hit once, as far as `least` allows it, and no due is taken.
#[tokio::test(start_paused = true)]
async fn a_rehearsal_with_a_schedule_writes_down_what_would_have_been() {
    let clock = Arc::new(ManualClock::starting_at(at("2026-03-02T06:00:00Z")));
    let (world, journal) = (world(), MemoryJournal::new());
    let until = async |end: &str| clock.sleep(at(end).duration_since(clock.now()).unsigned_abs()).await;
    let schedule = Schedule::new("UTC").unwrap().mean(2.0).unwrap().least(2).unwrap();
    let monkey = rehearsing(&world, &journal)
        .calendar(BusinessHours::new("UTC").unwrap().hours(9, 15))
        .clock(Arc::clone(&clock))
        .schedule(schedule.clone())
        .build()
        .unwrap();
    monkey.run(until("2026-03-07T00:30:00Z")).await.unwrap();
    assert_untouched(&world, &journal).await;
    let dues = journal.dues(&DueQuery::all()).await.unwrap().dues;
    assert!(dues.iter().all(|due| due.rehearsed && due.state == DueState::WouldHaveBeen), "{dues:?}");
    // Monday, Wednesday and Friday: a rehearsed fault keeps the distance as a real one does.
    let mut days: Vec<_> = dues.iter().map(|due| due.id.day.day()).collect();
    days.dedup();
    assert_eq!((days, dues.len()), (vec![2, 4, 6], 6), "{dues:?}");

    // What was rehearsed is still due for an unleashed monkey.
    until("2026-03-09T06:00:00Z").await;
    let unleashed = Monkey::builder()
        .provider(world.clone())
        .event(PowerOff::default())
        .calendar(BusinessHours::new("UTC").unwrap().hours(9, 15))
        .clock(Arc::clone(&clock))
        .seed(42)
        .schedule(schedule)
        .unleash(journal.clone(), registry())
        .build()
        .unwrap();
    unleashed.run(until("2026-03-09T18:00:00Z")).await.unwrap();
    let carried_out = journal.dues(&DueQuery::all().state(DueState::CarriedOut)).await.unwrap().dues;
    assert_eq!(carried_out.len(), 2, "{carried_out:?}");
    assert!(carried_out.iter().all(|due| !due.rehearsed && due.id.day == date(2026, 3, 9)));
}

#[test]
fn a_monkey_is_either_unleashed_or_rehearses() {
    let (world, journal) = (world(), MemoryJournal::new());
    let both = rehearsing(&world, &journal).unleash(journal.clone(), registry()).build();
    let error = both.unwrap_err().to_string();
    assert_eq!(error, "invalid mode: `unleash` and `rehearse`; expected one of them");
}

/// It stays leashed: nothing that needs a safeguard is there.
#[tokio::test(start_paused = true)]
async fn a_rehearsing_monkey_recovers_and_halts_nothing() {
    let (world, journal) = (world(), MemoryJournal::new());
    let monkey = rehearsing(&world, &journal).build().unwrap();
    let refused = "the monkey is leashed: it only rehearses; call `unleash` on its builder instead";
    for error in [
        monkey.recover_pending().await.map(drop).unwrap_err(),
        monkey.take_over_pending().await.map(drop).unwrap_err(),
        monkey.resume().await.unwrap_err(),
        monkey.halt("smoke").await.unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::Refused, refused.to_owned()));
    }
    assert_eq!(journal.halt().await.unwrap(), None);
    assert!(monkey.diagnose().await.is_sound());
}
