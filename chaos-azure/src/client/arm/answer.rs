use std::{collections::BTreeMap, time::Duration};

use azure_core::Bytes;
use chaos_core::{Error, ErrorKind, Result};
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};

/// An answer of ARM.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The headers, with their names in lower case.
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

    /// How long ARM asks to wait before the next request. A date instead of seconds does not come from ARM, and is
    /// ignored.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
    }

    /// # Errors
    /// `Unavailable` if the body is not such a document.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(unreadable)
    }

    /// Whether the answer seems to come from something other than ARM.
    pub(crate) fn is_page(&self) -> bool {
        let is_html =
            self.header("content-type").is_some_and(|kind| kind.trim_start().starts_with("text/html"));
        is_html || self.body.trim_ascii_start().starts_with(b"<")
    }

    /// Checks that this is a complete document of a resource or of a listing. Otherwise, the missing part of a
    /// truncated answer would be taken for something that does not exist.
    ///
    /// # Errors
    /// `Unavailable` for any other.
    pub(crate) fn is_whole(&self, is_listing: bool) -> Result<()> {
        #[derive(Deserialize)]
        struct Listing {
            #[expect(dead_code, reason = "the answer must have it")]
            value: Vec<IgnoredAny>,
        }
        #[derive(Deserialize)]
        struct Anything {}
        if self.is_page() || self.body.trim_ascii().is_empty() {
            let what =
                "the answer of Azure is not a JSON document: is there a proxy or a login page in between?";
            return Err(Error::new(ErrorKind::Unavailable, what).with("bytes", self.body.len()));
        }
        let read = if is_listing {
            serde_json::from_slice::<Listing>(&self.body).map(|_| ())
        } else {
            serde_json::from_slice::<Anything>(&self.body).map(|_| ())
        };
        read.map_err(|error| {
            let what = "an answer of Azure is truncated, or lacks a required field";
            Error::new(ErrorKind::Unavailable, what).with("bytes", self.body.len()).caused_by(error)
        })
    }
}

/// An answer that cannot be understood.
pub(crate) fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Unavailable, "an answer of Azure cannot be read").caused_by(error)
}
