//! Requests over HTTP/1.1, each over a connection of its own.

mod answer;
mod connection;
mod exchange;
mod limits;
mod message;
mod recorded;
mod requests;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "without_tls.rs"]
mod tls;

pub(super) use requests::Requests;
