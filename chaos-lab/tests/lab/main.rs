//! Activities with real processes and a real server.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[cfg(unix)]
mod beyond;
#[cfg(target_os = "linux")]
mod controls;
#[cfg(target_os = "linux")]
mod dropped;
#[cfg(unix)]
mod events;
#[cfg(feature = "tls")]
mod https;
#[cfg(target_os = "linux")]
mod killed;
#[cfg(unix)]
mod parts;
#[cfg(unix)]
mod processes;
#[cfg(target_os = "linux")]
mod python;
mod requests;
mod server;

use std::time::Duration;

/// Bounds a test that would hang, however slow the machine is.
#[expect(clippy::disallowed_methods, reason = "a test that hangs must fail")]
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(120), future).await.unwrap()
}
