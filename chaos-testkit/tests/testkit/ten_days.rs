//! Ten days of a monkey with a schedule, with every layer failing now and then.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use chaos_core::{
    BusinessHours, Error, ErrorKind, Health, Hold, Journal, MemoryJournal, Monkey, Provider, Registry,
    Result, async_trait,
    clock::Clock,
    fault::FaultState,
    journal::{DueQuery, DueState, FaultQuery},
    schedule::Schedule,
    testing::{ManualClock, MemoryProvider, PowerOff, PowerOn},
};
use chaos_testkit::faulty::{Call, Failing, Faulty, Interference, TargetCall, Times};
use jiff::{Timestamp, civil::date};

/// One call in this many fails before it is made, and one after it.
const ONE_IN: u64 = 12;

/// Fails now and then, as its seed says.
#[derive(Debug)]
struct NowAndThen {
    state: Mutex<u64>,
    failed: Mutex<usize>,
}

impl NowAndThen {
    fn seeded(seed: u64) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(seed), failed: Mutex::new(0) })
    }

    /// SplitMix64.
    fn draw(&self) -> u64 {
        let mut state = self.state.lock().unwrap();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn judge(&self, call: impl std::fmt::Debug) -> Result<()> {
        if !self.draw().is_multiple_of(ONE_IN) {
            return Ok(());
        }
        *self.failed.lock().unwrap() += 1;
        Err(Error::new(ErrorKind::Unavailable, "it fails now and then").with("call", format!("{call:?}")))
    }
}

#[async_trait]
impl<C: Call> Interference<C> for NowAndThen {
    async fn before(&self, call: C) -> Result<()> {
        self.judge(call)
    }

    async fn after(&self, call: C) -> Result<()> {
        self.judge(call)
    }
}

#[tokio::test(start_paused = true)]
async fn after_ten_days_of_failures_nothing_is_pending_and_every_due_has_its_line() {
    let seed: u64 =
        std::env::var("CHAOS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
            use chaos_core::chance::{Entropy, SystemEntropy};
            SystemEntropy::default().draw().unwrap()
        });
    println!("CHAOS_SEED={seed}");
    let groups = ["a", "b", "c"];
    let world =
        groups.into_iter().fold(MemoryProvider::default(), |world, name| world.with_group(name, 5).unwrap());
    let journal = MemoryJournal::new();
    let clock = Arc::new(ManualClock::starting_at("2026-03-02T06:00:00Z".parse().unwrap()));
    let fails = NowAndThen::seeded(seed);
    let nth = |modulo: u64| Times::nth(usize::try_from(1 + fails.draw() % modulo).unwrap());
    let targets = Failing::targets(world.clone(), TargetCall::Stop, nth(6));
    let targets = Failing::targets(targets, TargetCall::Start, nth(6));
    let targets = Failing::targets(targets, TargetCall::Health, nth(60));
    let monkey = Monkey::builder()
        .provider(Faulty::new(targets, Arc::clone(&fails)))
        .event(Faulty::new(
            PowerOff::lasting(Hold::lasting(Duration::from_secs(60)).unwrap()),
            Arc::clone(&fails),
        ))
        .calendar(BusinessHours::new("UTC").unwrap().hours(9, 15))
        .clock(Arc::clone(&clock))
        .schedule(Schedule::new("UTC").unwrap())
        .seed(seed)
        .unleash(Faulty::new(journal.clone(), Arc::clone(&fails)), Registry::default().register::<PowerOn>())
        .build()
        .unwrap();
    let end: Timestamp = "2026-03-12T06:00:00Z".parse().unwrap();
    let wait = end.duration_since(clock.now()).unsigned_abs();
    monkey.run(clock.sleep(wait)).await.unwrap();
    println!("{} calls failed", fails.failed.lock().unwrap());
    assert!(*fails.failed.lock().unwrap() > 100);

    assert_eq!(journal.pending().await.unwrap().faults, []);
    for group in groups {
        let group = world.group(&format!("memory:{group}").parse().unwrap()).await.unwrap();
        assert!(group.members.iter().all(|member| member.health == Health::Healthy), "{group:?}");
    }
    let mut runs = BTreeMap::<_, BTreeSet<_>>::new();
    for fault in journal.find(&FaultQuery::all()).await.unwrap().faults {
        assert_eq!(fault.state, FaultState::Recovered);
        let due = fault.due.unwrap();
        runs.entry((due.day, fault.group)).or_default().insert(due.run);
    }
    assert!(runs.values().all(|runs| runs.len() == 1), "{runs:?}");
    let past = DueQuery::all().before(date(2026, 3, 12));
    let dues = journal.dues(&past).await.unwrap().dues;
    // Eight open days before the last one.
    let lines: BTreeSet<_> = dues.iter().map(|due| (due.id.day, due.id.group.clone())).collect();
    assert_eq!((dues.len(), lines.len()), (8 * 3, 8 * 3), "{dues:?}");
    for due in &dues {
        assert!(due.is_settled(), "{due:?}");
        assert!(due.state == DueState::CarriedOut || !due.stops.is_empty(), "{due:?}");
    }
    let carried_out = dues.iter().filter(|due| due.state == DueState::CarriedOut).count();
    assert!(carried_out > 8, "it fails now and then, and not always: {dues:?}");
}
