//! Journals, clocks, events and halts that misbehave: no target stays down, and no caller waits for ever.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::support::{Platform, Trouble, builder, inject, inject_into, over, seconds, within};
use chaos_core::{
    BlastRadius, CapabilitySet, ChaosEvent, Error, ErrorKind, Group, Health, Hold, Journal, MemoryJournal,
    Monkey, Observer, Outcome, Prepared, Provider, Result, Scope, async_trait, clock::Clock,
    fault::FaultState, journal::FaultQuery, observer::Activity, plan::Reason, testing::ManualClock,
};
use chaos_events::{Reboot, Stop, Terminate};
use chaos_testkit::faulty::{
    EventCall, Failing, Faulty, Interference, JournalCall, Panicking, ProviderCall, TargetCall, Times,
};
use jiff::{SignedDuration, Timestamp};

/// A stop for so many seconds.
fn stop(number: u64) -> Stop {
    Stop::lasting(seconds(number)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_hangs_or_panics_holds_no_recovery_up() {
    for state in [FaultState::Active, FaultState::Recovering, FaultState::Recovered] {
        let call = JournalCall::Mark(state);
        let hanging = Faulty::new(MemoryJournal::new(), Trouble::hanging_at(call));
        let panicking = Panicking::journal(MemoryJournal::new(), call, Times::ALWAYS);
        for journal in [Arc::new(hanging) as Arc<dyn Journal>, Arc::new(panicking)] {
            let platform = Platform::of(5);
            let monkey = builder(&platform, journal).build().unwrap();
            let target = platform.id(1);
            let injecting = within(&platform, seconds(1000), monkey.inject(stop(60), &target));
            let (report, ()) = tokio::join!(async { injecting.await.unwrap() }, async {
                platform.clock().sleep(seconds(62)).await;
                assert_eq!(platform.orders(), ["stop machine-1", "start machine-1"], "{state}");
                assert_eq!(platform.healthy(), 5, "{state}");
            });
            assert_eq!(report.outcome(), Outcome::Failed, "{state}: {report}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_hangs_as_the_injection_begins_has_nothing_injected() {
    let platform = Platform::of(5);
    let journal =
        Faulty::new(MemoryJournal::new(), Trouble::hanging_at(JournalCall::Mark(FaultState::Injecting)));
    let monkey = builder(&platform, journal).build().unwrap();
    let report = within(&platform, seconds(1000), monkey.inject(stop(60), &platform.id(1))).await.unwrap();
    assert_eq!(report.outcome(), Outcome::Failed, "{report}");
    assert_eq!(platform.orders(), [""; 0], "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_jumps_ahead_during_the_hold_costs_the_recovery_none_of_its_budget() {
    let platform = Platform::of(5);
    let (report, ()) = tokio::join!(inject(&platform, stop(60)), async {
        platform.clock().sleep(seconds(10)).await;
        platform.clock().jump(SignedDuration::from_mins(10));
    });
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    assert_eq!(platform.health(1), Health::Healthy);
}

#[tokio::test(start_paused = true)]
async fn a_hold_whose_deadline_passed_while_the_machine_slept_ends_soon_after_it_woke() {
    let platform = Platform::of(5);
    let (report, ()) = tokio::join!(inject(&platform, stop(3600)), async {
        platform.clock().sleep(seconds(10)).await;
        assert_eq!(platform.health(1), Health::Stopped);
        platform.clock().jump(SignedDuration::from_hours(8));
        platform.clock().sleep(seconds(3)).await;
        assert_eq!(platform.health(1), Health::Healthy);
    });
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
}

/// A clock whose sleep of one length panics once.
#[derive(Debug)]
struct PanicsAt(Arc<ManualClock>, Duration, AtomicUsize);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Clock for PanicsAt {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }

    async fn sleep(&self, duration: Duration) {
        // The hold is the rest after the preparations.
        let is_hold = duration <= self.1 && duration > self.1 - seconds(1);
        assert!(
            !is_hold || self.2.fetch_add(1, Ordering::SeqCst) != 2,
            "the third sleep of this length panics"
        );
        self.0.sleep(duration).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_panics_where_nobody_contains_it_is_rescued_at_once() {
    let platform = Platform::of(5);
    let clock = PanicsAt(platform.clock(), seconds(60), AtomicUsize::new(0));
    let journal = MemoryJournal::new();
    let monkey = builder(&platform, journal.clone()).clock(clock).build().unwrap();
    let report = within(&platform, seconds(1000), monkey.inject(stop(60), &platform.id(1))).await.unwrap();
    assert_eq!(report.outcome(), Outcome::Failed, "{report}");
    assert!(report.to_string().contains("the third sleep of this length panics"), "{report}");
    assert_eq!(platform.orders(), ["stop machine-1", "start machine-1"], "{report}");
    assert_eq!(journal.pending().await.unwrap().faults, []);
}

/// A stop that says once how long it is held, and panics when it is asked again.
#[derive(Debug, Default)]
struct SaysItOnce(AtomicUsize);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChaosEvent for SaysItOnce {
    fn name(&self) -> &'static str {
        "says-it-once"
    }

    fn requires(&self) -> CapabilitySet {
        Stop::default().requires()
    }

    fn hold(&self) -> Hold {
        assert_eq!(self.0.fetch_add(1, Ordering::SeqCst), 0, "asked for its hold again");
        Hold::DEFAULT
    }

    fn suits(&self, group: &Group) -> Result<(), String> {
        Stop::default().suits(group)
    }

    fn caveat(&self, group: &Group) -> Option<String> {
        Stop::default().caveat(group)
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        Stop::default().prepare(scope).await
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_whose_hold_panics_later_is_held_as_it_was_planned() {
    let platform = Platform::of(5);
    let report = inject(&platform, SaysItOnce::default()).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    assert_eq!(platform.health(1), Health::Healthy);
}

/// An observer that always panics.
#[derive(Debug)]
struct Hysterical;

impl Observer for Hysterical {
    fn observe(&self, _: Timestamp, activity: &Activity) {
        panic!("an observer that panics at {activity:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_panics_at_everything_changes_nothing() {
    let platform = Platform::of(5);
    let monkey = builder(&platform, MemoryJournal::new()).observer(Hysterical).build().unwrap();
    let report = monkey.inject(stop(60), &platform.id(1)).await.unwrap();
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    assert_eq!(platform.health(1), Health::Healthy);
}

#[tokio::test(start_paused = true)]
async fn a_preparation_that_takes_longer_than_the_hold_takes_nothing_off_it() {
    let platform = Platform::of(5);
    let slow = Trouble::waiting_at(EventCall::Prepare, platform.clock(), seconds(100));
    let report = inject(&platform, Faulty::new(stop(60), slow)).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    assert!(report.faults[0].time_to_recover().unwrap() >= seconds(60), "{report}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_injected_after_a_mark_that_outlasted_the_deadline() {
    let platform = Platform::of(5);
    let slow = Trouble::waiting_at(JournalCall::Mark(FaultState::Injecting), platform.clock(), seconds(12));
    let monkey = builder(&platform, Faulty::new(MemoryJournal::new(), slow)).build().unwrap();
    let report = monkey.inject(stop(10), &platform.id(1)).await.unwrap();
    assert_eq!(platform.orders(), [""; 0], "{report}");
    assert_eq!(report.outcome(), Outcome::Failed, "{report}");
    assert!(report.is_recovered(), "{report}");
}

#[tokio::test(start_paused = true)]
async fn what_an_injection_takes_of_its_hold_is_said() {
    let platform = Platform::of(5);
    let slow = Trouble::waiting_at(TargetCall::Stop, platform.clock(), seconds(12));
    let report = inject_into(&platform, slow.of_targets(platform.clone()), stop(60)).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    assert!(
        report.to_string().contains("12.0s of the 60s went by before the injection had returned"),
        "{report}"
    );
    let held = report.faults[0].achieved.get("seconds").unwrap();
    assert!((47.0..=48.0).contains(&held), "{held}: {report}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_injected_after_an_arming_that_outlasted_the_deadline() {
    let platform = Platform::of(5);
    let slow = Trouble::waiting_at(JournalCall::Arm, platform.clock(), seconds(12));
    let journal = MemoryJournal::new();
    let monkey = builder(&platform, Faulty::new(journal.clone(), slow)).build().unwrap();
    let report = monkey.inject(stop(10), &platform.id(1)).await.unwrap();
    assert_eq!(platform.orders(), [""; 0], "{report}");
    assert!(report.is_recovered(), "{report}");
    assert_eq!(journal.find(&FaultQuery::all()).await.unwrap().faults[0].injecting_at, None);
}

#[tokio::test(start_paused = true)]
async fn an_injection_that_hangs_is_recovered_though_nobody_holds_it() {
    let platform = Platform::of(5).that_never_replies();
    let report = inject(&platform, Reboot::default()).await;
    assert_eq!(report.outcome(), Outcome::Failed, "{report}");
    assert!(report.is_recovered(), "{report}");
    assert_eq!(platform.health(1), Health::Healthy);
}

/// A stop for twelve hours that hangs after it has stopped machine 1.
async fn hanging_injection(
    platform: &Platform,
    monkey: &Monkey,
) -> tokio::task::JoinHandle<chaos_core::RunReport> {
    let (monkey, target) = (monkey.clone(), platform.id(1));
    let injecting = tokio::spawn(async move { monkey.inject(stop(12 * 3600), &target).await.unwrap() });
    platform.clock().sleep(seconds(5)).await;
    assert_eq!(platform.health(1), Health::Stopped);
    injecting
}

#[tokio::test(start_paused = true)]
async fn a_halt_does_not_wait_for_an_injection_that_hangs() {
    let platform = Platform::of(5).that_never_replies();
    let monkey = builder(&platform, MemoryJournal::new()).build().unwrap();
    let injecting = hanging_injection(&platform, &monkey).await;
    injecting.abort();
    within(&platform, seconds(10), monkey.halt("enough")).await.unwrap();
    assert_eq!(platform.health(1), Health::Healthy);
}

#[tokio::test(start_paused = true)]
async fn a_halt_of_another_monkey_over_the_journal_reaches_an_injection_that_hangs() {
    let platform = Platform::of(5).that_never_replies();
    let journal = MemoryJournal::new();
    let monkey = builder(&platform, journal.clone()).build().unwrap();
    let injecting = hanging_injection(&platform, &monkey).await;
    let other = builder(&platform, journal).build().unwrap();
    other.halt("enough").await.unwrap();
    let report = within(&platform, seconds(10), injecting).await.unwrap();
    assert!(report.is_recovered(), "{report}");
    assert!(report.to_string().contains("the injection was cut short"), "{report}");
    assert_eq!(platform.health(1), Health::Healthy);
}

#[tokio::test(start_paused = true)]
async fn a_preparation_that_hangs_does_not_keep_a_shutdown_waiting() {
    let platform = Platform::of(5);
    let monkey = builder(&platform, MemoryJournal::new()).build().unwrap();
    let (injecting, target) = (monkey.clone(), platform.id(1));
    let hanging = Faulty::new(stop(60), Trouble::hanging_at(EventCall::Prepare));
    let injecting = tokio::spawn(async move { injecting.inject(hanging, &target).await.unwrap() });
    platform.clock().sleep(seconds(5)).await;
    within(&platform, seconds(1), monkey.shutdown()).await;
    let report = within(&platform, seconds(1), injecting).await.unwrap();
    assert_eq!(report.outcome(), Outcome::Skipped, "{report}");
    assert_eq!(report.skipped.len(), 1);
    assert_eq!(platform.orders(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_through_one_clone_ends_the_endless_run_of_another() {
    let platform = Platform::of(5);
    let monkey = builder(&platform, MemoryJournal::new()).event(Stop::default()).build().unwrap();
    let running = monkey.clone();
    let running = tokio::spawn(async move { running.run(std::future::pending()).await });
    platform.clock().sleep(seconds(5)).await;
    monkey.shutdown().await;
    within(&platform, seconds(10), running).await.unwrap().unwrap();
    assert_eq!(platform.healthy(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_a_living_monkey_holds_cannot_be_declared_mended() {
    let platform = Platform::of(5);
    let journal = MemoryJournal::new();
    let monkey = builder(&platform, journal.clone()).build().unwrap();
    let target = platform.id(1);
    let (report, ()) = tokio::join!(async { monkey.inject(stop(60), &target).await.unwrap() }, async {
        platform.clock().sleep(seconds(10)).await;
        let fault = journal.pending().await.unwrap().faults[0].id;
        let refused = monkey.declare_mended(fault, "looks fine").await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Conflict);
        assert_eq!(journal.pending().await.unwrap().faults.len(), 1);
    });
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
}

#[tokio::test(start_paused = true)]
async fn two_monkeys_over_one_journal_leave_as_many_healthy_as_each_must() {
    let platform = Platform::of(2);
    let journal = MemoryJournal::new();
    let monkey = || {
        let radius = BlastRadius::default().min_healthy(1).max_active(2);
        builder(&platform, journal.clone()).blast_radius(radius).build().unwrap()
    };
    let ending = Terminate::default().even_without_replacement();
    let slow = Trouble::waiting_at(EventCall::Prepare, platform.clock(), seconds(10));
    let (quick_monkey, slow_monkey, clock) = (monkey(), monkey(), platform.clock());
    let (first, second) = (platform.id(0), platform.id(1));
    let (late, early) = tokio::join!(slow_monkey.inject(Faulty::new(ending, slow), &first), async {
        clock.sleep(seconds(1)).await;
        quick_monkey.inject(ending, &second).await
    });
    assert_eq!(early.unwrap().outcome(), Outcome::Completed);
    let late = late.unwrap();
    let reason = Reason::too_few_healthy(0, 1);
    assert_eq!(late.skipped.iter().map(|skip| &skip.reason).collect::<Vec<_>>(), [&reason], "{late}");
    assert_eq!(platform.health(0), Health::Healthy);
}

/// A target can never be found again from here.
#[derive(Debug)]
struct NeverFound;

#[async_trait]
impl Interference<ProviderCall> for NeverFound {
    async fn before(&self, call: ProviderCall) -> Result<()> {
        if call == ProviderCall::Resolve { Err(Error::unsupported("finding a target")) } else { Ok(()) }
    }
}

/// One monkey holds a fault and its first order to start hangs; from the end of the hold on another one recovers it as
/// well, over `provider`. Returns when that one gave up, counted from the beginning.
async fn recovered_by_two(platform: &Platform, provider: impl Provider) -> Duration {
    let journal = MemoryJournal::new();
    let hanging = Trouble::hanging_at(TargetCall::Start).first(1).of_targets(platform.clone());
    let monkey = over(hanging, platform, journal.clone()).build().unwrap();
    let other = over(provider, platform, journal.clone()).build().unwrap();
    let (target, clock) = (platform.id(1), platform.clock());
    let begun = clock.monotonic();
    let (report, gave_up) = tokio::join!(async { monkey.inject(stop(60), &target).await.unwrap() }, async {
        clock.sleep(seconds(70)).await;
        let given_up = other.take_over_pending().await.unwrap().faults;
        assert_eq!(given_up[0].state, FaultState::RecoveryFailed);
        clock.monotonic() - begun
    });
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    assert_eq!(platform.health(1), Health::Healthy);
    assert_eq!(journal.find(&FaultQuery::all()).await.unwrap().faults[0].state, FaultState::Recovered);
    gave_up
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_another_monkey_gave_up_meanwhile_ends_recovered_when_its_holder_brings_it_back() {
    let platform = Platform::of(5);
    let gave_up = recovered_by_two(&platform, Faulty::new(platform.clone(), NeverFound)).await;
    assert!(gave_up < seconds(90), "{gave_up:?}: before the holder");
}

#[tokio::test(start_paused = true)]
async fn who_gives_a_fault_up_that_another_monkey_has_recovered_meanwhile_takes_nothing_back() {
    let platform = Platform::of(5);
    let blind = Failing::provider(platform.clone(), ProviderCall::Resolve, Times::ALWAYS);
    let gave_up = recovered_by_two(&platform, blind).await;
    assert!(gave_up > seconds(300), "{gave_up:?}: after the holder");
}
