//! How many calls it takes to hit a member, whatever the size of its group: a bill, and a limit that AWS sets.

use std::time::Duration;

use chaos_core::{BlastRadius, ChaosEvent, MemoryJournal, Outcome, Quota};
use chaos_events::{Reboot, Stop, Terminate};

use crate::cloud::{Cloud, monkey};

/// The calls of a run that hits so many of 60.
async fn calls(event: impl ChaosEvent, victims: usize) -> Option<Vec<String>> {
    let cloud = Cloud::with_web(60)?;
    let provider = cloud.provider().await;
    let radius = BlastRadius::default()
        .min_healthy(0)
        .targets_per_group(Quota::from(victims))
        .targets_per_run(victims)
        .max_active(victims);
    let monkey = monkey(provider, MemoryJournal::new()).event(event).blast_radius(radius).build().unwrap();
    cloud.forget_calls();
    let report = monkey.run_once().await.unwrap();
    assert_eq!((report.outcome(), report.faults.len()), (Outcome::Completed, victims), "{report:?}");
    Some(cloud.calls())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_termination_of_one_of_sixty_takes_few_calls() {
    let Some(calls) = calls(Terminate::default(), 1).await else { return };
    // The plan; the last look at the group, and at the victim; the order; the look that sees the group whole again.
    assert!(calls.len() <= 9, "{calls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn victims_of_one_moment_share_the_looks_at_their_group() {
    let Some(one) = calls(Terminate::default(), 1).await else { return };
    let Some(ten) = calls(Terminate::default(), 10).await else { return };
    eprintln!("one: {} {one:?}; ten: {}", one.len(), ten.len());
    let groups = |calls: &[String]| calls.iter().filter(|call| call.contains("AutoScalingGroups")).count();
    assert!(ten.len() <= 6 * 10, "{ten:?}");
    assert!(groups(&ten) <= 3 * 10, "{ten:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_and_a_reboot_of_one_of_sixty_take_few_calls() {
    let Some(stop) = calls(Stop::lasting(Duration::from_secs(2)).unwrap(), 1).await else { return };
    let Some(reboot) = calls(Reboot::default(), 1).await else { return };
    eprintln!("stop: {} {stop:?}; reboot: {} {reboot:?}", stop.len(), reboot.len());
    assert!(reboot.len() <= 20, "{reboot:?}");
}
