//! An integration test as a user would write it.

use chaos_core::{MemoryJournal, Monkey, Outcome};
use chaos_events::Terminate;
use chaos_local::{Fleet, HealthCheck};

#[tokio::test]
async fn the_service_survives_the_loss_of_a_replica() -> chaos_core::Result<()> {
    let fleet = Fleet::of(env!("CARGO_BIN_EXE_service"))
        .args(["--port", "{port}"])
        .health(HealthCheck::http("/health"))
        .replicas(3)
        .start()
        .await?;
    let monkey = Monkey::builder()
        .provider(fleet.clone())
        .event(Terminate::default())
        .unleash(MemoryJournal::new(), chaos_events::registry())
        .build()?;
    let report = monkey.run_once().await?;
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    fleet.stop().await
}
