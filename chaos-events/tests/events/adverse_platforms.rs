//! Platforms that act late, lie, mix things up and fail: reports stay true, and no other target is touched.

use std::{sync::Arc, time::Duration};

use crate::support::{Confused, Platform, Trouble, builder, inject, inject_into, over, seconds, within};
use chaos_core::{
    BlastRadius, ChaosEvent, ErrorKind, Group, GroupId, Health, Hold, MemoryJournal, Monkey, Outcome,
    Provider, Registry, Result, Target, TargetId, async_trait,
    capability::Remains,
    clock::Clock,
    fault::FaultState,
    group::Member,
    plan::Reason,
    provider::{BoxStream, GroupFilter},
    recovery::RetryPolicy,
    testing::{PowerOff, PowerOn},
};
use chaos_events::{Reboot, Stop, Terminate};
use chaos_testkit::faulty::{
    Altered, EventCall, Failing, Faulty, Panicking, ProviderCall, TargetCall, Times,
};

/// A stop for so many seconds.
fn stop(number: u64) -> Stop {
    Stop::lasting(seconds(number)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_order_that_takes_effect_after_its_fault_was_to_be_over_is_recovered_all_the_same() {
    async fn is_up_a_minute_later(platform: Platform, event: impl ChaosEvent) {
        let report = inject(&platform, event).await;
        platform.clock().sleep(seconds(60)).await;
        assert!(report.is_recovered(), "{report}");
        assert_eq!(platform.health(1), Health::Healthy, "{report}");
    }
    is_up_a_minute_later(Platform::of(5).acting_after(seconds(3)), stop(1)).await;
    is_up_a_minute_later(Platform::of(5).acting_after(seconds(3)), Reboot::default()).await;
    is_up_a_minute_later(Platform::of(5).acting_after(seconds(3)).that_never_replies(), stop(1)).await;
}

/// The simplest possible recovery: it knows nothing about orders that take effect late.
#[tokio::test(start_paused = true)]
async fn a_lost_reply_that_takes_effect_late_is_caught_whatever_the_recovery() {
    let platform = Platform::of(5).acting_after(seconds(3)).that_never_replies();
    let registry = Registry::default().register::<PowerOn>();
    let monkey =
        builder(&platform, MemoryJournal::new()).unleash(MemoryJournal::new(), registry).build().unwrap();
    let event = PowerOff::lasting(Hold::lasting(seconds(1)).unwrap());
    let report = within(&platform, seconds(1000), monkey.inject(event, &platform.id(1))).await.unwrap();
    platform.clock().sleep(seconds(60)).await;
    assert!(report.is_recovered(), "{report}");
    assert_eq!(platform.health(1), Health::Healthy, "{report}");
}

/// The target looks well when the recovery begins, at 1 s, is down from 3 s on, and is started when that is seen, after
/// 6 s.
#[tokio::test(start_paused = true)]
async fn the_time_to_recover_counts_to_when_the_target_was_really_healthy_again() {
    for platform in [Platform::of(5), Platform::of(5).that_knows_no_stopped()] {
        let platform = platform.acting_after(seconds(3)).that_never_replies();
        let report = inject(&platform, stop(1)).await;
        assert_eq!(platform.orders(), ["stop machine-1", "start machine-1"]);
        let took = report.faults[0].time_to_recover().unwrap();
        assert!(took > seconds(5) && took < seconds(8), "{report}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_target_that_shows_as_unhealthy_is_started() {
    let platform = Platform::of(5).that_knows_no_stopped();
    let report = inject(&platform, stop(1)).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    assert_eq!(platform.health(1), Health::Healthy);
}

#[tokio::test(start_paused = true)]
async fn a_terminated_target_is_not_gone_before_it_is() {
    let platform = Platform::of(5).acting_after(seconds(90));
    let report = inject(&platform, Terminate::default().even_without_replacement()).await;
    let fault = &report.faults[0];
    assert_eq!(platform.health(1), Health::Gone, "{report}");
    assert!(fault.note.as_deref().unwrap().contains("terminated"), "{fault:?}");

    let platform = Platform::of(5).acting_after(seconds(3600));
    let report = inject(&platform, Terminate::default().even_without_replacement()).await;
    let fault = &report.faults[0];
    assert_eq!((fault.state, &fault.note), (FaultState::RecoveryFailed, &None), "{report}");
    assert!(report.to_string().contains("unhealthy, not gone yet"), "{report}");
}

#[tokio::test(start_paused = true)]
async fn who_is_gone_does_not_count_as_its_own_replacement() {
    let platform = Platform::of(5).that_would_replace();
    let victim = platform.machine(&platform.id(1)).unwrap();
    let lagging = Altered::new(platform.clone()).groups(move |mut group| {
        if group.member(victim.id()).is_none() {
            group.members.push(Member::new(Arc::clone(&victim), Health::Healthy));
        }
        group
    });
    let (report, ()) = tokio::join!(inject_into(&platform, lagging, stop(60)), async {
        platform.clock().sleep(seconds(10)).await;
        platform.set_health(1, Health::Gone);
    });
    assert_eq!(report.faults[0].state, FaultState::RecoveryFailed, "{report}");
    assert!(report.to_string().contains("4 of 5 members are healthy"), "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_scaled_in_meanwhile_is_whole_at_its_new_size() {
    let platform = Platform::of(5).that_would_replace();
    let (report, ()) = tokio::join!(inject(&platform, Terminate::default()), async {
        platform.clock().sleep(seconds(10)).await;
        platform.scale(4);
    });
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    let took = report.faults[0].time_to_recover().unwrap();
    assert!(took > seconds(9) && took < seconds(12), "{report}");
}

#[tokio::test(start_paused = true)]
async fn errors_that_nobody_has_classified_and_panics_do_not_end_a_recovery() {
    async fn is_recovered(platform: &Platform, provider: impl Provider) {
        let report = inject_into(platform, provider, stop(60)).await;
        assert!(report.is_recovered(), "{report}");
        // Nothing of it was visible meanwhile, and nothing is reported.
        assert_eq!(report.outcome(), Outcome::NoEffect, "{report}");
        assert!(report.to_string().contains("every look at it during the hold failed"), "{report}");
        assert_eq!(platform.health(1), Health::Healthy);
    }
    let platform = Platform::of(5);
    let resetting = Trouble::resetting_at(ProviderCall::Resolve).first(4);
    is_recovered(&platform, Faulty::new(platform.clone(), resetting)).await;
    let panicking = Panicking::provider(platform.clone(), ProviderCall::Resolve, Times::first(4));
    is_recovered(&platform, panicking).await;
}

#[tokio::test(start_paused = true)]
async fn a_target_that_cannot_be_looked_at_any_more_is_started_all_the_same() {
    let platform = Platform::of(5);
    // The look before the injection is allowed.
    let resetting = Trouble::resetting_at(TargetCall::Health).after(1).of_targets(platform.clone());
    let report = inject_into(&platform, resetting, stop(60)).await;
    assert_eq!(report.faults[0].state, FaultState::RecoveryFailed, "nobody has seen it back: {report}");
    assert_eq!(platform.orders()[..2], ["stop machine-1", "start machine-1"]);
    assert_eq!(platform.health(1), Health::Healthy);
}

/// Answers a recovery's look at the group 8 s later, with the state at the time of the question.
#[derive(Clone, Debug)]
struct Late(Platform);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Provider for Late {
    fn scheme(&self) -> &'static str {
        self.0.scheme()
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        self.0.groups(filter)
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        self.0.group(id).await
    }

    async fn group_in_recovery(&self, _: &GroupId) -> Result<Group> {
        let mut shown = self.0.show();
        // The order that got no reply shows only two seconds after its deadline.
        if self.0.clock().monotonic() < seconds(62) {
            shown.members.iter_mut().for_each(|member| member.health = Health::Healthy);
        }
        self.0.clock().sleep(seconds(8)).await;
        Ok(shown)
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        self.0.resolve(id).await
    }

    async fn remains(&self, id: &TargetId) -> Result<Remains> {
        self.0.remains(id).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_that_began_before_the_recovery_ends_none() {
    let platform = Platform::of(5).that_would_replace().acting_after(seconds(62)).that_never_replies();
    let report = inject_into(&platform, Late(platform.clone()), Terminate::default()).await;
    assert_eq!((platform.health(1), platform.healthy()), (Health::Gone, 4));
    let fault = &report.faults[0];
    assert_eq!(fault.state, FaultState::RecoveryFailed, "{report}");
    assert!(fault.failure.as_ref().unwrap().message.contains("4 of 5 members are healthy"), "{report}");
}

#[tokio::test(start_paused = true)]
async fn who_has_to_start_it_by_hand_is_told_the_command_of_its_platform() {
    let platform = Platform::of(5);
    let report = inject(&platform, stop(60)).await;
    let fault = &report.faults[0];
    let recovery = chaos_events::registry().read(&fault.recovery).unwrap();
    let by_hand = recovery.by_hand(&fault.target, fault.id);
    assert!(by_hand.contains("unless it runs:\n    platform start machine-1\nWait"), "{by_hand}");
}

#[tokio::test(start_paused = true)]
async fn a_recovery_that_hangs_once_leaves_time_for_another() {
    let platform = Platform::of(5);
    let hanging = Trouble::hanging_at(TargetCall::Start).first(1).of_targets(platform.clone());
    let report = inject_into(&platform, hanging, stop(60)).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    assert_eq!(platform.health(1), Health::Healthy);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_cannot_be_asked_how_it_is_is_left_alone() {
    let platform = Platform::of(5);
    let resetting = Trouble::resetting_at(TargetCall::Health).first(1).of_targets(platform.clone());
    let report = inject_into(&platform, resetting, stop(60)).await;
    assert_eq!(report.outcome(), Outcome::Skipped, "{report}");
    assert!(report.to_string().contains("connection reset by peer"), "{report}");
    assert!(platform.orders().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_look_that_hangs_once_leaves_time_for_another() {
    let platform = Platform::of(5);
    // The first is the one before the injection.
    let hanging = Trouble::hanging_at(TargetCall::Health).after(1).first(1).of_targets(platform.clone());
    let report = inject_into(&platform, hanging, stop(60)).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    assert!(report.faults[0].time_to_recover().unwrap() < seconds(60 + 40), "{report}");
}

/// Run Command of Azure may take more than half a minute to tell what a script has found.
#[tokio::test(start_paused = true)]
async fn a_look_may_take_a_sixth_of_the_recovery_budget() {
    for (answer, is_seen) in [(seconds(90), true), (seconds(110), false)] {
        let platform = Platform::of(5);
        let mut retry = RetryPolicy::default();
        retry.budget = seconds(600);
        let slow = Trouble::waiting_at(TargetCall::Health, platform.clock(), answer).after(1);
        let monkey = over(slow.of_targets(platform.clone()), &platform, MemoryJournal::new()).retry(retry);
        let target = platform.id(1);
        let monkey = monkey.build().unwrap();
        let report = within(&platform, seconds(24 * 3600), monkey.inject(stop(60), &target)).await.unwrap();
        assert_eq!(report.is_recovered(), is_seen, "{answer:?}: {report}");
    }
}

/// After the one before the injection, the first look is at the fault in its hold, and the second one comes before the
/// recovery.
#[tokio::test(start_paused = true)]
async fn a_recovery_does_not_wait_long_for_the_look_before_it() {
    let platform = Platform::of(5);
    let hanging = Trouble::hanging_at(TargetCall::Health).after(1).first(2).of_targets(platform.clone());
    let report = inject_into(&platform, hanging, stop(60)).await;
    assert!(report.is_recovered(), "{report}");
    assert!(report.faults[0].time_to_recover().unwrap() < seconds(60 + 10), "{report}");
}

#[tokio::test(start_paused = true)]
async fn settling_takes_at_most_a_quarter_of_the_recovery_budget() {
    let platform = Platform::of(5);
    let mut retry = RetryPolicy::default();
    (retry.budget, retry.settle) = (seconds(60), seconds(3600));
    let monkey = builder(&platform, MemoryJournal::new()).retry(retry).build().unwrap();
    let failing = Failing::event(stop(60), EventCall::Injection, Times::ALWAYS);
    let report = monkey.inject(failing, &platform.id(1)).await.unwrap();
    let fault = &report.faults[0];
    assert_eq!(fault.state, FaultState::Recovered, "{report}");
    let took = fault.ended_at.unwrap().duration_since(fault.recovering_at.unwrap());
    let took = Duration::try_from(took).unwrap();
    assert!(took >= seconds(15) && took < seconds(17), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn the_healthy_that_must_stay_are_counted_again_before_each_injection() {
    let platform = Platform::of(6);
    let radius = BlastRadius::default().targets_per_group(2).targets_per_run(2).max_active(2).min_healthy(3);
    let monkey = builder(&platform, MemoryJournal::new())
        .event(stop(600))
        .concurrency(1)
        .blast_radius(radius)
        .seed(1)
        .build()
        .unwrap();
    let plan = monkey.plan().await.unwrap();
    let chosen: Vec<TargetId> = plan.chosen().map(|(target, _)| target.clone()).collect();
    assert_eq!(chosen.len(), 2);
    let (report, ()) = tokio::join!(async { monkey.run_once().await.unwrap() }, async {
        platform.clock().sleep(seconds(100)).await;
        // The first is down, the second waits its turn, and an outage hits three others.
        for number in (0..6).filter(|number| !chosen.contains(&platform.id(*number))).take(3) {
            platform.set_health(number, Health::Unhealthy);
        }
    });
    assert_eq!(report.faults.len(), 1, "{report}");
    assert_eq!(report.skipped[0].reason, Reason::too_few_healthy(2, 3));
}

#[tokio::test(start_paused = true)]
async fn a_group_that_lists_a_member_twice_is_a_doubt() {
    let platform = Platform::of(2).that_lists_twice();
    platform.set_health(1, Health::Unhealthy);
    let monkey = builder(&platform, MemoryJournal::new())
        .event(Stop::default())
        .blast_radius(BlastRadius::default().min_healthy(1))
        .build()
        .unwrap();
    let plan = monkey.plan().await.unwrap();
    assert_eq!(plan.chosen().count(), 0, "the only healthy one was chosen");
    assert!(
        plan.why_nothing()[0].contains("platform:web/machine-0 more than once"),
        "{:?}",
        plan.why_nothing()
    );
}

#[tokio::test(start_paused = true)]
async fn limits_as_large_as_can_be_are_limits_as_any_other() {
    let platform = Platform::of(5);
    let monkey = builder(&platform, MemoryJournal::new())
        .event(Stop::default())
        .blast_radius(BlastRadius::default().targets_per_run(usize::MAX).max_active(usize::MAX))
        .build()
        .unwrap();
    assert_eq!(monkey.plan().await.unwrap().chosen().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_leashed_monkey_can_be_sound() {
    let platform = Platform::of(5);
    let monkey = Monkey::builder()
        .provider(platform.clone())
        .event(Stop::default())
        .clock(platform.clock())
        .build()
        .unwrap();
    let diagnosis = monkey.diagnose().await;
    assert!(diagnosis.is_sound(), "{diagnosis:?}");
    assert_eq!(platform.orders(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_target_outside_of_the_groups_of_the_monkey_is_refused_by_name() {
    let platform = Platform::of(5);
    let monkey = builder(&platform, MemoryJournal::new())
        .groups(GroupFilter::all().name("platform:drill"))
        .build()
        .unwrap();
    let refused = monkey.inject(stop(60), &platform.id(1)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    let message = refused.to_string();
    assert!(message.contains("platform:web/machine-1") && message.contains("platform:drill"), "{message}");
    assert_eq!(platform.orders(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_resolves_another_target_has_that_one_left_alone() {
    let (platform, other) = (Platform::of(5), Platform::named("db", 5));
    let confused = Confused::between(&platform, &other);
    let monkey = over(confused.clone(), &platform, MemoryJournal::new()).build().unwrap();
    let target = platform.id(1);
    let (report, ()) = tokio::join!(async { monkey.inject(stop(60), &target).await.unwrap() }, async {
        platform.clock().sleep(seconds(10)).await;
        other.set_health(1, Health::Stopped);
        confused.confuse(true);
    });
    assert_eq!(report.faults[0].state, FaultState::RecoveryFailed, "{report}");
    assert!(report.to_string().contains("platform:db/machine-1"), "{report}");
    assert_eq!(other.orders(), [""; 0]);

    confused.confuse(false);
    let replayed = within(&platform, seconds(60), monkey.recover_pending()).await.unwrap();
    assert_eq!(replayed.faults[0].state, FaultState::Recovered);
    assert_eq!(platform.health(1), Health::Healthy);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_shows_another_group_does_not_pass_it_off_as_whole() {
    let (platform, other) = (Platform::of(5).that_would_replace(), Platform::named("db", 5));
    let confused = Confused::between(&platform, &other);
    let monkey = over(confused.clone(), &platform, MemoryJournal::new()).build().unwrap();
    let target = platform.id(1);
    let slow = Trouble::waiting_at(EventCall::Injection, platform.clock(), seconds(10));
    let event = Faulty::new(Terminate::default(), slow);
    let (report, ()) = tokio::join!(async { monkey.inject(event, &target).await.unwrap() }, async {
        platform.clock().sleep(seconds(5)).await;
        confused.confuse(true);
    });
    assert_eq!(platform.orders(), ["terminate machine-1"]);
    assert_eq!(report.faults[0].state, FaultState::RecoveryFailed, "{report}");
    assert!(report.to_string().contains("platform:db"), "{report}");
    assert_eq!((other.orders(), other.healthy()), (Vec::new(), 5));
}
