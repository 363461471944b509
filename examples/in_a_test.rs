//! In a test: one replica of a service freezes. Do its clients still get their answers?
//!
//! Put it into `tests/` of the package with the program `example_service`.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    num::NonZeroUsize,
    time::Duration,
};

use chaos_core::{
    MemoryJournal, Monkey,
    observer::{self, Activity},
};
use chaos_events::Stop;
use chaos_local::{Fleet, HealthCheck};

#[tokio::test]
async fn clients_are_answered_while_a_replica_is_frozen() -> Result<(), Box<dyn std::error::Error>> {
    let fleet = Fleet::of(env!("CARGO_BIN_EXE_example_service"))
        .arg("{port}")
        .health(HealthCheck::http("/"))
        .replicas(3)
        .start()
        .await?;
    let (observer, mut activities) = observer::channel(NonZeroUsize::MIN.saturating_add(1023));
    let monkey = Monkey::builder()
        .provider(fleet.clone())
        .event(Stop::lasting(Duration::from_secs(3))?)
        .also_observe(observer)
        .unleash(MemoryJournal::new(), chaos_events::registry())
        .build()?;

    let running = tokio::spawn(async move { monkey.run_once().await });
    // Waits until one of the three is frozen.
    while let Some(told) = activities.next().await {
        if matches!(told.activity, Activity::Injected { .. }) {
            break;
        }
    }
    // Like a client that tries one address after the other.
    assert!(fleet.endpoints().into_iter().any(answers), "no replica answers");

    running.await??.ensure_completed()?;
    assert!(fleet.endpoints().into_iter().all(answers), "a replica did not come back");
    fleet.stop().await?;
    Ok(())
}

fn answers(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut connection = TcpStream::connect(address)?;
        connection.set_read_timeout(Some(Duration::from_millis(300)))?;
        connection.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}
