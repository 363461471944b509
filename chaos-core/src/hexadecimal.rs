//! Ids as people see them: sixteen hexadecimal digits.

use crate::error::{Error, Result};

/// The number that `text` holds.
///
/// # Errors
/// `InvalidInput` that names `what` the text should be, for anything but 16 hexadecimal digits.
pub(crate) fn sixteen_digits(what: &str, text: &str) -> Result<u64> {
    let is_hexadecimal = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match u64::from_str_radix(text, 16) {
        Ok(number) if is_hexadecimal => Ok(number),
        _ => Err(Error::invalid(what, format!("{text:?}"), "16 hexadecimal digits")),
    }
}
