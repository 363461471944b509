//! Messages over real connections: files, an HTTP server, a mail server.

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
