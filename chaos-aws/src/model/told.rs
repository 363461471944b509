//! Required fields of an answer, whose absence is never a value.

use chaos_core::{Error, ErrorKind, Result};

/// The value of a required field.
///
/// # Errors
/// `Unavailable` with the field if the answer lacks it: absence is never a value.
pub(crate) fn told<T>(value: Option<T>, field: &'static str) -> Result<T> {
    value.ok_or_else(|| untold(field))
}

/// An answer that lacks this field.
pub(crate) fn untold(field: &'static str) -> Error {
    let what = "an answer of the AWS API lacks a required field, so all of it was ignored";
    Error::new(ErrorKind::Unavailable, what).with("field", field)
}
