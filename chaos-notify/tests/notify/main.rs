//! Messages over real connections: files, an HTTP server, a mail server.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may panic, and say why")]
#![cfg_attr(not(all(feature = "email", feature = "metrics", feature = "webhook")), allow(dead_code))]

#[cfg(feature = "email")]
mod email;
#[cfg(feature = "webhook")]
mod http_server;
mod json_lines;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(any(feature = "email", feature = "metrics"))]
mod python;
mod said;
#[cfg(feature = "email")]
mod smtp_server;
mod tale;
#[cfg(feature = "webhook")]
mod webhook;
