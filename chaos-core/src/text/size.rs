use crate::error::{Error, Result};

pub(crate) const EXPECTED: &str = "a size such as 500MB, 2GiB or 4096";

/// Reads a number of bytes as people write it: `500MB`, `2GiB`, `1.5 GB`, `4096`.
///
/// `KB`, `MB`, `GB`, `TB`, `PB` and `EB` are powers of 1,000, `KiB` to `EiB` powers of 1,024, in upper or lower case,
/// and also without the final `B`. A fraction of a byte is dropped.
///
/// # Errors
/// `InvalidInput` for anything else, and from 8 EiB on, which no file system has.
///
/// ```
/// use chaos_core::text::parse_size;
///
/// assert_eq!(parse_size("2GiB")?, 2 << 30);
/// assert_eq!(parse_size("500MB")?, 500_000_000);
/// assert!(parse_size("16EiB").is_err());
/// # Ok::<(), chaos_core::Error>(())
/// ```
pub fn parse_size(text: &str) -> Result<u64> {
    let invalid = |expected| Error::invalid("size", format!("{text:?}"), expected);
    let (number, unit) =
        text.split_at(text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len()));
    let unit = unit_of(unit.trim()).ok_or_else(|| invalid(EXPECTED.to_owned()))?;
    let bytes = times(number, unit).ok_or_else(|| invalid(EXPECTED.to_owned()))?;
    u64::try_from(bytes)
        .ok()
        .filter(|bytes| i64::try_from(*bytes).is_ok())
        .ok_or_else(|| invalid(format!("less than 8EiB ({} bytes at most)", i64::MAX)))
}

fn unit_of(text: &str) -> Option<u128> {
    let text = text.to_ascii_lowercase();
    let prefix = text.strip_suffix('b').unwrap_or(&text);
    let (letter, base) = match prefix.strip_suffix('i') {
        Some(letter) => (letter, 1024),
        None => (prefix, 1000),
    };
    if letter.is_empty() && base == 1000 {
        return Some(1);
    }
    let power = ["k", "m", "g", "t", "p", "e"].iter().position(|known| *known == letter)?;
    Some(u128::pow(base, u32::try_from(power).ok()? + 1))
}

/// `number`, in decimal digits with at most one point, times `unit`. A product that is too large becomes the largest
/// `u128`.
fn times(number: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    // The digits after the 18th are less than a byte in every unit.
    let fraction = &fraction[..fraction.len().min(18)];
    let scale = u128::pow(10, u32::try_from(fraction.len()).ok()?);
    let part = fraction.parse::<u128>().ok()?.checked_mul(unit)? / scale;
    Some(whole.parse::<u128>().unwrap_or(u128::MAX).saturating_mul(unit).saturating_add(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_that_can_be_counted() {
        for (text, bytes) in [
            ("4096", 4096),
            ("4096B", 4096),
            ("2GiB", 2 << 30),
            ("2gi", 2 << 30),
            ("500MB", 500_000_000),
            ("500 MB", 500_000_000),
            ("1.5k", 1500),
            ("7.5EiB", 15 << 59),
            ("0", 0),
            ("9223372036854775807", i64::MAX as u64),
        ] {
            assert_eq!(parse_size(text).unwrap(), bytes, "{text}");
        }
        for text in [
            "",
            "-1",
            "GiB",
            "ib",
            "1.",
            "1.2.3",
            "1 parsec",
            "8EiB",
            "16EiB",
            "99999999EiB",
            "18446744073709551615",
            "99999999999999999999999999999999999999999999999999EiB",
            "1.5e9",
        ] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
