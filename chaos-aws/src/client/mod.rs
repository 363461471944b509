//! The client of AWS: connections, credentials, retries and errors, and the calls that look things up.

pub(crate) mod cbor;
pub(crate) mod checkpoint;
pub(crate) mod connection;
#[cfg(unix)]
pub(crate) mod credential_process;
pub(crate) mod credentials;
pub(crate) mod error;
pub(crate) mod groups;
pub(crate) mod last_failure;
pub(crate) mod machines;
#[cfg(unix)]
pub(crate) mod profile;
pub(crate) mod regions;
pub(crate) mod retries;
pub(crate) mod transport;
