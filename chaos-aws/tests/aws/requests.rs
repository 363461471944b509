//! The number of calls to hit a member, for a group of any size: AWS charges for calls, and limits them.

use chaos_core::{BlastRadius, MemoryJournal, Outcome};
use chaos_events::Terminate;

use crate::cloud::{Cloud, monkey};

/// The calls of a run that terminates this many members of 60.
async fn calls(victims: usize) -> Option<Vec<String>> {
    let cloud = Cloud::with_web(60)?;
    let provider = cloud.provider().await;
    let radius = BlastRadius::default()
        .min_healthy(0)
        .targets_per_group(victims)
        .targets_per_run(victims)
        .max_active(victims);
    let monkey = monkey(provider, MemoryJournal::new())
        .event(Terminate::default())
        .blast_radius(radius)
        .build()
        .unwrap();
    cloud.forget_calls();
    let report = monkey.run_once().await.unwrap();
    assert_eq!((report.outcome(), report.faults.len()), (Outcome::Completed, victims), "{report:?}");
    Some(cloud.calls())
}

#[tokio::test(flavor = "multi_thread")]
async fn victims_of_one_moment_share_the_looks_at_their_group() {
    let Some(one) = calls(1).await else { return };
    // The plan, 2 calls; if it has grown old, a look at the group and at the victim, 4; the last look, 4; the order.
    let order = one.iter().position(|call| call == "TerminateInstances").unwrap();
    assert!(order < 11, "{one:?}");
    // Then looks at the group alone, 2 calls each: their number depends on the platform's time to replace the member.
    // On a busy machine, a look is given up between its two calls.
    let looks = &one[order + 1..];
    let groups = looks.iter().filter(|call| *call == "DescribeAutoScalingGroups").count();
    let instances = looks.iter().filter(|call| *call == "DescribeInstances").count();
    assert!(groups + instances == looks.len() && instances <= groups, "{one:?}");
    assert!((2..10).contains(&groups), "{one:?}");
    let Some(ten) = calls(10).await else { return };
    let groups = ten.iter().filter(|call| call.contains("AutoScalingGroups")).count();
    assert!(ten.len() <= 80 && groups <= 40, "{} calls, {groups} for the group: {ten:?}", ten.len());
}
