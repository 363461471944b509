//! Ready probes for a [steady state](chaos_core::steady_state): [`Http`], [`Tcp`], [`Command`] and [`Prometheus`].
//!
//! - [`Http`] sends a request and yields the status, the body, a value of its JSON, or the time it took.
//! - [`Tcp`] opens a connection.
//! - [`Command`] runs a program and yields its exit status or what it printed.
//! - [`Prometheus`] asks a Prometheus server for one number.
//!
//! A system that does not answer is a violation, and a probe that could not look is a doubt. For each probe, its
//! documentation says which is which. No probe keeps anything between two looks: each opens its own connection or
//! starts its own process, and a dropped look leaves neither behind. Answers are read up to 1 MiB.
//!
//! [`catalogue`] makes each of them by name, from data.
//!
//! # HTTPS
//!
//! The feature `tls`, on by default, is HTTPS for [`Http`] and [`Prometheus`]: TLS 1.2 and 1.3 by rustls with *ring*,
//! and the certificate authorities of this machine. On Linux, `SSL_CERT_FILE` and `SSL_CERT_DIR` replace these.
//! `trusting` adds the authorities in a file. A program whose crates use another provider of rustls can use this one as
//! well. Without the feature, [`check`](chaos_core::steady_state::Probe::check) refuses a URL that begins with
//! `https://`.
//!
//! A certificate that is not trusted, is for another host, or is not valid now is no answer, because every customer
//! would refuse it too. *Now* is the wall clock of this machine, also in a test with a clock of its own. No session is
//! resumed, so each look sees the certificate. If this machine has no authorities and you name none, that is a doubt.
//!
//! ```
//! use std::time::Duration;
//!
//! use chaos_core::SteadyState;
//! use chaos_probes::{Command, Http, Prometheus, Tcp};
//!
//! let steady = SteadyState::new("If one replica hangs, then every customer is served")
//!     .probe("home page", Http::get("http://127.0.0.1:8080/"), 200)
//!     .probe("database", Tcp::connect("127.0.0.1:5432"), true)
//!     .probe("queue", Command::new(["./queue-length"]).stdout(), "0")
//!     .probe("errors", Prometheus::query("http://127.0.0.1:9090", "job:errors:rate1m"), ..=0.01)
//!     .every(Duration::from_millis(200));
//! # drop(steady);
//! ```

mod catalogue;
mod command;
mod connection;
mod exchange;
mod http;
mod pointer;
mod prometheus;
#[cfg(unix)]
mod running;
mod tcp;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "without_tls.rs"]
mod tls;
mod trouble;

pub use catalogue::catalogue;
pub use command::Command;
pub use http::Http;
pub use prometheus::Prometheus;
pub use tcp::Tcp;
