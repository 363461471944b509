//! In a test: a hypothesis. If one replica hangs, then every customer is served.
//!
//! Put it into `tests/` of the package with the program `example_service`.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chaos_core::{MemoryJournal, Monkey, Outcome, SteadyState, probe};
use chaos_events::Stop;
use chaos_local::{Fleet, HealthCheck};

/// How long a customer waits for one replica.
const PATIENCE: Duration = Duration::from_millis(500);

#[tokio::test]
async fn every_customer_is_served_while_a_replica_hangs() -> Result<(), Box<dyn std::error::Error>> {
    let fleet = Fleet::of(env!("CARGO_BIN_EXE_example_service"))
        .arg("{port}")
        .health(HealthCheck::http("/"))
        .replicas(3)
        .start()
        .await?;
    let customers = Customers::of(fleet.endpoints()).asking(3);
    let monkey = Monkey::builder()
        .provider(fleet.clone())
        .event(Stop::lasting(Duration::from_secs(4))?)
        .steady_state(
            SteadyState::new("If one replica hangs, then every customer is served")
                .probe("a customer buys", probe("the shop", move || customers.clone().buy()), true)
                .every(Duration::from_millis(200)),
        )
        .unleash(MemoryJournal::new(), chaos_events::registry())
        .build()?;
    let report = monkey.run_once().await?;
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    fleet.stop().await?;
    Ok(())
}

/// Customers of one service. Each begins with the next replica, and asks another one if it gets no answer.
#[derive(Clone, Debug)]
pub(crate) struct Customers {
    replicas: Arc<[SocketAddr]>,
    asks: usize,
    served: Arc<AtomicUsize>,
}

impl Customers {
    pub(crate) fn of(replicas: Vec<SocketAddr>) -> Self {
        Self { replicas: replicas.into(), asks: 1, served: Arc::default() }
    }

    /// Sets how many replicas a customer asks at most.
    pub(crate) fn asking(self, replicas: usize) -> Self {
        Self { asks: replicas, ..self }
    }

    /// Whether the next customer gets an answer.
    pub(crate) async fn buy(self) -> bool {
        tokio::task::spawn_blocking(move || self.is_next_served()).await.unwrap_or(false)
    }

    pub(crate) fn is_next_served(&self) -> bool {
        let first = self.served.fetch_add(1, Ordering::Relaxed) % self.replicas.len();
        self.replicas.iter().cycle().skip(first).take(self.asks).any(|replica| answers(*replica))
    }
}

fn answers(replica: SocketAddr) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut connection = TcpStream::connect(replica)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        connection.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}
