//! Arguments of more than one program.

use std::time::Duration;

use bytesize::ByteSize;
use chaos_core::clock::{Clock, SystemClock};
use jiff::{SignedDuration, Timestamp};

/// Parses a duration, such as `5s`, `500ms` or `1m 30s`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let expected = "expected a duration such as 5s, 500ms or 1m 30s";
    let duration: SignedDuration = text.parse().map_err(|_| expected.to_owned())?;
    Duration::try_from(duration).map_err(|_| expected.to_owned())
}

/// Formats a duration in one word, such that [`duration`] reads it back.
pub(crate) fn duration_text(duration: Duration) -> String {
    SignedDuration::try_from(duration)
        .map_or_else(|_| format!("{duration:?}"), |duration| format!("{duration:#}").replace(' ', ""))
}

/// Parses a seed.
pub(crate) fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("expected a whole number from 0 to {} (2^64-1)", u64::MAX))
}

/// Parses a count.
pub(crate) fn count(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "expected a whole number".to_owned())
}

/// Parses a size: `500MB`, `2GiB`, or a number of bytes. A size that is too large reads as the largest number, which
/// exceeds every file system.
pub(crate) fn size(text: &str) -> Result<ByteSize, String> {
    let size: ByteSize =
        text.parse().map_err(|_| "expected a size such as 500MB, 2GiB or 4096".to_owned())?;
    if i64::try_from(size.as_u64()).is_err() {
        return Err(format!("expected less than 8EiB ({} bytes at most)", i64::MAX));
    }
    Ok(size)
}

/// Parses an instant, or how long ago it was.
pub(crate) fn instant(text: &str) -> Result<Timestamp, String> {
    let expected = "expected an instant such as 2026-03-02T09:00:00Z, or how long ago, such as 2h";
    if let Ok(instant) = text.parse() {
        return Ok(instant);
    }
    let ago = duration(text).map_err(|_| expected.to_owned())?;
    SystemClock::default().now().checked_sub(ago).map_err(|_| expected.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, milliseconds) in
            [("5s", 5_000), ("500ms", 500), ("1m", 60_000), ("1m 30s", 90_000), ("0.5s", 500)]
        {
            let read = Duration::from_millis(milliseconds);
            assert_eq!(duration(text), Ok(read), "{text}");
            assert_eq!(duration(&duration_text(read)), Ok(read), "{text}");
        }
        for text in ["", "5", "-5s", "soon", "5 parsecs"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_those_that_can_be_counted() {
        for (text, bytes) in [("4096", 4096), ("2GiB", 2 << 30), ("500MB", 500_000_000), ("7.5EiB", 15 << 59)]
        {
            assert_eq!(size(text), Ok(ByteSize::b(bytes)), "{text}");
        }
        for text in
            ["", "-1", "GiB", "1 parsec", "8EiB", "16EiB", "99999999EiB", "18446744073709551615", "1.5e9"]
        {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn instants_are_absolute_or_ago() {
        assert_eq!(instant("2026-03-02T09:00:00Z"), Ok("2026-03-02T09:00:00Z".parse().unwrap()));
        let since = instant("2h").unwrap();
        let ago = SystemClock::default().now().duration_since(since);
        assert!((SignedDuration::from_secs(7200)..SignedDuration::from_secs(7260)).contains(&ago), "{ago}");
        assert!(instant("yesterday-ish").is_err());
    }
}
