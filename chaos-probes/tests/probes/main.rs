//! The probes against real sockets and real processes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod by_when;
#[cfg(unix)]
mod command;
mod http;
#[cfg(feature = "tls")]
mod https;
mod prometheus;
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
