//! The events and their recoveries keep their contracts, over a world in memory.

use chaos_core::{
    ChaosEvent, Recovery,
    testing::{ManualClock, MemoryProvider},
};
use chaos_events::{AwaitReplacement, Reboot, StartAgain, Stop, Terminate};
use chaos_testkit::{Subject, Timing, contract};

async fn keeps_its_contracts<R: Recovery>(event: impl ChaosEvent + Copy) {
    let timing = Timing::new(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()));
    let subject = async || {
        let world = MemoryProvider::default().with_group("web", 5)?;
        Ok(Subject::new(world, "memory:web/machine-1".parse()?))
    };
    contract::event::check(&timing, event, chaos_events::registry(), subject).await.assert_kept();
    contract::recovery::check::<R>(&timing, event, subject).await.assert_kept();
}

#[tokio::test(start_paused = true)]
async fn terminate_keeps_its_contracts() {
    keeps_its_contracts::<AwaitReplacement>(Terminate::default()).await;
}

#[tokio::test(start_paused = true)]
async fn stop_keeps_its_contracts() {
    keeps_its_contracts::<StartAgain>(Stop::default()).await;
}

#[tokio::test(start_paused = true)]
async fn reboot_keeps_its_contracts() {
    keeps_its_contracts::<StartAgain>(Reboot::default()).await;
}
