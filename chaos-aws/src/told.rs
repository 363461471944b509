//! What an answer must say, and never means anything by leaving out.

use chaos_core::{Error, ErrorKind, Result};

/// The value of a field that decides.
///
/// # Errors
/// `Unavailable`, with the field, where the answer has none: absence is never a value.
pub(crate) fn told<T>(value: Option<T>, field: &'static str) -> Result<T> {
    value.ok_or_else(|| untold(field))
}

/// An answer that leaves this out.
pub(crate) fn untold(field: &'static str) -> Error {
    let what = "an answer of the AWS API leaves out what decides; nothing in it was believed";
    Error::new(ErrorKind::Unavailable, what).with("field", field)
}
