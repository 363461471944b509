//! The probes against real sockets and real processes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod by_when;
mod catalogue;
#[cfg(unix)]
mod command;
mod contract;
mod hostile;
mod http;
#[cfg(feature = "tls")]
mod https;
mod prometheus;
mod real_prometheus;
mod server;
mod tcp;

use chaos_core::{
    Result,
    clock::SystemClock,
    steady_state::{Probe, Reading},
};

async fn look(probe: &impl Probe) -> Result<Reading> {
    probe.check().unwrap();
    probe.look(&SystemClock::default()).await
}

/// Why there was no answer.
async fn silence(probe: &impl Probe) -> String {
    match look(probe).await.unwrap() {
        Reading::NoAnswer(why) => why,
        answer => panic!("{probe} answered {answer:?}"),
    }
}

/// A limit for what takes seconds, and far less than the 600 seconds of processes that must be gone.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    #[expect(clippy::disallowed_methods, reason = "real processes take real time")]
    tokio::time::timeout(std::time::Duration::from_secs(120), what).await.unwrap()
}
