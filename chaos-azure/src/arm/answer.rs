use std::{collections::BTreeMap, time::Duration};

use azure_core::Bytes;
use chaos_core::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;

/// What ARM has answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Their names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// How long ARM asks to wait before the next request. A date in the place of seconds is no answer of ARM's, and counts for
    /// nothing.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
    }

    /// # Errors
    /// `Unavailable` for a body that is no such document.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(unreadable)
    }
}

/// An answer that nobody can make sense of.
pub(crate) fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Unavailable, "an answer of Azure cannot be read").caused_by(error)
}
